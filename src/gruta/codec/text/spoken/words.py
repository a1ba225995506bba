"""What signs and short forms are called, English and Portuguese: for `gruta.codec.text.spoken`."""

from collections.abc import Mapping
from dataclasses import dataclass

from gruta.codec.text.numerals import row

Pair = tuple[str, str]
"""Of one, and of several."""


@dataclass(frozen=True)
class Words:
    """A language's. months: from January on. short: what stands for a form that ends in a full
    stop, in small letters without it. before_numbers: the same where a number follows alone. units,
    money: of one and of several; hundredths: of a currency's. feminine: the units that are.
    """

    months: tuple[str, ...]
    short: Mapping[str, str]
    before_numbers: Mapping[str, str]
    units: Mapping[str, Pair]
    feminine: frozenset[str]
    money: Mapping[str, Pair]
    hundredths: Mapping[str, Pair]
    large: tuple[str, ...]
    signs: Mapping[str, str]
    percent: str
    to: str
    both: str
    squared: Pair
    cubed: Pair


def _pairs(text: str) -> dict[str, Pair]:
    """Of lines such as `km kilometre kilometres`."""
    rows = [line.split(" ", 1) for line in text.strip().splitlines()]
    found = {}
    for name, words in rows:
        one, _, several = words.partition("/")
        found[name] = (one.strip(), several.strip() or f"{one.strip()}s")
    return found


_ENGLISH = Words(
    months=(
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    short={
        "mr": "mister", "mrs": "missus", "ms": "miss", "dr": "doctor", "prof": "professor",
        "jr": "junior", "sr": "senior", "gen": "general", "capt": "captain", "lt": "lieutenant",
        "sgt": "sergeant", "rev": "reverend", "hon": "honorable", "gov": "governor",
        "sen": "senator", "pres": "president", "etc": "et cetera", "vs": "versus",
        "e.g": "for example", "i.e": "that is", "approx": "approximately", "dept": "department",
        "ave": "avenue", "blvd": "boulevard", "rd": "road", "mt": "mount", "inc": "incorporated",
        "ltd": "limited", "corp": "corporation", "co": "company", "est": "established",
        "tel": "telephone", "ext": "extension", "jan": "January", "feb": "February",
        "aug": "August", "sept": "September", "oct": "October", "nov": "November",
        "dec": "December",
    },
    before_numbers={"no": "number", "nos": "numbers", "p": "page", "pp": "pages", "vol": "volume",
                    "ch": "chapter", "fig": "figure", "mar": "March", "apr": "April"},
    units=_pairs("""
km kilometer
m meter
cm centimeter
mm millimeter
ft foot/feet
mi mile
km/h kilometer per hour/kilometers per hour
mph mile per hour/miles per hour
m/s meter per second/meters per second
kg kilogram
g gram
mg milligram
lb pound
lbs pound
oz ounce
t ton
l liter
L liter
ml milliliter
mL milliliter
h hour
hr hour
hrs hour
min minute
s second
ms millisecond
Hz hertz/hertz
kHz kilohertz/kilohertz
MHz megahertz/megahertz
GHz gigahertz/gigahertz
kB kilobyte
KB kilobyte
MB megabyte
GB gigabyte
TB terabyte
W watt
kW kilowatt
kWh kilowatt hour
V volt
A amp
°C degree Celsius/degrees Celsius
°F degree Fahrenheit/degrees Fahrenheit
° degree
"""),
    feminine=frozenset(),
    money=_pairs("""
$ dollar
US$ dollar
R$ real/reais
£ pound
€ euro
¥ yen/yen
"""),
    hundredths=_pairs("""
$ cent
US$ cent
R$ centavo
£ penny/pence
€ cent
"""),
    large=("hundred", "thousand", "million", "billion", "trillion"),
    signs={"&": "and", "+": "plus", "=": "equals", "@": "at", "×": "times", "÷": "divided by",
           "#": "number", "½": "one half", "¼": "one quarter", "¾": "three quarters",
           "§": "section", "<": "less than", ">": "greater than", "±": "plus or minus"},
    percent="percent",
    to="to",
    both="and",
    squared=("square {}", "square {}"),
    cubed=("cubic {}", "cubic {}"),
)  # fmt: skip

_PORTUGUESE = Words(
    months=(
        "janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro",
        "outubro", "novembro", "dezembro",
    ),
    short={
        "sr": "senhor", "sra": "senhora", "srta": "senhorita", "srs": "senhores",
        "sras": "senhoras", "dr": "doutor", "dra": "doutora", "drs": "doutores",
        "prof": "professor", "profa": "professora", "profª": "professora", "eng": "engenheiro",
        "engª": "engenheira", "exmo": "excelentíssimo", "exma": "excelentíssima",
        "ilmo": "ilustríssimo", "sto": "santo", "sta": "santa", "av": "avenida",
        "pça": "praça", "rod": "rodovia", "al": "alameda", "etc": "et cétera",
        "p. ex": "por exemplo", "ex": "exemplo", "obs": "observação", "tel": "telefone",
        "cel": "celular", "ltda": "limitada", "cia": "companhia", "jr": "júnior",
        "vs": "versus", "aprox": "aproximadamente", "mín": "mínimo", "máx": "máximo",
        "séc": "século", "a.c": "antes de Cristo", "d.c": "depois de Cristo", "gov": "governador",
        "pres": "presidente", "gal": "general", "cap": "capitão", "apto": "apartamento",
        "depto": "departamento", "min": "ministro",
    },
    before_numbers={"nº": "número", "n.º": "número", "n": "número", "pág": "página",
                    "p": "página", "págs": "páginas", "vol": "volume", "cap": "capítulo",
                    "art": "artigo", "fig": "figura", "r": "ramal"},
    units=_pairs("""
km quilômetro
m metro
cm centímetro
mm milímetro
km/h quilômetro por hora/quilômetros por hora
m/s metro por segundo/metros por segundo
kg quilo
g grama
mg miligrama
t tonelada
l litro
L litro
ml mililitro
mL mililitro
h hora
hs hora
min minuto
s segundo
ms milissegundo
ha hectare
Hz hertz/hertz
kHz quilohertz/quilohertz
MHz mega-hertz/mega-hertz
GHz giga-hertz/giga-hertz
kB quilobyte
KB quilobyte
MB megabyte
GB gigabyte
TB terabyte
W watt
kW quilowatt
kWh quilowatt-hora/quilowatts-hora
V volt
A ampere
°C grau Celsius/graus Celsius
°F grau Fahrenheit/graus Fahrenheit
° grau
"""),
    feminine=frozenset({"h", "hs", "t"}),
    money=_pairs("""
R$ real/reais
US$ dólar/dólares
$ dólar/dólares
£ libra
€ euro
¥ iene
"""),
    hundredths=_pairs("""
R$ centavo
US$ centavo
$ centavo
£ pêni/pence
€ cêntimo
"""),
    large=("mil", "milhão", "milhões", "bilhão", "bilhões", "trilhão", "trilhões", "mi", "bi"),
    signs={"&": "e", "+": "mais", "=": "igual a", "@": "arroba", "×": "vezes",
           "÷": "dividido por", "#": "número", "½": "meio", "¼": "um quarto", "¾": "três quartos",
           "§": "parágrafo", "<": "menor que", ">": "maior que", "±": "mais ou menos"},
    percent="por cento",
    to="a",
    both="e",
    squared=("{} quadrado", "{} quadrados"),
    cubed=("{} cúbico", "{} cúbicos"),
)  # fmt: skip

WORDS: Mapping[str, Words] = {"en": _ENGLISH, "pt_BR": _PORTUGUESE}

MASCULINE = frozenset(
    row(
        "dia dias mapa mapas problema problemas sistema sistemas programa programas tema temas "
        "clima cinema cinemas grama gramas quilograma quilogramas planeta planetas poema poemas "
        "idioma idiomas diploma diplomas telegrama telegramas atleta atletas artista artistas para"
    )
)
"""Portuguese nouns that end as feminine ones do."""

FEMININE = (
    "a", "as", "ção", "ções", "são", "sões", "dade", "dades", "gem", "gens", "vez", "vezes",
    "noite", "noites", "tarde", "tardes", "parte", "partes", "mulher", "mulheres", "mãe", "mães",
    "lei", "leis", "irmã", "irmãs", "mão", "mãos", "fase", "fases", "linguagem",
)  # fmt: skip
"""How others end."""

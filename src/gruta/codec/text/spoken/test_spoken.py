"""Texts as they are said: a table of each language, and rules that hold for any text."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gruta.codec.text.numerals import LANGUAGES, MOST, cardinal, decimal, ordinal, year
from gruta.codec.text.spoken import spoken

ENGLISH = {
    "2:30 p.m.": "two thirty p m",
    "at 2:05": "at two oh five",
    "at 2:00": "at two o'clock",
    "14:00": "fourteen hundred hours",
    "8 a.m. sharp": "eight a m sharp",
    "8am": "eight a m",
    "12:00:05": "twelve o'clock and five seconds",
    "2024-07-09": "July ninth, twenty twenty-four",
    "7/9": "July ninth",
    "7/9/2024": "July ninth, twenty twenty-four",
    "25/12/2024": "December twenty-fifth, twenty twenty-four",
    "45/50": "forty-five over fifty",
    "July 4, 2024": "July fourth, twenty twenty-four",
    "July 4": "July fourth",
    "4 July 2024": "the fourth of July twenty twenty-four",
    "in 1999": "in nineteen ninety-nine",
    "in 2005": "in two thousand and five",
    "the 1990s": "the nineteen nineties",
    "the 80s": "the eighties",
    "$5.20": "five dollars and twenty cents",
    "$1": "one dollar",
    "$0.50": "fifty cents",
    "$0.01": "one cent",
    "R$ 3,50": "three reais and fifty centavos",
    "R$ 3.50": "three reais and fifty centavos",
    "£3": "three pounds",
    "€2.50": "two euros and fifty cents",
    "$5 million": "five million dollars",
    "$1.5 billion": "one point five billion dollars",
    "$1,234.56": "one thousand two hundred and thirty-four dollars and fifty-six cents",
    "1st 2nd 3rd 21st 112th": "first second third twenty-first one hundred and twelfth",
    "50%": "fifty percent",
    "3.5%": "three point five percent",
    "-5": "minus five",
    "-5 °C": "minus five degrees Celsius",
    "10 km": "ten kilometers",
    "1 km": "one kilometer",
    "5 kg": "five kilograms",
    "60 mph": "sixty miles per hour",
    "20 m²": "twenty square meters",
    "100 km/h": "one hundred kilometers per hour",
    "16 kHz": "sixteen kilohertz",
    "Mr. Smith and Mrs. Jones": "Mister Smith and Missus Jones",
    "Dr. Who": "Doctor Who",
    "St. John lives on Main St.": "Saint John lives on Main Street",
    "etc.": "et cetera.",
    "e.g. this": "for example this",
    "No. 5": "number five",
    "vs.": "versus.",
    "007": "zero zero seven",
    "(555) 123-4567": "five five five, one two three, four five six seven",
    "555-1234": "five five five, one two three four",
    "10-20": "ten to twenty",
    "1.2.3": "one point two point three",
    "1,000,000": "one million",
    "Henry VIII": "Henry the eighth",
    "World War II": "World War two",
    "A & B": "A and B",
    "x = 2 + 2": "x equals two plus two",
    "½": "one half",
    "room 101": "room one hundred and one",
    "3.14": "three point one four",
    "A4 and B52": "A four and B fifty-two",
    "I have 2 cats.": "I have two cats.",
    "café 5": "café five",
    "٣ and ３": "three and three",
    "14h30": "fourteen thirty",
    "$3.505": "three point five zero five dollars",
    "30 °F": "thirty degrees Fahrenheit",
    "1 ft": "one foot",
    "the 3rd of 7": "the third of seven",
}

PORTUGUESE = {
    "14h30": "catorze horas e trinta minutos",
    "8h": "oito horas",
    "às 8h e às 21h01": "às oito horas e às vinte e uma horas e um minuto",
    "1h": "uma hora",
    "2:30": "duas horas e trinta minutos",
    "14:30:05": "catorze horas e trinta minutos e cinco segundos",
    "2024-07-09": "nove de julho de dois mil e vinte e quatro",
    "7/9": "sete de setembro",
    "7/9/2024": "sete de setembro de dois mil e vinte e quatro",
    "12/25/2024": "vinte e cinco de dezembro de dois mil e vinte e quatro",
    "1/5/2024": "primeiro de maio de dois mil e vinte e quatro",
    "1 de maio": "primeiro de maio",
    "1º de maio": "primeiro de maio",
    "9 de julho de 2024": "nove de julho de dois mil e vinte e quatro",
    "R$ 3,50": "três reais e cinquenta centavos",
    "R$ 1,00": "um real",
    "R$ 0,01": "um centavo",
    "R$ 0,50": "cinquenta centavos",
    "R$ 1.234,56": "mil duzentos e trinta e quatro reais e cinquenta e seis centavos",
    "R$ 2 milhões": "dois milhões de reais",
    "R$ 1 milhão": "um milhão de reais",
    "R$ 1.000.000": "um milhão de reais",
    "US$ 5": "cinco dólares",
    "€ 2,50": "dois euros e cinquenta cêntimos",
    "1º": "primeiro",
    "2ª": "segunda",
    "3ºs": "terceiros",
    "21ª": "vigésima primeira",
    "50%": "cinquenta por cento",
    "3,5%": "três vírgula cinco por cento",
    "3,25": "três vírgula vinte e cinco",
    "-5": "menos cinco",
    "-5 °C": "menos cinco graus Celsius",
    "10 km": "dez quilômetros",
    "1 km": "um quilômetro",
    "2 t": "duas toneladas",
    "5 kg": "cinco quilos",
    "100 km/h": "cem quilômetros por hora",
    "20 m²": "vinte metros quadrados",
    "Sr. Silva": "Senhor Silva",
    "a Sra. Ana e a Dra. Bia": "a Senhora Ana e a Doutora Bia",
    "Dr. João": "Doutor João",
    "Profa. Lia": "Professora Lia",
    "Av. Paulista, nº 1000": "Avenida Paulista, número mil",
    "R. Augusta": "Rua Augusta",
    "etc.": "et cétera.",
    "p. ex. isto": "por exemplo isto",
    "pág. 3": "página três",
    "D. Pedro II": "Dom Pedro segundo",
    "D. Maria": "Dona Maria",
    "século XXI": "século vinte e um",
    "João XXIII": "João vinte e três",
    "2 pessoas": "duas pessoas",
    "200 casas": "duzentas casas",
    "2 dias": "dois dias",
    "21 mulheres": "vinte e uma mulheres",
    "1 vez": "uma vez",
    "007": "zero zero sete",
    "(11) 98765-4321": "um um, nove oito sete seis cinco, quatro três dois um",
    "10-20": "dez a vinte",
    "1.000.000": "um milhão",
    "1.2.3": "um ponto dois ponto três",
    "A & B": "A e B",
    "½": "meio",
    "a.C.": "antes de Cristo.",
    "2 + 2 = 4": "dois mais dois igual a quatro",
    "ação 3": "ação três",
    "Cia. Ltda.": "Companhia Limitada.",
    "22 de abril de 1500": "vinte e dois de abril de mil e quinhentos",
    "US$ 5.20": "cinco dólares e vinte centavos",
    "1.000.000 casas": "um milhão de casas",
    "10.5": "dez ponto cinco",
    "R$ 1,01": "um real e um centavo",
    "£ 2": "duas libras",
    "0h": "zero hora",
    "ramal 5": "ramal cinco",
}


@pytest.mark.parametrize(("written", "said"), ENGLISH.items())
def test_english_is_written_out(written, said):
    assert spoken(written, "en") == said


@pytest.mark.parametrize(("written", "said"), PORTUGUESE.items())
def test_portuguese_is_written_out(written, said):
    assert spoken(written, "pt_BR") == said


def test_accents_are_composed_and_words_stay():
    apart = unicodedata.normalize("NFD", "São João não é exceção.")
    assert spoken(apart, "pt_BR") == "São João não é exceção."
    assert spoken("  Don\u2019t\tpanic ,  please !\n", "en") == "Don't panic, please!"
    assert spoken("", "en") == ""


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=st.text(alphabet=st.sampled_from("0123456789.,:/-$%ºª°h aAmMp R€km²IV٣½(e)#é\u0301")))
@example(text="9" * 400)
@example(text="1.000.000,99 1,000,000.99")
def test_no_figure_is_left_and_what_is_said_stays(language, text):
    said = spoken(text, language)
    assert not any(one.isdecimal() for one in said)
    assert said == unicodedata.normalize("NFC", said)
    assert spoken(said, language) == said or "." in said  # a short form may come of what is left


@pytest.mark.parametrize("language", LANGUAGES)
def test_whole_numbers_are_those_of_num2words(language):
    num2words = pytest.importorskip("num2words").num2words
    below = 10**12 if language == "en" else 10**6  # beyond it sets e between groups at will
    some = [*range(1200), *(k * 7919 % below for k in range(1200, 4000))]
    for n in some:
        assert cardinal(n, language) == num2words(n, lang=language).replace(",", ""), n
    for n in [*range(1, 400), 1000]:  # it writes quadrigentésimo
        assert ordinal(n, language) == num2words(n, lang=language, to="ordinal"), n
    for n in range(1110, 2100):
        assert year(n, "en") == num2words(n, to="year").replace("oh-", "oh ")


def test_numbers_at_the_ends():
    long = "1234567890123456"
    assert spoken(long, "en").startswith("one two three four five six seven eight nine zero one")
    assert spoken(long, "pt_BR").endswith("nove zero um dois três quatro cinco seis")
    assert spoken("10.0.0.1", "en") == "ten point zero point zero point one"
    assert cardinal(MOST, "en").startswith("nine hundred and ninety-nine trillion")
    assert cardinal(10**15, "en").startswith("one zero zero")
    assert cardinal(-2_000_001, "pt_BR") == "menos dois milhões e um"
    assert cardinal(422_222, "pt_BR", feminine=True) == (
        "quatrocentas e vinte e duas mil duzentas e vinte e duas"
    )
    assert cardinal(1_888_208, "pt_BR", feminine=True) == (
        "um milhão oitocentas e oitenta e oito mil duzentas e oito"
    )
    assert ordinal(48, "pt_BR", feminine=True) == "quadragésima oitava"
    assert ordinal(2024, "pt_BR") == "dois mil e vinte e quatro"
    assert decimal("3", "05", "pt_BR") == "três vírgula zero cinco"

import json

import pytest

from gruta.codec.text.writing import Writing
from gruta.errors import InputError

TABLE = {
    "Press 1, then #.": "press 1 then #",
    "Don’t do  THAT—please…": "don't do that please",
    "na\u0303o e\u0301 a exceção!": "não é a exceção",
    "O guarda-chuva - 'sim'": "o guarda-chuva sim",
    "At 14:30, R$ 1.234,50 (10%)": "at 14:30 r$ 1.234,50 10%",
    "«Ça va?» d'accord": "ça va d'accord",
    "¿Qué tal?\t\u00a0Bien.": "qué tal bien",
    "İstanbul": "i\u0307stanbul",
    "...": "",
}


@pytest.mark.parametrize("text", TABLE)
def test_small_letters_alone(text):
    plain = Writing(capitals=False, marks=False)
    assert plain(text) == TABLE[text]
    assert plain(plain(text)) == plain(text)


def test_each_by_itself():
    text = "  Don’t,  na\u0303o!  "
    assert Writing()(text) == "Don’t, não!"
    assert Writing(capitals=False)(text) == "don’t, não!"
    assert Writing(marks=False)(text) == "Don't não"


def test_it_survives_json():
    for writing in (Writing(), Writing(False, True), Writing(True, False)):
        assert Writing.from_json(json.loads(json.dumps(writing.to_json()))) == writing
    with pytest.raises(InputError, match=r"codec\.json: not a way of writing"):
        Writing.from_json({})

"""Rules of letters, and the memory beside them."""

from gruta.codec.text.letters import Rules
from gruta.codec.text.memory import Memory, remembered_as

WORDS = {
    "cat": "K AE T",
    "ace": "EY S",
    "cab": "K AE B",
    "tax": "T AE K S",
    "axe": "AE K S",
    "face": "F EY S",
    "fact": "F AE K T",
    "bat": "B AE T",
    "tab": "T AE B",
    "ax": "AE K S",
}


def test_letters_become_what_they_became_between_the_same_neighbours():
    rules = Rules.fit(list(WORDS), list(WORDS.values()))
    assert {word: rules(word) for word in WORDS} == WORDS
    assert rules("bax") == "B AE K S"
    assert rules("zcat!") == "K AE T"  # of letters that it has not seen it says nothing
    assert rules("?") == ""
    assert rules.size > 0


def test_letters_of_words_that_do_not_align_say_nothing():
    words = WORDS | {"qq": "AE B S T K", "a": "AE"}
    rules = Rules.fit(list(words), list(words.values()))
    assert rules("qa") == rules("a") == "AE"
    assert Rules.fit(["q"], ["AE B S T K"]) is None


def test_sounds_without_blanks_are_characters():
    rules = Rules.fit(["ab", "ba", "aab"], ["xy", "yx", "xxy"])
    assert rules("abab") == "xyxy"


def test_too_many_different_sounds_have_no_rules():
    words = [chr(0x4E00 + i) * 2 for i in range(400)]
    assert Rules.fit(words, [f"s{i} t{i}" for i in range(400)]) is None


def test_memory_finds_the_most_similar_text_and_all_that_stood_beside_one():
    memory = Memory(["the red house", "a blue car", "the green garden"], by_characters=False)
    assert memory.nearest("The car, blue") == 1
    assert Memory(["casa", "carro", "asa"], by_characters=True).nearest("caso") == 0
    known = remembered_as(["a", "a ", "b", "a"], ["x", "y", "z", "y"])
    assert known == {"a": ("y", "x"), "b": ("z",)}

"""Subwords learned from texts, by the tokenizers library."""

import json
from collections.abc import Iterable

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from gruta.codec.text.units import Units, as_letters, pieces
from gruta.codec.text.vocabulary import SPACE, Vocabulary, as_read, words_of


def learn_subwords(texts: Iterable[str], lower: bool, size: int) -> Vocabulary:
    """About `size` subwords: byte pairs' algorithm on the letters of words."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False)
    split = (" ".join(SPACE + word for word in words_of(as_read(t, lower))) for t in texts)
    tokenizer.train_from_iterator(split, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    units = sorted(model["vocab"], key=model["vocab"].__getitem__)
    pairs = (pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"])
    return Vocabulary("subwords", tuple(units), lower, tuple((a, b) for a, b in pairs))


def learn_byte_pairs(texts: Iterable[str], size: int) -> Units:
    """About `size` subwords made of bytes, so that every text can be written with them."""
    letters = [chr(byte) for byte in range(256)]
    shown = {one: chr(0x4E00 + i) for i, one in enumerate(letters)}  # letters that no blank is
    hidden = {after: one for one, after in shown.items()}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=list(hidden)
    )
    table = str.maketrans(shown)
    words = (" ".join(as_letters(p).translate(table) for p in pieces(text)) for text in texts)
    tokenizer.train_from_iterator(words, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    back = str.maketrans(hidden)
    units = sorted(model["vocab"], key=model["vocab"].__getitem__)
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    return Units(
        "subwords",
        tuple(unit.translate(back) for unit in units),
        tuple((a.translate(back), b.translate(back)) for a, b in pairs),
    )

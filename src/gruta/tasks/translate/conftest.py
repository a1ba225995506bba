import numpy as np
import polars as pl

WORDS = {
    "the": "o",
    "sea": "mar",
    "sun": "sol",
    "sees": "vê",
    "dog": "cão",
    "big": "grande",
    "cat": "gato",
    "fish": "peixe",
}


def sentences(rows: int = 150) -> pl.DataFrame:
    """Sentences with their words translated one by one, the last first."""
    draw = np.random.default_rng(0)
    sources = [" ".join(draw.choice(list(WORDS), draw.integers(2, 6))) for _ in range(rows)]
    return pl.DataFrame({"source": sources, "target": [backwards(one) for one in sources]})


def backwards(source: str) -> str:
    return " ".join(WORDS[word] for word in reversed(source.split()))


def sounds(rows: int = 200) -> pl.DataFrame:
    """Words, and a sound for each of their letters, but for c before e and a."""
    draw = np.random.default_rng(0)
    words = sorted({"".join(draw.choice(list("abce"), draw.integers(2, 6))) for _ in range(rows)})
    said = {"a": "AA", "b": "B", "e": "EH"}
    spoken = [
        " ".join({"ce": "S", "ca": "K"}.get(w[i : i + 2], "K") if c == "c" else said[c]
                 for i, c in enumerate(w))
        for w in words
    ]  # fmt: skip
    return pl.DataFrame({"word": words, "sounds": spoken})

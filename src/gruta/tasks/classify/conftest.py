import numpy as np
import polars as pl


def words(rows: int = 120) -> pl.DataFrame:
    """Texts of one of two languages, each with a word that tells."""
    draw = np.random.default_rng(0)
    telling = {"en": ["the", "and", "with"], "pt": ["não", "uma", "está"]}
    labels = draw.choice(list(telling), rows)
    texts = [" ".join(draw.permutation([draw.choice(telling[k]), "mar", "sol"])) for k in labels]
    return pl.DataFrame({"text": texts, "label": labels})


def waves(cases: int = 60) -> pl.DataFrame:
    """Series of other lengths that rise or fall, one value of them missing."""
    draw, rows = np.random.default_rng(0), []
    for case in range(cases):
        slope = draw.choice([-1.0, 1.0])
        for t in range(int(draw.integers(4, 9))):
            label = "up" if slope > 0 else "down"
            rows.append((f"c{case}", t, slope * t + draw.normal(), draw.normal(), label))
    table = pl.DataFrame(rows, schema=["case", "time", "a", "b", "label"], orient="row")
    return table.with_columns(b=pl.when(pl.int_range(pl.len()) != 3).then(pl.col("b")))

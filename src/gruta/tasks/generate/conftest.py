import numpy as np


def rhyme(lines: int = 250) -> str:
    """Lines of a few words in an order that can be learned."""
    draw = np.random.default_rng(0)
    things = ["o sol", "o mar", "a lua", "a casa"]
    does = ["vem", "vai", "fica"]
    parts = ([draw.choice(some) for some in (things, does, things)] for _ in range(lines))
    return "".join(f"{one} {does} e {other}\n" for one, does, other in parts)

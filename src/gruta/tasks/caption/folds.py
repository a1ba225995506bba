"""How a picture is folded: how many convolutions there are, and what each makes of it."""


def steps_over(size: int) -> tuple[int, ...]:
    """Of each convolution of a picture of `size` pixels on a side, by how many places it goes on:
    two until six to eleven are left on a side, then one.
    """
    side, found = size, list[int]()
    while (side + 1) // 2 >= 6:
        side = (side + 1) // 2
        found.append(2)
    return (*found, 1)


def widths(size: int, channels: int) -> tuple[int, ...]:
    """Of each convolution, how many numbers it makes of a place; channels: of the first."""
    return tuple(channels * min(2**k, 4) for k in range(len(steps_over(size))))


def places(size: int) -> int:
    """How many places there are on a side in the end."""
    side = size
    for step in steps_over(size):
        side = (side + step - 1) // step
    return side

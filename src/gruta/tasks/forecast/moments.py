"""Second moments of columns that lie a step further at each step of the horizon.

A column of a step to come is a signal read k rows after the origin, a lag one read before it. The
rows that step k + 1 reads are those of step k, one later: of each run of neighbouring origins the
first row drops out and one joins at the end. So the sums over all rows are formed once, and only
the ends of the runs are reckoned with from step to step.

Letters in shapes: N rows, M origins, W lags, V columns that move with the step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class History:
    """Signals `[N, S]` that are read at the origin and at the rows before it, `depth` in all."""

    signals: Tensor
    depth: int

    @property
    def width(self) -> int:
        """How many columns that gives."""
        return self.signals.shape[1] * self.depth

    def at(self, rows: Tensor, earlier: int) -> Tensor:
        """`[M, S, earlier + depth]`, the oldest first, with so many rows before them."""
        length = self.depth + earlier
        return self.signals.unfold(0, length, 1)[rows - length + 1]


@dataclass(frozen=True)
class Moving:
    """Signals `[N, S]` that are read `offset` rows after the origin, and one later a step."""

    signals: Tensor
    offset: int


def slide(
    histories: Sequence[History], moving: Sequence[Moving], origins: Tensor, steps: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """For so many steps the sums over `origins [M]` of products `[W, V]` and `[V, V]`.

    The first are of the histories, signal by signal, with the moving columns, the second of these
    with each other. origins: increasing; the fewer gaps they have, the faster. Signals must reach
    `depth + steps - 2` rows before the first origin, whatever is there, as long as it is finite.
    """
    earlier = steps - 1
    sums = [
        h.signals.new_zeros(h.signals.shape[1], h.depth + earlier, _width(moving))
        for h in histories
    ]
    gram = sums[0].new_zeros(_width(moving), _width(moving))

    def add(rows: Tensor, sign: int) -> None:
        columns = torch.cat([m.signals[rows + m.offset].double() for m in moving], 1)
        gram.addmm_(columns.T, columns, alpha=sign)
        for history, total in zip(histories, sums, strict=True):
            before = history.at(rows, earlier).flatten(1)
            total.view(-1, total.shape[-1]).addmm_(before.T, columns, alpha=sign)

    for some in torch.split(origins, ROWS_AT_ONCE):
        add(some, 1)
    gap = torch.diff(origins) != 1
    first = torch.cat([origins[:1], origins[1:][gap]])
    last = torch.cat([origins[:-1][gap], origins[-1:]])
    for step in range(steps):
        if step:
            add(first + step - 1, -1)
            add(last + step, 1)
        start = earlier - step
        cut = [
            total[:, start : start + history.depth].flatten(0, 1)
            for history, total in zip(histories, sums, strict=True)
        ]
        yield torch.cat(cut), gram


def standing(histories: Sequence[History], origins: Tensor) -> tuple[Tensor, Tensor]:
    """The sums over `origins` of the histories' columns `[W]`, and of their products `[W, W]`."""
    deepest = max(h.depth for h in histories)
    one = Moving(torch.ones_like(histories[0].signals[:, :1]), 0)
    moving = [one, *(Moving(h.signals, 1 - deepest) for h in histories)]
    width = sum(h.width for h in histories)
    products = origins.new_zeros(width, width, dtype=histories[0].signals.dtype)
    for step, (found, _) in enumerate(slide(histories, moving, origins, deepest)):
        place, column = 0, 1
        for history in histories:
            signals, depth = history.signals.shape[1], history.depth
            lag = step - (deepest - depth)
            if lag >= 0:
                at = place + lag + depth * torch.arange(signals)
                products[:, at] = found[:, column : column + signals]
            place, column = place + history.width, column + signals
        sums = found[:, 0]
    return sums, products


def _width(moving: Sequence[Moving]) -> int:
    return sum(m.signals.shape[1] for m in moving)

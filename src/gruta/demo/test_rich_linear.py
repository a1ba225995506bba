import torch

from gruta.demo.rich_linear import Moments
from gruta.surroundings import threads


def test_many_fits_are_solved_on_two_threads_as_on_one():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(48, 300, 171, dtype=torch.float64, generator=generator)
    y = torch.randn(48, 300, dtype=torch.float64, generator=generator)
    sums = Moments()
    sums.add(x, y)
    with threads(1):
        alone = sums.ridge(1e-3)
    with threads(2):
        together = sums.ridge(1e-3)
    for a, b in zip(alone, together, strict=True):
        torch.testing.assert_close(a, b)

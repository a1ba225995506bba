"""What is handed to the kernels stands in the order in which they read it."""

import pytest

from gruta import kernels
from gruta.cells.op.fields import NO_MASKS, Masks, fields, gradient_fields, walk_fields

WEIGHTS = ["w_ih", "w_hh", "b_ih", "b_hh", "w_hr"]
NORM = ["ln_ih_gain", "ln_ih_bias", "ln_hh_gain", "ln_hh_bias"]
PLAIN_WALK = walk_fields(NO_MASKS, False, (None,))
OF_THE_CELL_STATE = {"c_0", "c_n", "restart_c", "dc_0", "dc_n", "d_restart_c"}


def names(kind, states):
    """The fields of a tuple of the kernels, one a view; None for a state that is not there."""
    single = [name for name in kind._fields if not name.endswith(("_step", "_row"))]
    missing = OF_THE_CELL_STATE if states == 1 else ()
    return [None if name in missing else name for name in single]


@pytest.mark.parametrize("states", [1, 2])
def test_every_field_has_its_place(states):
    def each(*both):
        return both[:states]

    masks = Masks("lengths", "reset", "dropout", "hold_h", "hold_c")
    walk = walk_fields(masks, "reverse", each("restart_h", "restart_c"))
    weights, found = fields(
        walk, "x", each("h_0", "c_0"), WEIGHTS + NORM, "h", each("h_n", "c_n"), "gates"
    )
    assert [*found] == names(kernels.Pass, states)
    assert weights == kernels.Weights._fields
    found = gradient_fields(
        "dh",
        each("dh_n", "dc_n"),
        "dx",
        each("dh_0", "dc_0"),
        each("d_restart_h", "d_restart_c"),
        [*(f"d{name}" for name in WEIGHTS), *(f"d_{name}" for name in NORM)],
        ("through_h", "through_c"),
    )
    assert [*found] == names(kernels.Gradients, states)


def test_what_is_left_out_keeps_its_place():
    weights, _ = fields(PLAIN_WALK, "x", ["h_0"], WEIGHTS[:4] + NORM, "h", ["h_n"], None)
    assert weights == (*WEIGHTS[:4], None, *NORM)
    weights, found = fields(PLAIN_WALK, "x", ["h_0"], WEIGHTS[:4], "h", ["h_n"], None)
    assert weights == (*WEIGHTS[:4], None)
    given = dict(zip(names(kernels.Pass, 2), found, strict=True))
    there = {name: value for name, value in given.items() if value is not None}
    assert there == {"reverse": False, "x": "x", "h_0": "h_0", "h": "h", "h_n": "h_n"}

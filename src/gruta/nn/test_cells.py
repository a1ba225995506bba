"""One step at a time: the cells give what torch.nn's give, by the kernels where nobody looks on."""

import copy
import io
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.ao.quantization import quantize_dynamic
from torch.autograd import forward_ad
from torch.func import functional_call, grad, jvp, stack_module_state, vmap
from torch.nn.utils.parametrizations import weight_norm

import gruta.nn
from gruta import kernels
from gruta.cells.op import short, tapped


@dataclass(frozen=True)
class Case:
    """A cell of gruta, torch's of that name, and the layer that walks over time with it."""

    id: str
    ours: type[nn.Module]
    theirs: type[nn.Module]
    layer: type[nn.Module]
    arguments: dict[str, Any] = field(default_factory=dict)

    def make(self, I, H, **options):
        return self.ours(I, H, **self.arguments, **options)

    def of_a_layer(self, cell):
        """A layer with the cell's weights, whose step over one row of time is the truth."""
        made = self.layer(
            cell.input_size,
            cell.hidden_size,
            bias=cell.bias,
            dtype=cell.weight_hh.dtype,
            **self.arguments,
        )
        made.load_state_dict({f"{name}_l0": w for name, w in cell.state_dict().items()})
        return made

    def initial(self, *shape, dtype=torch.float32):
        h = torch.randn(*shape, dtype=dtype)
        return (h, torch.randn(*shape, dtype=dtype)) if self.ours is gruta.nn.LSTMCell else h


CASES = [
    Case("gru", gruta.nn.GRUCell, nn.GRUCell, gruta.nn.GRU),
    Case("gru-before", gruta.nn.GRUCell, nn.GRUCell, gruta.nn.GRU, {"reset_after": False}),
    Case("lstm", gruta.nn.LSTMCell, nn.LSTMCell, gruta.nn.LSTM),
    Case("rnn-tanh", gruta.nn.RNNCell, nn.RNNCell, gruta.nn.RNN),
    Case("rnn-relu", gruta.nn.RNNCell, nn.RNNCell, gruta.nn.RNN, {"nonlinearity": "relu"}),
]


@pytest.fixture(params=CASES, ids=lambda case: case.id)
def case(request):
    return request.param


def tensors(state):
    return state if isinstance(state, tuple) else (state,)


def each(state, change):
    return tuple(map(change, state)) if isinstance(state, tuple) else change(state)


def by_layer(layer, x, state):
    """The states after one step, from a layer."""
    if x.dim() == 1:
        given = None if state is None else each(state, lambda s: s[None])
        return each(layer(x[None], given)[1], lambda s: s[0])
    given = None if state is None else each(state, lambda s: s[None])
    return each(layer(x[None], given)[1], lambda s: s[0])


@pytest.fixture
def steps(monkeypatch):
    """How many steps the kernels served so far."""
    served = []
    native = kernels.torch_step

    def step(*given):
        found = native(*given)
        served.append(found is not None)
        return found

    monkeypatch.setattr(kernels, "torch_step", step)
    return served


@pytest.mark.parametrize(
    ("B", "I", "H"), [(1, 3, 64), (5, 1, 63), (2, 40, 8), (None, 3, 17), (1, 17, 1), (4, 33, 31)]
)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("given", [True, False], ids=["state", "no state"])
def test_a_step_is_the_layers(case, dtype, B, I, H, bias, given, steps, assert_close):
    cell = case.make(I, H, bias=bias, dtype=dtype)
    batch = () if B is None else (B,)
    x = torch.randn(*batch, I, dtype=dtype, requires_grad=True)
    state = case.initial(*batch, H, dtype=dtype) if given else None
    expected = by_layer(case.of_a_layer(cell), x, state)
    with torch.no_grad():
        assert_close(tensors(cell(x.detach(), state)), tensors(expected))
    assert any(steps) is (given and kernels.available())
    after = cell(x, state)
    assert_close(tensors(after), tensors(expected))
    if case.arguments.get("reset_after", True):
        theirs = case.theirs(I, H, bias=bias, dtype=dtype, **case.arguments)
        theirs.load_state_dict(cell.state_dict())
        assert_close(tensors(theirs(x, state)), tensors(after))
    upstream = torch.randn_like(tensors(after)[0])
    found, right = (
        torch.autograd.grad(tensors(s)[0], x, upstream, retain_graph=True)[0]
        for s in (after, expected)
    )
    assert_close(found, right)


@pytest.mark.parametrize("B", [8, 9])  # with weights as they lie, and torch's own op
def test_a_wide_cells_step_is_the_layers(case, B, steps, assert_close):
    cell, x, state = case.make(40, 333), torch.randn(B, 40), case.initial(B, 333)
    with torch.no_grad():
        right = by_layer(case.of_a_layer(cell), x, state)
        assert_close(tensors(cell(x, state)), tensors(right))
    in_one_go = B == 8 and case.arguments.get("reset_after", True) and kernels.available()
    assert any(steps) is in_one_go


@pytest.mark.skipif(not kernels.available(), reason="there are no kernels to serve")
def test_kernels_see_weights_as_they_are_now(case, assert_close):
    cell, x, state = case.make(3, 5), torch.randn(2, 3), case.initial(2, 5)
    with torch.no_grad():
        for change in (
            lambda: cell.weight_hh.data.mul_(2),
            lambda: cell.load_state_dict(case.make(3, 5).state_dict()),
            lambda: setattr(cell, "bias_ih", nn.Parameter(torch.randn_like(cell.bias_ih))),
            lambda: cell.double(),
            lambda: cell.float(),
        ):
            change()
            given = [t.to(cell.weight_hh.dtype) for t in (x, *tensors(state))]
            own = tuple(given[1:]) if len(given) > 2 else given[1]
            right = by_layer(case.of_a_layer(cell), given[0], own)
            assert_close(tensors(cell(given[0], own)), tensors(right))


def strange(x):
    """The same numbers in tensors that the kernels cannot read as they lie."""
    yield torch.cat([x, x], dim=1)[:, : x.shape[1]]
    yield x.t().contiguous().t()
    yield torch._neg_view(-x)
    outlived = []
    torch.func.grad(lambda x: (outlived.append(1 * x), x.sum())[1])(x)
    yield outlived[0]
    yield x.as_subclass(Own)
    yield x[:1].expand(2, -1)


class Own(torch.Tensor):
    """A tensor with a behaviour of its own, for all that the kernels know."""


def test_unusual_tensors_give_the_same_numbers(case, assert_close):
    cell, x = case.make(3, 5), torch.randn(2, 3)
    state = case.initial(2, 5)
    layer = case.of_a_layer(cell)
    with torch.no_grad():
        for odd in strange(x):
            right = tensors(by_layer(layer, torch.clone(odd).as_subclass(torch.Tensor), state))
            assert_close([t.as_subclass(torch.Tensor) for t in tensors(cell(odd, state))], right)
        for odd in zip(*map(strange, tensors(state)), strict=True):
            given = odd if len(odd) > 1 else odd[0]
            own = each(given, lambda s: torch.clone(s).as_subclass(torch.Tensor))
            right = tensors(by_layer(layer, x, own))
            assert_close([t.as_subclass(torch.Tensor) for t in tensors(cell(x, given))], right)


@pytest.mark.parametrize(
    "looking_on",
    [
        lambda: torch.autocast("cpu", torch.bfloat16),
        forward_ad.dual_level,
        lambda: FakeTensorMode(allow_non_fake_inputs=True),
        tapped,
    ],
    ids=["autocast", "forward mode", "fake tensors", "tapped"],
)
def test_kernels_stand_back_where_somebody_looks_on(case, looking_on, steps):
    cell, x, state = case.make(3, 5), torch.randn(2, 3), case.initial(2, 5)
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(looking_on())
        after = tensors(cell(x, state))
    assert not any(steps)
    assert all(s.shape == (2, 5) for s in after)


def test_every_way_to_compile_gives_the_same_step(case, steps, assert_close):
    cell, x, state = case.make(3, 5), torch.randn(2, 3), case.initial(2, 5)
    right = tensors(cell(x, state))
    with torch.no_grad():
        torch._dynamo.reset()
        compiled = torch.compile(cell, backend="aot_eager", fullgraph=True)
        assert_close(tensors(compiled(x, state)), right)
        exported = torch.export.export(cell, (x, state)).module()
        assert_close(tensors(exported(x, state)), right)
    assert not any(steps)


@pytest.mark.filterwarnings("ignore:`torch.jit.trace:DeprecationWarning")
def test_a_traced_step_takes_any_batch(case, assert_close):
    cell = case.make(3, 5)
    with torch.no_grad():
        traced = torch.jit.trace(cell, (torch.randn(2, 3), case.initial(2, 5)))
        x, state = torch.randn(4, 3), case.initial(4, 5)
        assert_close(tensors(traced(x, state)), tensors(cell(x, state)))


class Stepper(nn.Module):
    """Two steps with one cell."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x, h, c):
        state = self.cell(x, (h, c))
        return self.cell(x, state)[0]


class Walker(nn.Module):
    """The same with a cell of one state."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x, h):
        return self.cell(x, self.cell(x, h))


@pytest.mark.filterwarnings("ignore:.torch.jit.* is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:torch.jit.script has put")
def test_torchs_tools_take_a_cell_as_they_take_torchs(case, assert_close):
    cell = case.make(3, 5)
    model = (Stepper if case.layer is gruta.nn.LSTM else Walker)(cell)
    given = torch.randn(2, 3), *tensors(case.initial(2, 5))
    expected = model(*given)
    graph = torch.fx.symbolic_trace(model)
    assert [node.target for node in graph.graph.nodes if node.op == "call_module"] == ["cell"] * 2
    assert_close(graph(*given), expected)
    if case.arguments.get("reset_after", True):
        assert_close(torch.jit.script(copy.deepcopy(model))(*given), expected)
    else:
        with pytest.raises(RuntimeError, match=r"GRUCell.* got one with its reset_after=False"):
            torch.jit.script(copy.deepcopy(model))


@pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated:DeprecationWarning")
def test_quantisation_that_names_a_cell_is_told_that_it_stays(case):
    with pytest.warns(UserWarning, match=f"gruta.nn.{case.theirs.__name__} stays in torch.float32"):
        quantize_dynamic(nn.Sequential(case.make(3, 5)), {case.ours})


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own call
def test_transforms_give_numbers_and_the_right_ones(case, assert_close):
    cell = case.make(3, 5, dtype=torch.float64)
    xs, states = torch.randn(4, 2, 3).double(), case.initial(4, 2, 5, dtype=torch.float64)

    def of(k):
        return each(states, lambda s: s[k])

    loop = [
        torch.stack(s) for s in zip(*(tensors(cell(xs[k], of(k))) for k in range(4)), strict=True)
    ]
    for context in (torch.enable_grad, torch.no_grad):
        with context():
            assert_close(tensors(vmap(cell)(xs, states)), loop)
            assert_close(tensors(vmap(vmap(cell))(xs, states)), loop)

    def loss(parameters, x, state):
        return sum(s.sin().sum() for s in tensors(functional_call(cell, parameters, (x, state))))

    weights = dict(cell.named_parameters())
    per_sample = vmap(grad(loss), in_dims=(None, 0, 0))(weights, xs, states)
    for k in range(4):
        expected = torch.autograd.grad(loss(weights, xs[k], of(k)), list(weights.values()))
        assert_close([d[k] for d in per_sample.values()], list(expected))
    v = torch.randn_like(xs[0])
    _, tangent = jvp(lambda x: loss(weights, x, of(0)), (xs[0],), (v,))
    x = xs[0].clone().requires_grad_()
    (dx,) = torch.autograd.grad(loss(weights, x, of(0)), x)
    assert_close(tangent, (dx * v).sum())


def test_stacked_models_run_as_one(case, assert_close):
    cells = [case.make(3, 5, dtype=torch.float64) for _ in range(3)]
    parameters, buffers = stack_module_state(cells)
    x, state = torch.randn(2, 3).double(), case.initial(2, 5, dtype=torch.float64)
    found = vmap(lambda p, b: functional_call(cells[0], (p, b), (x, state)))(parameters, buffers)
    loop = zip(*(tensors(cell(x, state)) for cell in cells), strict=True)
    assert_close(tensors(found), [torch.stack(s) for s in loop])


def test_second_derivatives_are_exact(case):
    cell = case.make(2, 3, dtype=torch.float64)
    x = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    state = case.initial(2, 3, dtype=torch.float64)
    assert torch.autograd.gradgradcheck(lambda x: tensors(cell(x, state))[0], (x,), fast_mode=True)


def test_a_cell_is_kept_copied_and_parametrised_as_torchs(case, assert_close):
    cell, x, state = case.make(3, 5), torch.randn(2, 3), case.initial(2, 5)
    right = tensors(cell(x, state))
    file = io.BytesIO()
    torch.save(cell, file)
    file.seek(0)
    for twin in (
        copy.deepcopy(cell),
        torch.load(file, weights_only=False),
        weight_norm(cell, "weight_hh"),
    ):
        for context in (torch.enable_grad, torch.no_grad):
            with context():
                assert_close(tensors(twin(x, state)), right)
    theirs = case.theirs(3, 5)
    theirs.load_state_dict(case.make(3, 5).state_dict())
    case.make(3, 5).load_state_dict(theirs.state_dict())
    assert list(theirs.state_dict()) == list(case.make(3, 5).state_dict())


def test_it_is_shown_with_what_differs_from_the_default():
    assert repr(gruta.nn.GRUCell(2, 3)) == "GRUCell(2, 3)"
    shown = repr(gruta.nn.GRUCell(2, 3, bias=False, reset_after=False))
    assert shown == "GRUCell(2, 3, bias=False, reset_after=False)"


@pytest.mark.parametrize("context", [torch.enable_grad, torch.no_grad])
def test_what_does_not_fit_is_refused_as_torch_refuses_it(case, context):
    ours, theirs = case.make(3, 5), case.theirs(3, 5)
    x, state = torch.randn(2, 3), case.initial(2, 5)
    wrong = [
        (torch.randn(2, 4), state),
        (x, case.initial(2, 4)),
        (x, case.initial(3, 5)),
        (torch.randn(1, 2, 3), state),
        (x, case.initial(1, 2, 5)),
        (x.double(), state),
    ]
    for given in wrong:
        errors = []
        for cell in (ours, theirs):
            with context(), pytest.raises(Exception) as caught:  # noqa: PT011
                cell(*given)
            errors.append(caught.type)
        assert errors[0] is errors[1]


def test_states_from_before_training_may_be_changed_while_training(case):
    cell, scale = case.make(3, 5), torch.ones(1, requires_grad=True)
    for shape in [(2,), ()]:
        with torch.no_grad():
            after = cell(torch.randn(*shape, 3), case.initial(*shape, 5))
        for s in tensors(after):
            s.mul_(scale)
            assert s.requires_grad


def test_older_versions_of_torch_take_its_own_step(case, monkeypatch, steps, assert_close):
    cell, x, state = case.make(3, 5), torch.randn(2, 3), case.initial(2, 5)
    monkeypatch.setattr(short, "_MET", False)
    with torch.no_grad():
        assert_close(tensors(cell(x, state)), tensors(by_layer(case.of_a_layer(cell), x, state)))
    assert not steps

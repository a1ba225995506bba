"""The shortest ways to the kernels: one plain layer in one direction, whole sequences or one step,
nothing between the steps and nobody who watches.

A small layer's kernel takes microseconds, and the general way costs more than that. What these do
not serve takes the general way.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gruta import kernels
from gruta.cells.op import compiled, tap
from gruta.cells.op import layer as general
from gruta.cells.op.cell import Cell, Walk
from gruta.cells.op.fields import NO_MASKS
from gruta.cells.op.results import Watched, watched
from gruta.cells.op.saved import Sizes
from gruta.cells.op.transforms import forward_mode

_OBSTACLES = (
    torch._C._functorch.peek_interpreter_stack,
    forward_mode,
    torch._C._get_tracing_state,
    torch._C._len_torch_dispatch_stack,
    torch._C._is_any_autocast_enabled,
    tap.collected,
)
"""What closes these ways, but for the compiler, each as a call that costs little."""


def _meet_torch() -> bool:
    """Whether the kernels can read torch's tensors themselves, as they can since torch 2.10."""
    if not kernels.available() or not hasattr(Tensor, "__dlpack_c_exchange_api__"):
        return False
    return kernels.meet_torch(
        Tensor, torch.nn.Parameter, torch.empty_like, torch.is_grad_enabled, _OBSTACLES
    )


_MET = _meet_torch()


def layer(
    cell: Cell,
    x: Any,
    hx: Any,
    module: torch.nn.Module,
    names: tuple[str | None, ...],
    sizes: tuple[int, int, int],
    batch_first: bool,
) -> tuple[Tensor, Any] | None:
    """h, laid out as x is, and the final state; None unless all is what the kernels take.

    x: `[T, B, I]`, or `[B, T, I]`; hx: h_0 `[1, B, P]`, of the LSTM the tuple with c_0 `[1, B, H]`,
    None for zeros; names: of the module's weights, in the order of a `Side`'s; sizes: I, H, P. All
    is checked where it costs least, in the extension, but for torch.compile, which has to see it
    when it reads this.
    """
    if not _MET or torch.compiler.is_dynamo_compiling():
        return None
    found = kernels.torch_layer(
        cell.name, x, hx, module, names, *sizes, batch_first, compiled.threads()
    )
    if found is None or found[1] is not None:
        return found
    h, *finals = _apply(cell, batch_first, *found[0])
    return h, tuple(finals) if len(finals) > 1 else finals[0]


class _Call(NamedTuple):
    """A call that trains, apart from its tensors.

    hooked: whether hooks have hold of what it saves. watched: tells whether h was changed, where
    what is saved has its memory. dtype and shapes: of x, and of the first and the last state.
    """

    cell: Cell
    batch_first: bool
    hooked: bool
    watched: Watched | None
    dtype: torch.dtype
    shapes: tuple[torch.Size, torch.Size, torch.Size]

    @property
    def sizes(self) -> Sizes:
        """B, T, I, H, P."""
        (outer, inner, I), h_0, c_0 = self.shapes
        T, B = (inner, outer) if self.batch_first else (outer, inner)
        return B, T, I, c_0[2], h_0[2]

    @property
    def changed(self) -> bool:
        """Whether the h that is saved is no longer what was computed."""
        return self.watched is not None and self.watched.changed


class _Short(torch.autograd.Function):
    """What the node of `layer` is to the general way: it saves the same, and gives the same bits.

    A node of its own, since one that serves every option costs as much as a short call.
    """

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, batch_first: bool, *tensors: Tensor | None
    ) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        h, *finals, gates, kept = kernels.torch_forward(
            cell.name, tensors, batch_first, compiled.threads()
        )
        eye = None
        if kept is None:
            kept = h
            h, eye = watched(h)
        x, h_0, c_0 = tensors[0], tensors[1], tensors[cell.states]
        assert x is not None and h_0 is not None and c_0 is not None  # noqa: PT018
        shapes = x.shape, h_0.shape, c_0.shape
        ctx.call = _Call(cell, batch_first, general.hooked(), eye, x.dtype, shapes)
        ctx.save_for_backward(*tensors, kept, gates)
        return (h, *finals)

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor | None) -> tuple[Any, ...]:
        call: _Call = ctx.call
        saved, needs = ctx.saved_tensors, ctx.needs_input_grad[2:]
        if call.hooked:
            saved = tuple(general.in_order(saved))
        found: Sequence[Tensor | None] | None = None
        if not (call.changed or call.hooked):  # the general way looks at what hooks hand back
            found = kernels.torch_backward(
                call.cell.name, saved, d_outputs, needs, call.batch_first, compiled.threads()
            )
        if found is None:
            found = _generally(call, saved, d_outputs, needs)
        return None, None, *found


_apply: Any = super(torch.autograd.Function, _Short).apply
"""`_Short.apply`, but for a look for transforms and for what outlived them: `layer` had it."""


def _generally(
    one: _Call, saved: tuple[Any, ...], d_outputs: tuple[Any, ...], needs: tuple[bool, ...]
) -> list[Tensor | None]:
    """The gradients by the general way: where they are to be differentiated again, where the output
    was changed, where hooks had hold of what was saved, or where a tensor does not lie as the
    kernels take it.
    """
    (x, *tensors, h, gates), (dh, *d_finals) = saved, d_outputs
    cell, states = one.cell, one.cell.states
    if one.batch_first:
        x, h, dh = (t if t is None else t.transpose(0, 1) for t in (x, h, dh))
    absent = [None] * (cell.projects and len(tensors) == states + 4)  # w_hr
    row = [*tensors[:states], *[None] * states, *tensors[states:], *absent]
    wanted = [*needs[: 1 + states], *[False] * states, *needs[1 + states :], *[False] * len(absent)]
    spec = general.spec_of(cell, Walk())
    call = general.Call(cell, spec, "", False, one.dtype, one.sizes)
    dx, *found = general.way_back(
        call, [NO_MASKS], x, row, [h, gates], [dh, *d_finals], wanted, one.changed
    )
    if one.batch_first and dx is not None:
        dx = dx.transpose(0, 1)
    return [dx, *found[:states], *found[2 * states : states + len(tensors)]]


def step(cell: Cell, parameters: dict[str, Any], x: Tensor, state: Any) -> Any:
    """The state after one step, or None unless these tensors are what the kernels take.

    x: `[B, I]` or `[I]`; state: h `[B, H]` or `[H]`, of the LSTM the tuple (h, c); parameters:
    those of a module, with the names of torch.nn.RNNCellBase. All is checked where it costs least,
    in the extension, but for torch.compile, which has to see it when it reads this.
    """
    if not _MET or torch.compiler.is_dynamo_compiling():
        return None
    return kernels.torch_step(cell.name, x, state, parameters, compiled.threads())

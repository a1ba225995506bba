"""A stack of recurrent layers, each in one direction or both: what RNN, LSTM and GRU share.

Shapes, with D directions, L layers, and P the size of h (`proj_size` for a projected LSTM, else H):
input `[T, B, I]` (`[B, T, I]` with batch_first, `[T, I]` unbatched, or a PackedSequence), output
`[T, B, D*P]` laid out as the input is, initial and final h `[L*D, B, P]`, c `[L*D, B, H]`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from gruta.cells.op import (
    Cell,
    Saving,
    Side,
    Walk,
    exporting,
    recording,
    reshaped,
    run_layer,
    short,
)
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.nn import masks
from gruta.nn.arguments import check_input, check_layout, check_states
from gruta.nn.flat import flatten
from gruta.nn.init import Scheme, fill
from gruta.nn.options import Options, Save, check_saving, chosen, of_kind
from gruta.nn.scripting import Unquantised, as_leaf, for_script
from gruta.nn.sequences import as_lengths, as_resets, repack, unpack, without_padding

State = tuple[Tensor, ...]


class Recurrent(nn.Module):
    """What the three kinds share; use `RNN`, `LSTM` or `GRU`.

    The attributes below are its options, as `Options` and `Extras` describe them.
    """

    input_size: int
    hidden_size: int
    proj_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    init: Scheme
    longest_lag: int | None
    learn_h0: bool
    recurrent_dropout: float
    zoneout: float
    layer_norm: bool
    residual: bool
    recompute: bool
    save: Save = "whole"  # of layers too that were pickled before there was such an option

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    gates: ClassVar[int]
    state_names: ClassVar[tuple[str, ...]] = ("h_0",)
    weight_names: ClassVar[tuple[str, ...]] = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    norm_names: ClassVar = ("ln_ih_gain", "ln_ih_bias", "ln_hh_gain", "ln_hh_bias")
    mode: str
    qconfig = Unquantised()

    def __init__(self, options: Options, device: Any, dtype: torch.dtype | None) -> None:
        super().__init__()
        self.become(options)
        check_saving(options.save, dtype or torch.get_default_dtype())
        for name, shape in self.shapes():
            setattr(self, name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()
        self.flatten_parameters()

    def become(self, options: Options) -> None:
        """Take these options on; the weights are made after, or are there already."""
        kind = self.mode.split("_")[0]
        for name, value in of_kind(options, kind).items():
            setattr(self, name, value)
        if options.init == "chrono" and not self.cell.keep:
            problem = _("init='chrono' sets the bias of a gate, and the {kind} has none: use a GRU")
            raise ValueError(problem.format(kind=kind))
        self._names = {place: self._names_of(*place) for place in self._passes()}
        shapes = dict(self.shapes())
        self._weight_shapes = {
            place: tuple(shapes.get(name or "") for name in names)
            for place, names in self._names.items()
        }

    def shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name and shape of every parameter, in torch.nn's order, then those torch.nn has not."""
        rows, h_size = self.gates * self.hidden_size, self.proj_size or self.hidden_size
        for layer, suffix in self._passes():
            width = h_size * self.directions if layer else self.input_size
            yield f"weight_ih_l{layer}{suffix}", (rows, width)
            yield f"weight_hh_l{layer}{suffix}", (rows, h_size)
            if self.bias:
                yield f"bias_ih_l{layer}{suffix}", (rows,)
                yield f"bias_hh_l{layer}{suffix}", (rows,)
            if self.proj_size:
                yield f"weight_hr_l{layer}{suffix}", (self.proj_size, self.hidden_size)
        for layer, suffix in self._passes() if self.layer_norm else ():
            for name in self.norm_names:
                yield f"{name}_l{layer}{suffix}", (rows,)
        if self.learn_h0:
            for name, size in zip(self.state_names, self.state_sizes, strict=True):
                yield name, (self.num_layers * self.directions, size)

    def _passes(self) -> Iterator[tuple[int, str]]:
        """The layer and the name's suffix of every pass: forwards, then backwards, a layer."""
        for layer in range(self.num_layers):
            yield layer, ""
            if self.bidirectional:
                yield layer, "_reverse"

    @property
    def directions(self) -> int:
        """D: one, or two for a bidirectional layer."""
        return 2 if self.bidirectional else 1

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """P and, in the LSTM, H: how many numbers each state has a row."""
        return (self.proj_size or self.hidden_size, self.hidden_size)[: len(self.state_names)]

    @property
    def cell(self) -> Cell:
        """What computes it."""
        raise NotImplementedError

    def weights(
        self, layer: int, suffix: str, recorded: bool = False
    ) -> tuple[tuple[Tensor | None, ...], tuple[Tensor | None, ...]]:
        """`Side`'s weights and norm for a pass, None for what the layer has not."""
        # Straight from the dictionary: an attribute of a module costs a microsecond. A weight that
        # is parametrised is an attribute and no parameter.
        own, names = self._parameters, self._names[layer, suffix]
        try:
            found = tuple([None if name is None else own[name] for name in names])
        except KeyError:
            found = tuple([None if name is None else getattr(self, name) for name in names])
        # The kernels trust the sizes; a weight may have been replaced by one of another shape.
        # Under torch.jit.trace sizes are tensors, and the ops that it records check them.
        for k, shape in enumerate(() if recorded else self._weight_shapes[layer, suffix]):
            weight = found[k]
            if weight is not None and weight.shape != shape:
                raise RuntimeError(
                    _("{name}: expected a weight of shape {expected}, got {found}").format(
                        name=names[k], expected=list(shape or ()), found=list(weight.shape)
                    )
                )
        count = len(self.weight_names)
        return found[:count], found[count:]

    def _names_of(self, layer: int, suffix: str) -> tuple[str | None, ...]:
        """What they are called."""
        there = {"bias": self.bias, "weight_hr": self.proj_size > 0, "ln": self.layer_norm}
        return tuple(
            f"{name}_l{layer}{suffix}"
            if all(own for start, own in there.items() if name.startswith(start))
            else None
            for name in (*self.weight_names, *self.norm_names)
        )

    def reset_parameters(self) -> None:
        """Draw all parameters anew, by the scheme `init`."""
        fill(
            dict(self.named_parameters()), self.cell, self.hidden_size, self.init, self.longest_lag
        )

    def flatten_parameters(self) -> None:
        """On a GPU, put each pass's weights next to each other, where cuDNN need not copy them.

        It is done when the layer comes to a GPU; elsewhere nothing happens.
        """
        for names in self._names.values():
            own = [self._parameters.get(name) for name in names[: len(self.weight_names)] if name]
            weights = [w for w in own if w is not None and w.is_cuda]
            if weights and len(weights) == len(own):
                flatten(weights, self.mode, self.hidden_size, self.proj_size)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.flatten_parameters()
        return self

    def __prepare_scriptable__(self) -> nn.Module:
        """What torch.jit.script takes for this layer."""
        return for_script(self)

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The weights and biases that torch.nn has too, in its order: a list for every layer and
        direction. Learned initial states and layer norms are not among them.
        """
        names = [name for name, _ in self.shapes() if name.startswith(("weight_", "bias_"))]
        per_pass = len(names) // (self.num_layers * self.directions)
        tensors = [getattr(self, name) for name in names]
        return [tensors[i : i + per_pass] for i in range(0, len(tensors), per_pass)]

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Tensor | Sequence[Tensor] | None = None,
        lengths: Tensor | Sequence[int] | None = None,
        reset_mask: Tensor | None = None,
    ) -> tuple[Tensor | PackedSequence, Tensor | State]:
        """(output, final state), shapes as the module's docstring says.

        lengths: `[B]` integers from 0 to T on any device; past its length a row's output is 0 and
        its state stays. reset_mask: `[T, B]` bool laid out as the input is (`[B, T]` with
        batch_first, `[T]` unbatched); where true, every layer starts afresh at that step, in both
        directions, from zeros or its learned initial state. ValueError or RuntimeError, as torch.nn
        raises, on shapes that do not fit.
        """
        if lengths is None and reset_mask is None:
            found = self._by_short_way(input, hx)
            if found is not None:
                return found
        dtype = self.weight_ih_l0.dtype
        if isinstance(input, PackedSequence):
            if lengths is not None:
                raise ValueError(_("lengths: a PackedSequence has its own; give one or the other"))
            if reset_mask is not None:
                problem = _(
                    "reset_mask: a PackedSequence has no axis of time that it could follow; pad "
                    "the batch (torch.nn.utils.rnn.pad_packed_sequence) and give its lengths"
                )
                raise ValueError(problem)
            if exporting():
                problem = _(
                    "torch.onnx.export: ONNX has no packed sequences; give the layer the padded "
                    "batch and lengths="
                )
                raise InputError(problem)
            check_input(input.data, 2, self.input_size, dtype)
            x, walk_lengths = unpack(input)
            out, state = self._layers(x, self._initial(x, hx), walk_lengths, None)
            return repack(out, input), state
        if not isinstance(input, Tensor):
            if isinstance(input, torch.fx.Proxy):
                return as_leaf(self, input, hx, lengths=lengths, reset_mask=reset_mask)
            raise AttributeError(  # as torch.nn does
                _("{layer}: input: expected a tensor or a PackedSequence, got {kind}").format(
                    layer=type(self).__name__, kind=type(input).__name__
                )
            )
        check_layout(input, "input")
        if input.dim() not in (2, 3):
            raise ValueError(
                _("{layer}: Expected input to be 2D or 3D, got {dims}D instead").format(
                    layer=type(self).__name__, dims=input.dim()
                )
            )
        if input.dim() == 2:
            if lengths is not None:
                raise ValueError(_("lengths: the input has no batch axis for them; cut it instead"))
            check_input(input, 2, self.input_size, dtype)
            x = input[:, None]
            resets = self._resets(reset_mask, input, "[T]")
            out, state = self._layers(x, self._initial(x, hx, batched=False), None, resets)
            return reshaped(out, "squeeze", 1), _each(state, lambda s: reshaped(s, "squeeze", 1))
        check_input(input, 3, self.input_size, dtype, time=int(self.batch_first))
        x = input.transpose(0, 1) if self.batch_first else input
        T, B = x.shape[:2]
        given = None if lengths is None else as_lengths(lengths, T, B, x.device)
        x = x if given is None else without_padding(x, given)
        resets = self._resets(reset_mask, input, "[B, T]" if self.batch_first else "[T, B]")
        out, state = self._layers(x, self._initial(x, hx), given, resets)
        return (reshaped(out, "transpose", 0, 1) if self.batch_first else out), state

    def _by_short_way(
        self, x: Tensor | PackedSequence, hx: Tensor | Sequence[Tensor] | None
    ) -> tuple[Tensor, Any] | None:
        """The result of a call that `short` serves, else None. Errors are left to the other way."""
        if self.num_layers > 1 or self.bidirectional or self.layer_norm or self.learn_h0:
            return None
        if self.zoneout or (self.training and self.recurrent_dropout):
            return None
        if (self.recompute or self.save == "half") and torch.is_grad_enabled():
            return None
        H = self.hidden_size
        sizes = self.input_size, H, self.proj_size or H
        names = self._names[0, ""]
        return short.layer(self.cell, x, hx, self, names, sizes, self.batch_first)

    def _resets(self, reset_mask: Tensor | None, input: Tensor, axes: str) -> Tensor | None:
        """The checked mask as `[T, B]`."""
        if reset_mask is None:
            return None
        resets = as_resets(reset_mask, input.shape[:-1], axes, input.device)
        if resets.dim() == 1:
            return resets[:, None]
        return resets.T if self.batch_first else resets

    def _initial(
        self, x: Tensor, hx: Tensor | Sequence[Tensor] | None, batched: bool = True
    ) -> State:
        """The checked initial states, each `[L*D, B, size]`."""
        shapes = [(self.num_layers * self.directions, x.shape[1], s) for s in self.state_sizes]
        if hx is None:
            if not self.learn_h0:
                return tuple(x.new_zeros(shape) for shape in shapes)
            learned = (getattr(self, name)[:, None] for name in self.state_names)
            return tuple(s.expand(shape) for s, shape in zip(learned, shapes, strict=True))
        states = self._as_states(hx)
        if not batched:
            if any(s.dim() != 2 for s in states):
                dims = ", ".join(f"{s.dim()}-D" for s in states)
                raise RuntimeError(
                    _("hx: for unbatched 2-D input expected 2-D states, got {dims}").format(
                        dims=dims
                    )
                )
            states = tuple(s[:, None] for s in states)
        check_states(states, shapes, x)
        return states

    def _as_states(self, hx: Tensor | Sequence[Tensor]) -> State:
        """The tensors of `hx`, one for each of `state_names`; TypeError on anything else."""
        pair = len(self.state_names) == 2
        states = tuple(hx) if pair and isinstance(hx, tuple | list) else (hx,)
        if len(states) != len(self.state_names) or not all(isinstance(s, Tensor) for s in states):
            expected = _("a tuple of the tensors h_0 and c_0") if pair else _("a tensor")
            raise TypeError(
                _("{layer}: hx: expected {expected}, got {kind}").format(
                    layer=type(self).__name__, expected=expected, kind=type(hx).__name__
                )
            )
        return states

    def _layers(
        self, x: Tensor, initial: State, lengths: Tensor | None, resets: Tensor | None
    ) -> tuple[Tensor, Any]:
        cell, finals, recorded = self.cell, [], recording()
        alone = self.num_layers == self.directions == 1
        saving = Saving.NONE if self.recompute else Saving(self.save)
        if torch.is_grad_enabled():
            check_saving(self.save, x.dtype)  # it may have been made float64 since
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = masks.dropout(x, self.dropout, self.training)
            sides = []
            for direction, suffix in enumerate(("", "_reverse")[: self.directions]):
                row = layer * self.directions + direction
                walk = Walk(lengths, bool(direction), resets, *self.noise(x))
                states = initial if alone else tuple([s[row : row + 1] for s in initial])
                restarts = self._restarts(row, resets)
                side = Side(states, restarts, *self.weights(layer, suffix, recorded))
                sides.append((walk, side))
            out, final = run_layer(cell, x, sides, f"l{layer}", saving)
            finals.extend(final)
            x = out + x if self.residual and layer else out
        state = finals[0] if alone else tuple([torch.cat(s) for s in zip(*finals, strict=True)])
        return x, state if len(state) > 1 else state[0]

    def noise(
        self, x: Tensor, draw: bool = True
    ) -> tuple[Tensor | None, tuple[Tensor, ...] | float]:
        """`Walk`'s dropout and hold for one pass over x `[T, B, size]`.

        draw: False for masks of any numbers, where only their kind counts.
        """
        if not self.training or not (self.zoneout or self.recurrent_dropout):
            return None, float(self.zoneout)
        (T, B), sizes, p = x.shape[:2], self.state_sizes, self.recurrent_dropout
        dtype = self.weight_hh_l0.dtype
        return (
            masks.drop(B, sizes[0], p, dtype, x.device, draw) if p else None,
            masks.hold(T, B, sizes, self.zoneout, x.device, draw) if self.zoneout else 0.0,
        )

    def _restarts(self, row: int, resets: Tensor | None) -> tuple[Tensor | None, ...]:
        """What a reset sets each state of a pass to, `[size]`, None for zeros."""
        if resets is None or not self.learn_h0:
            return (None,) * len(self.state_names)
        return tuple(getattr(self, name)[row] for name in self.state_names)

    def extra_repr(self) -> str:
        """The sizes, and the arguments that differ from their defaults."""
        options = chosen(self)
        sizes = options.pop("input_size"), options.pop("hidden_size")
        return ", ".join([*map(str, sizes), *(f"{name}={v!r}" for name, v in options.items())])


def _each(state: Tensor | State, change: Callable[[Tensor], Tensor]) -> Tensor | State:
    return tuple(map(change, state)) if isinstance(state, tuple) else change(state)

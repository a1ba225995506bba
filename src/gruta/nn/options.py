"""The options of a recurrent layer, declared and checked once for all kinds."""

import numbers
import warnings
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from enum import Enum
from typing import Any, Literal, TypedDict, get_args

import torch

from gruta.locale import translate as _
from gruta.nn.init import Scheme

Nonlinearity = Literal["tanh", "relu"]
Save = Literal["whole", "half"]


class Extras(TypedDict, total=False):
    """The arguments that the layers of torch.nn do not have; by keyword only.

    init: "torch", "orthogonal" or "chrono", see `gruta.nn.init`.
    longest_lag: for chrono, the longest lag in steps that the network should remember.
    learn_h0: the state to start from when none is given, and after a reset, is learned
        (parameters `h_0`, and `c_0` in the LSTM, `[L*D, P or H]`); it starts at zero.
    recurrent_dropout: in training, the probability that a unit of h is missing from the
        products with weight_hh, the same units at all steps of a sequence; the state that is
        carried on is whole (Gal and Ghahramani 2016, arXiv:1512.05287).
    zoneout: in training, the probability that a unit of a state keeps its old value at a step;
        in evaluation, the share of the old value that every unit keeps (Krueger et al. 2016,
        arXiv:1606.01305).
    layer_norm: normalise weight_ih x and weight_hh h, each gate on its own, before biases and
        sum (Ba et al. 2016, arXiv:1607.06450): parameters `ln_ih_gain_l0`, `ln_ih_bias_l0`,
        `ln_hh_gain_l0`, `ln_hh_bias_l0`, ..., `[gates*H]`.
    residual: from the second layer on, add a layer's input to its output.
    recompute: keep no gates for the backward pass, which computes them again chunk by chunk:
        less than half of the memory for a third more work. Where the kernels do not serve,
        under torch.compile, and in the RNN without layer norm, which keeps none, it makes no
        difference.
    save: "half" keeps the gates for the backward pass in 16 bits, sigma and tanh in 65,534 equal
        steps and what has no bounds as float16: half of the memory and of its traffic. Outputs are
        the same to the bit; gradients are off by some 2e-5 of their norm, with a layer norm 2e-4,
        and 1e-3 where gates stay near 1 over 1,000 steps. For layers in float32 or 16 bits; where
        the kernels do not serve, and in the RNN without layer norm, it makes no difference.
    """

    init: Scheme
    longest_lag: int | None
    learn_h0: bool
    recurrent_dropout: float
    zoneout: float
    layer_norm: bool
    residual: bool
    recompute: bool
    save: Save


class Effect(Enum):
    """When the numbers that a layer computes depend on an option, its weights being the same."""

    ALWAYS = 0
    IN_TRAINING = 1
    NEVER = 2


_IN_TRAINING = {"effect": Effect.IN_TRAINING}
_NEVER = {"effect": Effect.NEVER}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a layer is, but for its weights; in the order in which it shows them.

    TypeError or ValueError that names the option, what was expected, and what came: the type that
    torch.nn raises.
    """

    input_size: int
    hidden_size: int
    proj_size: int = 0
    num_layers: int = 1
    bias: bool = True
    batch_first: bool = field(default=False, metadata=_NEVER)
    dropout: float = field(default=0.0, metadata=_IN_TRAINING)
    bidirectional: bool = False
    nonlinearity: Nonlinearity = field(default="tanh", metadata={"only": "RNN"})
    reset_after: bool = field(default=True, metadata={"only": "GRU"})
    init: Scheme = field(default="torch", metadata=_NEVER)
    longest_lag: int | None = field(default=None, metadata=_NEVER)
    learn_h0: bool = False
    recurrent_dropout: float = field(default=0.0, metadata=_IN_TRAINING)
    zoneout: float = 0.0
    layer_norm: bool = False
    residual: bool = False
    recompute: bool = field(default=False, metadata=_NEVER)
    save: Save = field(default="whole", metadata=_NEVER)

    def __post_init__(self) -> None:
        self._check_types()
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(
                    _("{name} must be greater than zero, got {value}").format(
                        name=name, value=getattr(self, name)
                    )
                )
        if not 0 <= self.proj_size < self.hidden_size:
            problem = _(
                "proj_size must be 0 (no projection) or smaller than hidden_size ({hidden_size}), "
                "got {proj_size}"
            )
            raise ValueError(problem.format(hidden_size=self.hidden_size, proj_size=self.proj_size))
        if self.nonlinearity not in get_args(Nonlinearity):
            raise ValueError(
                _("nonlinearity: expected 'tanh' or 'relu', got {nonlinearity!r}").format(
                    nonlinearity=self.nonlinearity
                )
            )
        if self.residual and self.num_layers == 1:
            problem = _(
                "residual=True adds a layer's input to its output from the second layer on: "
                "expected num_layers of at least 2, got 1"
            )
            raise ValueError(problem)
        self._check_probabilities()
        self._check_start()
        self._check_saving()

    def _check_types(self) -> None:
        """TypeError unless what should be an int or a bool is one.

        torch.nn takes anything for `bidirectional`.
        """
        lenient = "bidirectional", "reset_after"
        for kind in (int, bool):
            for name in (f.name for f in fields(self) if f.type is kind and f.name not in lenient):
                value = getattr(self, name)
                is_one = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
                if not is_one:
                    raise TypeError(
                        _("{name} should be of type {expected}, got: {found}").format(
                            name=name, expected=kind.__name__, found=type(value).__name__
                        )
                    )

    def _check_probabilities(self) -> None:
        for name in ("recurrent_dropout", "zoneout", "dropout"):
            p, closed = getattr(self, name), name == "dropout"
            is_number = isinstance(p, numbers.Real) and not isinstance(p, bool)
            if not is_number or not (0 <= float(p) < 1 or (closed and p == 1)):
                error = ValueError if isinstance(p, numbers.Real | str) else TypeError
                problem = (
                    _("{name} should be a number from 0 to 1, got {p!r}")
                    if closed
                    else _("{name} should be a number from 0 to below 1, got {p!r}")
                )
                raise error(problem.format(name=name, p=p))
        if self.dropout > 0 and self.num_layers == 1:
            warnings.warn(
                _(
                    "dropout={dropout} acts between layers, after all but the last one: with "
                    "num_layers=1 it does nothing"
                ).format(dropout=self.dropout),
                UserWarning,
                stacklevel=5,
            )

    def _check_saving(self) -> None:
        """Whether `save` is one of its values, and there is something to save."""
        if self.save not in get_args(Save):
            raise ValueError(
                _("save: expected 'whole' or 'half', got {save!r}").format(save=self.save)
            )
        if self.save == "half" and self.recompute:
            problem = _("save='half': recompute=True saves no gates; leave out one of the two")
            raise ValueError(problem)

    def _check_start(self) -> None:
        """Whether there is such a scheme, and `longest_lag` where it needs one and nowhere else."""
        if self.init not in get_args(Scheme):
            schemes = ", ".join(get_args(Scheme))
            raise ValueError(
                _("init: expected one of {schemes}, got {init!r}").format(
                    schemes=schemes, init=self.init
                )
            )
        if self.init != "chrono":
            if self.longest_lag is not None:
                raise ValueError(
                    _("longest_lag: only init='chrono' uses it, got init={init!r}").format(
                        init=self.init
                    )
                )
            return
        if not self.bias:
            problem = _("init='chrono' sets the bias of a gate: expected bias=True, got False")
            raise ValueError(problem)
        if self.longest_lag is None or self.longest_lag < 3:
            problem = _(
                "init='chrono' needs longest_lag, the longest lag in steps that the network should "
                "remember, of at least 3; got {longest_lag}"
            )
            raise ValueError(problem.format(longest_lag=self.longest_lag))


def check_saving(save: Save, dtype: torch.dtype) -> None:
    """ValueError where the gates of a layer of this dtype are not to be saved in 16 bits."""
    if save == "half" and dtype is torch.float64:
        problem = _(
            "save='half': expected a layer in float32 or 16 bits, got torch.float64, whose "
            "gradients would not be exact any more; make it float32, or leave save out"
        )
        raise ValueError(problem)


def of_kind(options: Options, kind: str) -> dict[str, Any]:
    """The options that a layer of this kind has, "RNN", "LSTM" or "GRU", by name."""
    names = [f.name for f in fields(options) if f.metadata.get("only", "") in ("", kind)]
    return {name: getattr(options, name) for name in names}


def chosen(layer: Any, *effects: Effect) -> dict[str, Any]:
    """The options of a layer or cell, gruta's or torch.nn's, that differ from their defaults.

    effects: only those with one of these, where some are given; sizes are among those that differ.
    """
    found = {}
    for option in fields(Options):
        value = getattr(layer, option.name, option.default)
        if value != option.default and (not effects or _effect(option) in effects):
            found[option.name] = value
    return found


def is_ours(name: str) -> bool:
    """Whether the layers of torch.nn do not have this option."""
    return name in Extras.__annotations__ or name == "reset_after"


def check_extras(kind: str, given: Mapping[str, object]) -> None:
    """ValueError for `proj_size`, which only the LSTM has; TypeError for what is no extra."""
    if "proj_size" in given:
        raise ValueError(_("proj_size is only supported by the LSTM, not by RNN or GRU"))
    for name in given.keys() - Extras.__annotations__.keys():
        raise TypeError(
            _("{kind}() got an unexpected keyword argument {name!r}").format(kind=kind, name=name)
        )


def _effect(option: Field[Any]) -> Effect:
    effect: Effect = option.metadata.get("effect", Effect.ALWAYS)
    return effect

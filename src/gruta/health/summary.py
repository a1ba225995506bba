"""The numbers that tell a layer's state of health at a glance, by fixed names."""

import math

import numpy as np

from gruta.health import flow, gates
from gruta.health.passes import Pass


def summary(one: Pass) -> dict[str, float]:
    """Of one sequence's pass; a number that the cell or the run has not is left out.

    gradient_slope: of ln ‖∂L/∂h_t‖ by lag, a step. gradient_reach: ‖∂L/∂h_t‖ at the first step of
    the walk as a share of that at the last. keep_mean, keep_open, keep_shut: of the share of the
    old state that is kept, its mean and how much of it lies above 0.9 and below 0.1. reset_mean: of
    the reset gate. time_constant_median, time_constant_90: in steps, of the leak path alone.
    dead_units: the share of units that never move. state_saturation: the share of |h| above 0.9.
    """
    found = _of_gradient(one) | _of_gates(one)
    found["dead_units"] = float((one.h.var(axis=0) <= gates.DEAD).mean())
    found["state_saturation"] = float((np.abs(one.h) > gates.HIGH).mean())
    return found


def _of_gradient(one: Pass) -> dict[str, float]:
    if not one.through:
        return {}
    fade = flow.gradient_through_time(one)
    first = fade.norms[0]
    if not first > 0:  # a head that starts at zero sends nothing back, which is no fading
        return {}
    reach = float(fade.norms[-1] / first)
    return {"gradient_slope": max(fade.slope, -1e3), "gradient_reach": reach}


def _of_gates(one: Pass) -> dict[str, float]:
    keep, tau = one.keep, gates.time_constants(one)
    if keep is None or tau is None:
        return {}
    found = {
        "keep_mean": float(keep.mean()),
        "keep_open": float((keep > gates.HIGH).mean()),
        "keep_shut": float((keep < gates.LOW).mean()),
        "time_constant_median": float(np.median(tau)),
        "time_constant_90": float(np.percentile(tau, 90)),
    }
    if "r" in one.gates:
        found["reset_mean"] = float(one.gates["r"].mean())
    return {name: value if math.isfinite(value) else 1e12 for name, value in found.items()}

"""Pictures as they might have been: shifted, larger, turned, in another light, mirrored."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from gruta.tasks.caption.settings import CaptionSettings


def varied(frames: Tensor, settings: CaptionSettings, draw: Generator) -> Tensor:
    """Frames `[B, F, 3, S, S]` of which each shot is changed in a way of its own, its frames alike;
    what comes in at an edge is as the edge is.
    """
    s, B = settings, len(frames)
    if s.shift or s.zoom or s.turn or s.flip:
        grid = F.affine_grid(_moves(s, B, draw), [B, 1, *frames.shape[3:]], align_corners=False)
        flat = frames.flatten(1, 2)  # one map for all colours and frames of a shot
        flat = F.grid_sample(flat, grid, padding_mode="border", align_corners=False)
        frames = flat.reshape(frames.shape)
    if s.colour:
        light = 1 + s.colour * draw.uniform(-1, 1, (B, 1, 1, 1, 1))
        tint = s.colour * draw.uniform(-1, 1, (B, 1, 3, 1, 1))
        frames = frames * _tensor(light) + _tensor(tint)
    return frames


def _moves(s: CaptionSettings, B: int, draw: Generator) -> Tensor:
    """From where in the picture each place is taken `[B, 2, 3]`, in halves of its side."""
    angle = np.deg2rad(s.turn) * draw.uniform(-1, 1, B)
    scale = 1 + s.zoom * draw.uniform(-1, 1, B)
    mirror = np.where(draw.random(B) < 0.5, -1.0, 1.0) if s.flip else np.ones(B)
    shift = 2 * s.shift * draw.uniform(-1, 1, (B, 2))
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    rows = [[cos * mirror, -sin, shift[:, 0]], [sin * mirror, cos, shift[:, 1]]]
    return _tensor(np.moveaxis(np.array([[*row] for row in rows]), 2, 0))


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))

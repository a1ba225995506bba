"""The recogniser's own network and lesson on recordings that nobody made."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gruta.bench.speech.sounds import recordings
from gruta.nn.draws import drawing
from gruta.settings import resolve
from gruta.tasks.transcribe.lesson import TranscribeLesson
from gruta.tasks.transcribe.network import TranscribeNetwork
from gruta.tasks.transcribe.parts import fitted
from gruta.tasks.transcribe.settings import TranscribeSettings

ROWS = 16
"""Recordings of a batch."""

SECONDS = 1.0, 2.0
"""How long they are."""

_VALIDATED = 4


def lesson(batches: int = 4, **given: Any) -> TranscribeLesson:
    """Of so many batches an epoch; given: settings that are not the recogniser's defaults."""
    settings: TranscribeSettings = resolve(TranscribeSettings, {"batch_size": ROWS} | given)
    count = batches * settings.batch_size
    every = recordings(count + _VALIDATED, *SECONDS)
    train, validation = every.pick(range(count)), every.pick(range(count, len(every)))
    codec = fitted(train, settings)
    with drawing(settings.seed):
        network = TranscribeNetwork(codec, settings)
    return TranscribeLesson(network, codec, train, validation, settings)


class Packed(nn.Module):
    """A layer of torch.nn as the recogniser calls its own: rows end where their lengths say."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Any]:
        """x: `[T, B, I]`; rows that are all of one length go in as they are, which is faster."""
        if int(lengths.min()) == len(x):
            return self.layer(x)  # type: ignore[no-any-return]
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        h, last = self.layer(packed)
        return pad_packed_sequence(h, total_length=len(x))[0], last


def with_torchs_layers(own: TranscribeLesson) -> TranscribeLesson:
    """The same with the same weights in torch.nn's layers, which learn by themselves."""
    theirs = copy.copy(own)
    theirs.model = copy.deepcopy(own.model)
    for k, layer in enumerate(own.model.layers):
        kind = getattr(nn, own.settings.cell.upper())
        made = kind(layer.input_size, layer.hidden_size, bidirectional=layer.bidirectional)
        made.load_state_dict(layer.state_dict())
        theirs.model.layers[k] = Packed(made)
    return theirs


def of_one_length(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Each recording as long as the shortest."""
    least = int(batch["lengths"].min())
    return batch | {"x": batch["x"][:least], "lengths": torch.full_like(batch["lengths"], least)}

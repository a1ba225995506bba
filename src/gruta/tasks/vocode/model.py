"""A vocoder from a model file: log-mel spectra become samples."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Frames, Samples
from gruta.codec.audio.vocoder import VocoderCodec
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import checks
from gruta.runtime.model import Model
from gruta.runtime.stream import Arrays, Stream, require_like
from gruta.tasks.vocode.making import Making


class VocodeModel(Model[VocoderCodec]):
    """Makes sounds."""

    @property
    def rate(self) -> int:
        """Samples a second that it makes."""
        return self.codec.rate

    def __call__(self, spectra: Any, *, temperature: float = 0.9, seed: int = 0) -> list[Samples]:
        """Samples `[(T − 1) · step]` from -1 to 1 of each log-mel spectrum `[T, bands]` of a list.

        temperature: below 1 the likeliest is likelier still. InputError names what does not fit.
        """
        temperature = checks.real("temperature", temperature, 1e-3, 10)
        seed = checks.whole("seed", seed, 0)
        return [
            self.head.make(one, seed=seed, temperature=temperature)
            for one in checks.arrays("spectra", spectra, self.checked)
        ]

    def log_mel(self, samples: Any) -> Frames:
        """The spectrum `[T, bands]`, as it reads them, of samples `[N]` at `rate` a second."""
        return self.codec.mel.of(checks.samples("samples", samples))

    def stream(self, *, temperature: float = 0.9, seed: int = 0) -> "VocodeStream":  # type: ignore[override]
        """A sound whose spectrum comes frame by frame: the whole's samples, to the last bit."""
        return VocodeStream(self, temperature, seed)

    def _advance(self, ready: "list[VocodeStream]") -> None:
        for stream in ready:
            stream.make()

    def checked(self, name: str, given: Any) -> Frames:
        """Log-mel frames `[T, bands]`; InputError for anything else."""
        return checks.singles(name, given, ("frames", self.codec.mel.bands))


class VocodeStream(Stream[VocodeModel]):
    """A sound whose frames come.

    `accept` takes log-mel frames, `finish` says that there are no more, each `advance` makes the
    samples of one frame, and `result` hands out those that it has not handed out yet. A frame waits
    for the two behind it.
    """

    _made: list[Samples]
    _making: Making

    def __init__(self, model: VocodeModel, temperature: float, seed: int) -> None:
        super().__init__(model)
        self.temperature = checks.real("temperature", temperature, 1e-3, 10)
        self.seed = checks.whole("seed", seed, 0)
        self.reset()

    def accept(self, frames: Any) -> None:
        """Some more of the spectrum `[n, bands]`; InputError behind its end."""
        values = self.model.checked("frames", frames)
        if self._making.ended:
            raise InputError(frames=_("the sound is at its end; reset the stream to begin anew"))
        self._making.add(values)

    def finish(self) -> None:
        """There are no more frames: the last two can be made."""
        self._making.finish()

    def ready(self) -> bool:
        """Whether a frame can be made."""
        return self._making.ready

    def make(self) -> None:
        """The samples of one frame."""
        self._made.append(self._making.frame())

    def result(self) -> Samples:
        """Samples `[N]` since it was last asked."""
        found = np.concatenate([np.zeros(0, np.float32), *self._made])
        self._made = []
        return found

    def reset(self) -> None:
        """Begin anew, with the same draws."""
        how = {"seed": self.seed, "temperature": self.temperature}
        self._making = self.model.head.making(**how)
        self._made = []

    def hidden(self) -> NDArray[np.float32]:
        """h of the layer by now `[1, H]`."""
        return self._making.hidden

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """All that it is."""
        values, arrays = self._making.state()
        made = np.concatenate([np.zeros(0, np.float32), *self._made])
        how = {"seed": self.seed, "temperature": self.temperature}
        return values | how, arrays | {"made": made}

    def set_state(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """Be what `state` told."""
        self.temperature = checks.real("temperature", values["temperature"], 1e-3, 10)
        self.seed = checks.whole("seed", values["seed"], 0)
        self.reset()
        self._making.set_state(values, arrays)
        self._made = [arrays["made"]]
        require_like(arrays["made"][:0], np.zeros(0, np.float32), "made")


MODEL = VocodeModel

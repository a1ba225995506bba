"""Language models with gruta's layers and with torch.nn's: trained, and asked for text."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from gruta.bench.names import threads_name
from gruta.bench.turns import in_turns
from gruta.cells import CELLS, CellName
from gruta.cells.arrays import Storage
from gruta.codec.text.sampling import Sampling
from gruta.codec.text.units import Units
from gruta.settings import resolve
from gruta.tasks.generate.generation import generated
from gruta.tasks.generate.head import GenerateHead
from gruta.tasks.generate.network import GenerateNetwork, loss
from gruta.tasks.generate.sampled import Noise
from gruta.tasks.generate.settings import GenerateSettings

UNITS, HIDDEN, STREAMS, STEPS = 100, 512, 32, 128
"""Characters of the vocabulary, hidden units, streams of a batch, characters of each in a step."""

WORDS, SAMPLED, WORD_STEPS = 30_000, 1000, 32
"""Words of a large vocabulary, how many are drawn in place of all, words of each stream."""

TOLD, TOGETHER = 50, 32
"""Characters that are drawn at once, and streams that are made side by side."""

ROUNDS, SECONDS = 5, 1.0


@dataclass(frozen=True)
class Rate:
    """One way of training or writing with one cell.

    units: a second. torch_units: of torch.nn in the same run.
    """

    cell: CellName
    what: str
    threads: int
    units: float
    torch_units: float

    def __str__(self) -> str:
        rates = f"{self.units:,.0f} / {self.torch_units:,.0f} / s"
        return f"{self.cell.upper()} {self.what}, {threads_name(self.threads)}: {rates}"

    @property
    def ratio(self) -> float:
        """How many times as fast as torch.nn."""
        return self.units / self.torch_units


def rates(threads: tuple[int, ...] = (1, 2)) -> Iterator[Rate]:
    """Training of GRU and LSTM, by words too, then text by the GRU; the same weights and batches
    for both.

    torch.nn's layers are eager: torch.compile leaves them as they are.
    """
    for cell in ("gru", "lstm"):
        for count in threads:
            torch.set_num_threads(count)
            ours, theirs = in_turns(_trainings(cell), ROUNDS, SECONDS)
            made = STREAMS * STEPS
            yield Rate(cell, "training", count, made / ours, made / theirs)
    torch.set_num_threads(1)
    whole, theirs, sampled = in_turns(_trainings_by_words(), ROUNDS, SECONDS)
    made = STREAMS * WORD_STEPS
    yield Rate("gru", "training_by_words", 1, made / whole, made / theirs)
    yield Rate("gru", "training_by_sampled_words", 1, made / sampled, made / theirs)
    network = GenerateNetwork(UNITS + 1, _settings("gru")).eval()
    one, in_16_bits, theirs, together, theirs_together = in_turns(
        _writings(network), ROUNDS, SECONDS
    )
    yield Rate("gru", "writing", 1, TOLD / one, TOLD / theirs)
    yield Rate("gru", "writing_in_16_bits", 1, TOLD / in_16_bits, TOLD / theirs)
    made = TOLD * TOGETHER
    yield Rate("gru", "writing_together", 1, made / together, made / theirs_together)


def _settings(cell: CellName) -> GenerateSettings:
    given = {"cell": cell, "hidden": HIDDEN, "batch_size": STREAMS, "tbptt": STEPS}
    settings: GenerateSettings = resolve(GenerateSettings, given)
    return settings


def _with_torchs_layers(network: GenerateNetwork) -> GenerateNetwork:
    """The same, with the same weights."""
    theirs = copy.deepcopy(network)
    for k, layer in enumerate(network.layers):
        own = CELLS_OF_TORCH[type(layer).__name__](layer.input_size, layer.hidden_size)
        own.load_state_dict(layer.state_dict())
        theirs.layers[k] = own
    return theirs


CELLS_OF_TORCH: dict[str, type[nn.Module]] = {
    cell.upper(): getattr(nn, cell.upper()) for cell in CELLS
}


def _trainings(cell: CellName) -> list[Callable[[], object]]:
    """A step of training, with gruta's layers and with torch.nn's."""
    network = GenerateNetwork(UNITS + 1, _settings(cell))
    units = torch.randint(1, UNITS + 1, (STEPS + 1, STREAMS))
    return [_step(one.train(), units) for one in (network, _with_torchs_layers(network))]


def _trainings_by_words() -> list[Callable[[], object]]:
    """Likewise with a large vocabulary, and a third time with a sampled softmax."""
    network = GenerateNetwork(WORDS + 1, _settings("gru")).train()
    common = 1 / torch.arange(1, WORDS + 1)  # how often words come, by rank (Zipf)
    units = 1 + torch.multinomial(common, (WORD_STEPS + 1) * STREAMS, replacement=True)
    units = units.view(WORD_STEPS + 1, STREAMS)
    noise = Noise(np.bincount(units.flatten(), minlength=WORDS + 1), SAMPLED)
    theirs = _with_torchs_layers(network)
    sampled = copy.deepcopy(network)
    return [_step(network, units), _step(theirs, units), _step(sampled, units, noise)]


def _step(
    network: GenerateNetwork, units: torch.Tensor, noise: Noise | None = None
) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(network.parameters(), 1e-6, fused=True)

    def cost() -> torch.Tensor:
        if noise is None:
            return loss(network(units[:-1])[0], units[1:])
        return noise.loss(network.read(units[:-1])[0], units[1:], network.matrix, network.bias)

    def step() -> None:
        cost().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def _writings(network: GenerateNetwork) -> list[Callable[[], object]]:
    """So many characters: by the head, in 16 bits, and by torch.nn from Python; of many streams."""
    return [
        _written(network),
        _written(network, storage="bfloat16"),
        _stepped(_with_torchs_layers(network)),
        _written(network, count=TOGETHER),
        _stepped(_with_torchs_layers(network), TOGETHER),
    ]


def _written(
    network: GenerateNetwork, count: int = 1, storage: Storage | None = None
) -> Callable[[], None]:
    weights = {name: w.detach().numpy() for name, w in network.state_dict().items()}
    head = GenerateHead(weights, UNITS + 1, _settings("gru"), storage)
    units = Units("characters", tuple(map(chr, range(0x100, 0x100 + UNITS))))
    text = generated(head, units, "", Sampling(temperature=0.8), count=count)

    def write() -> None:
        for _ in range(TOLD):
            next(text)

    return write


def _stepped(network: GenerateNetwork, count: int = 1) -> Callable[[], None]:
    """As people write it: a step of the layer, softmax, multinomial, one character at a time, which
    is shown.
    """
    unit, state = torch.ones(1, count, dtype=torch.int64), None

    @torch.inference_mode()
    def write() -> None:
        nonlocal unit, state
        for _ in range(TOLD):
            logits, state = network(unit, state)
            likely = (logits[0] / 0.8).softmax(-1)
            unit = torch.multinomial(likely, 1).T
            unit.tolist()

    return write

"""`gruta bench text` compares what computes the same."""

import torch

from gruta.bench import text
from gruta.tasks.generate.network import GenerateNetwork


def test_both_libraries_layers_compute_the_same_and_rates_are_told(monkeypatch):
    for name, value in {
        "HIDDEN": 16,
        "STREAMS": 2,
        "STEPS": 5,
        "WORDS": 50,
        "SAMPLED": 5,
        "ROUNDS": 1,
        "SECONDS": 0.01,
    }.items():
        monkeypatch.setattr(text, name, value)
    ours = GenerateNetwork(text.UNITS + 1, text._settings("lstm")).eval()
    units = torch.randint(1, 100, (7, 2))
    expected, found = (network(units)[0] for network in (ours, text._with_torchs_layers(ours)))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    told = list(text.rates((1,)))
    assert [one.cell for one in told][:3] == ["gru", "lstm", "gru"]
    assert [one.what for one in told][2:] == [
        "training_by_words",
        "training_by_sampled_words",
        "writing",
        "writing_in_16_bits",
        "writing_together",
    ]
    assert told[0].ratio == told[0].units / told[0].torch_units > 0

"""What make soak and gruta bench serve do, for a moment."""

from gruta.serve.load import soak
from gruta.serve.load.beside import Terms, _climb
from gruta.serve.load.soak import soak as soaked


def test_answers_that_are_not_the_runtimes_and_late_ones_are_told(monkeypatch):
    untrained = soak.untrained
    monkeypatch.setattr(soak.gruta, "load", lambda path: other(path, untrained))
    crossed, slow = soaked(streams=8, rate=5, seconds=0.8, budget=5, within=0)
    assert crossed == "8 streams were told something else than the runtime says"
    assert slow.startswith("99 % of the answers took up to ")


def other(path, untrained):
    """Another model than the one that is served."""
    from gruta.tasks.models import load

    untrained(path.with_name("other.gruta"), 32)
    return load(path.with_name("other.gruta"))


def test_the_number_of_streams_is_found_by_doubling_and_halving():
    asked = []

    def in_time(streams):
        asked.append(streams)
        return streams <= 200

    _climb(in_time)
    assert asked == [32, 64, 128, 256, 192, 224, 208]
    assert Terms().budget_ms < Terms().within_ms

"""`gruta speak`: texts said aloud, as a sound file."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.verbs import Json, RunPath, require_directory
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks import registry

if TYPE_CHECKING:
    from gruta.codec.audio.mel import Mel

speak_app = Commands()

_STANDARD_INPUT = "-"


@speak_app.command(
    help=_(
        "Say a text as a WAV file: its spectrum by a speaker's run, the samples by a vocoder's, or "
        "without one by Griffin and Lim's way."
    )
)
def speak(
    run: RunPath,
    texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT...",
            help=_("What to say; - for the standard input."),
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help=_("WAV file to write."))] = Path("speech.wav"),
    vocoder: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help=_("Run of gruta train vocode that makes the samples."),
            show_default=_("Griffin and Lim's way"),
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help=_("Seed of all that is drawn at random."))
    ] = 0,
    temperature: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=10.0,
            help=_("How bold the vocoder draws: below 1 the likeliest is likelier still."),
        ),
    ] = 0.9,
    as_json: Json = False,
) -> None:
    """Say texts."""
    from gruta.codec.audio.wav import wav
    from gruta.files import write_atomically
    from gruta.tasks.speak.saying import say
    from gruta.tasks.trained import Trained

    task = registry.task("speak")
    if out.suffix.lower() != ".wav":
        problem = _("--out: {path}: expected a name that ends with .wav")
        raise InputError(problem.format(path=out))
    require_directory(out)
    registry.require_task(run, task)
    if vocoder is not None:
        registry.require_task(vocoder, registry.task("vocode"))
    trained: Trained[Any] = Trained.load(run, task)
    make = None if vocoder is None else _vocoder(vocoder, trained.codec.mel, seed, temperature)
    text = _text(texts)
    began = time.perf_counter()
    said = say(trained.head, text, seed=seed)
    samples = said.samples(make, seed)
    took = time.perf_counter() - began
    rate = trained.codec.rate
    write_atomically(out, wav(samples, rate))
    if as_json:
        content = {
            "file": str(out),
            "text": text,
            **_told(said),
            "rate": rate,
            "samples": len(samples),
            "vocoder": None if vocoder is None else str(vocoder),
        }
        print(json.dumps(content, ensure_ascii=False, indent=1))
        return
    told = _("Wrote {path}: {seconds} s, made in {took} s.")
    seconds = number(len(samples) / rate, 1)
    print(told.format(path=out, seconds=seconds, took=number(took, 1)))
    _print_said(said)
    for line in _remarks(said, vocoder):
        print(line, file=sys.stderr)


def _told(said: Any) -> dict[str, Any]:
    return {
        "said": said.written,
        "phonemes": said.phonemes,
        "pieces": said.pieces,
        "unknown": list(said.unknown),
        "unseen": list(said.unseen),
        "ended": said.ended,
    }


def _print_said(said: Any) -> None:
    print(_("Said: {text}").format(text=said.written))
    if said.phonemes is not None:
        print(_("Phonemes: {phonemes}").format(phonemes=said.phonemes))


def _text(texts: list[str]) -> str:
    if texts == [_STANDARD_INPUT]:
        return sys.stdin.read()
    return " ".join(texts)


def _vocoder(path: Path, mel: "Mel", seed: int, temperature: float) -> Callable[[Any], Any]:
    """What makes samples; InputError where it reads other spectra than the speaker makes."""
    from gruta.tasks.trained import Trained

    found: Trained[Any] = Trained.load(path, registry.task("vocode"))
    other = found.codec.mel
    for name, title in (
        ("rate", _("samples a second")),
        ("bands", _("mel bands")),
        ("hop", _("seconds a hop")),
        ("window", _("seconds a window")),
    ):
        mine, theirs = getattr(mel, name), getattr(other, name)
        if mine != theirs:
            problem = _(
                "--vocoder: {path}: made for {theirs} {title}, the speaker for {mine}; train both "
                "with the same --rate, --bands and --hop"
            )
            shown = {"mine": number(mine, None), "theirs": number(theirs, None), "title": title}
            raise InputError(problem.format(path=path, **shown))
    return lambda log_mel: found.head.make(log_mel, seed=seed, temperature=temperature)


def _remarks(said: Any, vocoder: Path | None) -> list[str]:
    """What a person should know of how it was said."""
    found = []
    if vocoder is None:
        text = _("Samples by Griffin and Lim's way; --vocoder RUN takes a trained vocoder.")
        found.append(text)
    if said.unknown:
        left = _("Left out, as training has not seen them: {signs}")
        found.append(left.format(signs=" ".join(said.unknown)))
    if said.unseen:
        left = _("Letters that the model of phonemes was not trained on: {signs}")
        found.append(left.format(signs=" ".join(said.unseen)))
    if not said.ended:
        text = _("The network did not come to an end by itself; what was said was cut off.")
        found.append(text)
    return found

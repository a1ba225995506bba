"""Make the notebooks from the scripts beside this folder, and run them: `make notebooks`.

A script in jupytext's percent format becomes two notebooks with the same code, one in English and one
in Portuguese, whose paragraphs `pt_BR.toml` has.
"""

import os
import sys
import tomllib
from pathlib import Path

import jupytext
import nbformat

HERE = Path(__file__).parent
SCRIPTS = sorted(HERE.parent.glob("*.py"))
LANGUAGES = {"en": HERE, "pt_BR": HERE / "pt-BR"}


def made(script: Path, language: str) -> nbformat.NotebookNode:
    """The notebook of a script, not yet run. KeyError names a paragraph without translation."""
    book = jupytext.read(script, fmt="py:percent")
    words = tomllib.loads((HERE / "pt_BR.toml").read_text("utf-8"))
    for number, cell in enumerate(book.cells):
        cell.id, cell.metadata = f"{number:02}", {}
        if cell.cell_type == "markdown" and language != "en":
            cell.source = "\n\n".join(_said(p, words) for p in cell.source.split("\n\n"))
    book.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    return book


def _said(paragraph: str, words: dict[str, str]) -> str:
    """In Portuguese; what is to be typed stays as it is."""
    return paragraph if paragraph.startswith("```") else words[" ".join(paragraph.split("\n"))]


def run(book: nbformat.NotebookNode, language: str) -> None:
    """Fill in what the cells give, from the project's folder."""
    from nbclient import NotebookClient

    os.environ["GRUTA_LANG"] = language
    place = {"metadata": {"path": str(HERE.parent.parent)}}
    NotebookClient(book, resources=place, record_timing=False, timeout=1800).execute()
    book.metadata["language_info"] = {"name": "python"}


def main(names: list[str]) -> None:
    """Of the scripts that are named, or of all."""
    for script in SCRIPTS:
        if names and script.stem not in names:
            continue
        for language, directory in LANGUAGES.items():
            print(f"{script.stem} ({language})", flush=True)
            book = made(script, language)
            run(book, language)
            directory.mkdir(exist_ok=True)
            nbformat.write(book, directory / f"{script.stem}.ipynb")


if __name__ == "__main__":
    main(sys.argv[1:])

"""A page of translations, each with what it was made from."""

from gruta.codec.text.pairs import PairCodec
from gruta.locale import translate as _
from gruta.report.page import Column, Section, Table, Value
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained
from gruta.tasks.translate.answers import Answers
from gruta.tasks.translate.attention import attention_figure

_MOST = 50


def page(trained: Trained[PairCodec], answers: Answers) -> Report:
    """The texts, and the attention of the first ones."""
    columns = [Column(_("text")), Column(_("written")), Column(_("score"), 3)]
    rows: list[list[Value]] = [
        [source, one.text, one.score]
        for source, texts in zip(answers.sources, answers.texts, strict=True)
        for one in texts
    ]
    sections = [Section(_("What it writes"), (), [Table(columns, rows)])]
    pairs = zip(answers.sources[:_MOST], answers.texts, strict=False)
    for k, (source, texts) in enumerate(pairs, 1):
        if texts[0].attention is not None and trained.settings.attention != "none":
            figure = attention_figure(trained.codec, source, texts[0], f"attention-{k}")
            sections.append(Section(texts[0].text or "–", (source,), [figure]))
    cell = trained.settings.cell.upper()
    return Report(_("Translation by a {cell}").format(cell=cell), "", sections)

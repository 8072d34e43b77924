"""The page around a report: one file, without scripts, that opens from disk, light or dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_WORDY = 28
"""Characters beyond which a cell is a sentence."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text; columns of short words and numbers end at one line, those of sentences wrap.

    Attributes:
        bad: rows that are shown as wrong, by their numbers from 0.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    bad: frozenset[int] = frozenset()

    @property
    def wordy(self) -> frozenset[int]:
        """Columns that hold sentences, by their numbers from 0."""
        columns = enumerate(zip(*self.rows, strict=False))
        return frozenset(n for n, cells in columns if max(map(len, cells)) > _WORDY)


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart and what it shows."""

    svg: Markup
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report, in the order: text, figures, tables, code.

    Attributes:
        text: a paragraph for each.
        facts: names and what they are.
        code: shown as it is.
        warnings: shown so that they are not missed.
    """

    title: str
    text: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    code: str = ""
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A report.

    Attributes:
        headline: the one thing it says, before all else.
        facts: figures beside the headline: name and value.
        made_by: at the foot.
    """

    title: str
    headline: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    made_by: str


def render(page: Page) -> str:
    """The page as HTML; every text is escaped, only charts are taken as they are."""
    environment = Environment(
        loader=PackageLoader("goldcrest.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(page=page)

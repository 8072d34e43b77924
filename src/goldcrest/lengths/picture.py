"""The lengths of texts on a terminal, or in a file that the output goes to."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from goldcrest.lengths.choices import percent
from goldcrest.lengths.result import LengthsReport, ModelLengths
from goldcrest.lengths.words import heads, lengths_of, notes, row, sentence, summary

_WIDE = 40
"""Characters of the longest bar."""


def show(report: LengthsReport, console: Console) -> None:
    """Print bars, the table of limits, and what to set."""
    has_blocks = console.encoding.lower().startswith("utf")
    for told in report.models:
        said = f"{told.model}: {summary(told)}"
        console.print(said, highlight=False, markup=False, soft_wrap=True)
        console.print()
        for line in _bars(told, "█" if has_blocks else "#"):
            console.print(line, highlight=False, markup=False)
        console.print()
        console.print(_table(told))
        console.print(f"\n{sentence(told)}", highlight=False, markup=False, soft_wrap=True)
        console.print(f"\n{told.setting}\n", highlight=False, markup=False)
    for note in notes(report):
        console.print(note, style="dim", highlight=False, markup=False, soft_wrap=True)


def _bars(told: ModelLengths, block: str) -> Iterator[str]:
    names = [lengths_of(bucket) for bucket in told.buckets]
    most, wide = max(bucket.n_texts for bucket in told.buckets), max(map(len, names))
    for name, bucket in zip(names, told.buckets, strict=True):
        bar = block * round(_WIDE * bucket.n_texts / most) or ("." if bucket.n_texts else "")
        share = percent(bucket.n_texts / told.n_texts)
        yield f"{name:>{wide}}  {bar:<{_WIDE}}  {share}".rstrip()


def _table(told: ModelLengths) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads(told):
        table.add_column(head, justify="right", overflow="fold")
    for choice in told.choices:
        is_advised = choice.max_length == told.advice.max_length
        table.add_row(*row(told, choice), style="bold green" if is_advised else "")
    return table

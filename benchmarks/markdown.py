"""Tables and numbers as Markdown."""

import statistics
from collections.abc import Iterable, Sequence

Row = list[str]


def table(header: Row, rows: Iterable[Row]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def middle(values: Sequence[float | None], digits: int = 1) -> str:
    """The median of those that are known."""
    known = [value for value in values if value is not None]
    return number(statistics.median(known) if known else None, digits)


def middle_and_range(values: Sequence[float], digits: int = 1) -> str:
    """The median; in brackets the least and the most, where there are several."""
    if len(values) < 2:
        return middle(values, digits)
    return f"{middle(values, digits)} ({number(min(values), digits)}-{number(max(values), digits)})"


def number(value: float | None, digits: int) -> str:
    """A number, or a dash for none."""
    return "-" if value is None else f"{value:.{digits}f}"

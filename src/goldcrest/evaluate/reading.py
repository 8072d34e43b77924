"""Reads sets of texts: JSON lines, a JSON list, CSV, TSV, or a text per line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from goldcrest.errors import DataProblem
from goldcrest.evaluate.rows import Label, Row, TextSet

_TEXT, _SECOND, _LABEL = "text", "text_pair", "label"

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which field of a row is what."""

    text: str
    second: str
    label: str

    def check(self, file: Path, found: TextSet) -> None:
        """Refuse a field that was named and is nowhere.

        Raises:
            DataProblem: no row has it.
        """
        if self.label != _LABEL and all(row.label is None for row in found.rows):
            raise DataProblem(f"no row of {file.name} has a {self.label!r}", file=str(file))
        if self.second != _SECOND and all(isinstance(row.item, str) for row in found.rows):
            raise DataProblem(f"no row of {file.name} has a {self.second!r}", file=str(file))


def read_set(
    file: Path,
    *,
    text: str = _TEXT,
    second: str = _SECOND,
    label: str = _LABEL,
    limit: int | None = None,
) -> TextSet:
    """Read a set of texts, in UTF-8 with or without a byte order mark.

    The suffix says what the file is. ``.jsonl`` and ``.json`` hold an object per line, or a list
    of them; ``.csv`` has a header and may quote what holds commas, quotes and newlines; ``.tsv``
    has a header and quotes nothing; any other file is a text per line, without labels. Empty lines
    are left out.

    A label is the name of a class, its number, a score, or a list: of classes, of the tags of the
    words, or of accepted answers. In CSV and TSV a row with an empty label has none.

    Args:
        file: what to read.
        text: the field that holds the text.
        second: the field that holds the second text of a pair, where there is one.
        label: the field that holds the label.
        limit: read no more than the first so many rows.

    Raises:
        DataProblem: the file cannot be read, or a line of it is not valid.
    """
    columns = _Columns(text, second, label)
    source = _read(file)
    match file.suffix.lower():
        case ".jsonl" | ".json":
            rows = _of_json(file, source, columns)
        case ".csv":
            rows = _of_table(file, csv.reader(StringIO(source, newline=""), strict=True), columns)
        case ".tsv":
            lines = csv.reader(
                StringIO(source, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE, strict=True
            )
            rows = _of_table(file, lines, columns)
        case _:
            rows = _of_lines(source)
    found = TextSet(file.name, tuple(islice(rows, limit)))
    if not found.rows:
        raise DataProblem(f"{file} holds no text", file=str(file))
    columns.check(file, found)
    return found


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataProblem(f"{file} cannot be read: {error.strerror}", file=str(file)) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _wrong(file, line, "is not valid UTF-8") from error


def _of_lines(source: str) -> Iterator[Row]:
    for number, line in enumerate(source.split("\n"), start=1):
        if kept := line.strip():
            yield Row(kept, line=number)


def _of_json(file: Path, source: str, columns: _Columns) -> Iterator[Row]:
    if source.lstrip().startswith("[") and not _is_of_lists(source):
        yield from _of_list(file, source, columns)
        return
    for number, line in enumerate(source.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = msgspec.json.decode(line)
        except (ValueError, msgspec.MsgspecError) as error:
            raise _wrong(file, number, f"is no JSON: {error}") from error
        yield _row(file, number, _object(file, number, found, columns), columns)


def _is_of_lists(source: str) -> bool:
    """Whether several lines each hold a value, and the first happens to be a list."""
    first, _, rest = source.lstrip().partition("\n")
    try:
        msgspec.json.decode(first)
    except (ValueError, msgspec.MsgspecError):
        return False
    return bool(rest.strip())


def _of_list(file: Path, source: str, columns: _Columns) -> Iterator[Row]:
    try:
        listed = msgspec.json.decode(source)
    except (ValueError, msgspec.MsgspecError) as error:
        raise DataProblem(f"{file.name} is no JSON: {error}", file=str(file)) from error
    for number, found in enumerate(listed, start=1):
        try:
            row = _row(file, number, _object(file, number, found, columns), columns)
        except DataProblem as error:  # what was counted are entries, not lines
            said = str(error).replace(f"line {number} of", f"entry {number} of", 1)
            raise DataProblem(said, file=str(file)) from error
        yield Row(row.item, row.label)


def _object(file: Path, number: int, found: Any, columns: _Columns) -> Fields:
    if isinstance(found, str):
        return {columns.text: found}
    if not isinstance(found, dict):
        raise _wrong(file, number, f"is neither an object nor a text, but {_short(found)}")
    return found


def _of_table(file: Path, lines: Any, columns: _Columns) -> Iterator[Row]:
    """Rows below a header; ``lines`` is a reader of the csv module."""
    number = 1  # of the line in which a row begins: a quote that is never closed is in none later
    try:
        names: list[str] = next(lines, [])
        if columns.text not in names:
            there = ", ".join(names) or "none"
            raise _wrong(file, 1, f"has no column {columns.text!r}; there are: {there}")
        for name in (columns.text, columns.second, columns.label):
            if names.count(name) > 1:
                raise _wrong(file, 1, f"has the column {name!r} {names.count(name)} times")
        number = lines.line_num + 1
        for cells in lines:
            if cells:
                yield _row(file, number, _named(file, number, names, cells), columns)
            number = lines.line_num + 1
    except csv.Error as error:
        raise _wrong(file, number, f"begins a row that is not valid: {error}") from error


def _named(file: Path, number: int, names: list[str], cells: list[str]) -> Fields:
    if len(cells) != len(names):
        raise _wrong(file, number, f"has {len(cells)} fields, but the header has {len(names)}")
    return {name: cell for name, cell in zip(names, cells, strict=True) if cell.strip()}


def _row(file: Path, number: int, fields: Fields, columns: _Columns) -> Row:
    first = fields.get(columns.text)
    if not (isinstance(first, str) and first.strip()):
        there = ", ".join(fields) or "nothing"
        raise _wrong(file, number, f"has no text in {columns.text!r}; it has: {there}")
    label = _label(file, number, fields.get(columns.label))
    second = fields.get(columns.second)
    if second is None:
        return Row(first, label, number)
    if not (isinstance(second, str) and second.strip()):
        raise _wrong(file, number, f"has no text in {columns.second!r}, but {_short(second)}")
    return Row((first, second), label, number)


def _label(file: Path, number: int, value: Any) -> Label:
    """A label as it is kept; the answers of a question may come as SQuAD has them."""
    if isinstance(value, dict) and "text" in value:
        value = value["text"]
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list) and all(type(one) in (str, int) for one in value):
        return tuple(map(str, value))
    raise _wrong(
        file,
        number,
        f"has the label {_short(value)}; it must be a text, a number or a list of them",
    )


def _short(value: Any) -> str:
    written = msgspec.json.encode(value).decode()
    return written if len(written) <= 40 else f"{written[:40]}..."


def _wrong(file: Path, line: int, what: str) -> DataProblem:
    return DataProblem(f"line {line} of {file.name} {what}", file=str(file), line=line)

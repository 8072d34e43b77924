"""Finds the row of the table of routes that a request is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from starlette.routing import compile_path

from goldcrest.web.route import Served

Found = tuple[Served, Mapping[str, str]]
"""A row, and the parameters of its path."""

_NONE: Mapping[str, str] = {}


class Table:
    """Rows by method and path: those without parameters by a look-up, then the others in order."""

    def __init__(self, rows: Iterable[Served]) -> None:
        self._plain: dict[tuple[str, str], Served] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Served]] = []
        for row in rows:
            method, path = row.endpoint.method, row.endpoint.path
            if "{" in path:
                pattern = re.compile(compile_path(path)[0].pattern, re.DOTALL)  # any name at all
                self._patterns.append((method, pattern, row))
            else:
                self._plain[method, path] = row

    def find(self, method: str, path: str) -> Found | None:
        """The row for a request; that of GET for a HEAD."""
        method = "GET" if method == "HEAD" else method
        row = self._plain.get((method, path))
        if row is not None:
            return row, _NONE
        for wanted, pattern, other in self._patterns:
            if method == wanted and (found := pattern.match(path)):
                return other, found.groupdict()
        return None

    def at(self, path: str) -> dict[str, Served]:
        """Every row of a path, by method."""
        found = {method: self.find(method, path) for method in ("GET", "POST")}
        return {method: row[0] for method, row in found.items() if row is not None}

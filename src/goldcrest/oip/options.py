"""The parameters of a request, read with their types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from goldcrest.errors import InvalidRequest
from goldcrest.names import PRIORITIES, Priority

_MOST = 2**53
"""The highest whole number that every JSON parser reads exactly."""


class Options:
    """What a caller asks for by name; names that nobody reads are passed over.

    Every reader takes several names for one option, and believes the first that is given.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def flag(self, *names: str) -> bool | None:
        """True or false; also as 0 or 1, or as a word.

        Raises:
            InvalidRequest: it is something else.
        """
        name, value = self._find(names)
        if value is None:
            return None
        if str(value).lower() in _FLAGS:
            return _FLAGS[str(value).lower()]
        raise InvalidRequest(f"the parameter {name!r} is {value!r}; it must be true or false")

    def number(self, *names: str, least: int = 1, most: int = _MOST) -> int | None:
        """A whole number; also as text.

        Raises:
            InvalidRequest: it is something else, less than ``least`` or more than ``most``.
        """
        name, value = self._find(names)
        if value is None:
            return None
        try:
            number = None if isinstance(value, (bool, float)) else int(value)
        except (TypeError, ValueError):
            number = None
        if number is None or not least <= number <= most:
            raise InvalidRequest(
                f"the parameter {name!r} is {value!r}; "
                f"it must be a whole number from {least} to {most}"
            )
        return number

    def word(self, *names: str) -> str | None:
        """A text.

        Raises:
            InvalidRequest: it is something else.
        """
        name, value = self._find(names)
        if value is None or isinstance(value, str):
            return value
        raise InvalidRequest(f"the parameter {name!r} is {value!r}; it must be a text")

    def choice(self, *names: str, allowed: tuple[str, ...]) -> Any:
        """One of several words, in lower case; the first of them if none is given.

        Raises:
            InvalidRequest: it is something else.
        """
        value = self.word(*names)
        if value is None:
            return allowed[0]
        if value.lower() in allowed:
            return value.lower()
        raise InvalidRequest(
            f"the parameter {names[0]!r} is {value!r}; it must be one of {', '.join(allowed)}"
        )

    def words(self, *names: str) -> tuple[str, ...] | None:
        """Several texts: a list, the JSON of one, or texts between commas.

        Raises:
            InvalidRequest: it is something else.
        """
        name, value = self._find(names)
        if isinstance(value, str):
            value = _listed(value)
        if value is None:
            return None
        if isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value):
            return tuple(value)
        raise InvalidRequest(f"the parameter {name!r} must be a list of texts")

    def priority(self) -> Priority | None:
        """The class of the work: Triton's number, 1 the highest, or a name; None for 0.

        Raises:
            InvalidRequest: it is something else.
        """
        given = self._given.get("priority")
        for known in PRIORITIES:
            if isinstance(given, str) and given.lower() == known:
                return known
        try:
            number = self.number("priority", least=0)
        except InvalidRequest as error:
            raise InvalidRequest(
                f"the parameter 'priority' is {given!r}; it must be 0 (the server's own choice), "
                f"1 ({PRIORITIES[0]}), 2 ({PRIORITIES[1]}), 3 or more ({PRIORITIES[2]}), "
                "or one of these names"
            ) from error
        return PRIORITIES[min(number, len(PRIORITIES)) - 1] if number else None

    def _find(self, names: tuple[str, ...]) -> tuple[str, Any]:
        found = [name for name in names if self._given.get(name) is not None]
        return (found[0], self._given[found[0]]) if found else (names[0], None)


_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def _listed(value: str) -> Any:
    if not value.lstrip().startswith("["):
        return [word.strip() for word in value.split(",") if word.strip()]
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value

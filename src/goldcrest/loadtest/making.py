"""Makes requests before they are due, and remembers what their texts were like."""

from __future__ import annotations

import random
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import repeat

from goldcrest.loadtest import protocols
from goldcrest.loadtest.connection import Request
from goldcrest.loadtest.orders import Prepare, Prepared, Setup
from goldcrest.loadtest.profiles import Given, estimated_tokens
from goldcrest.loadtest.texts import Texts

LABELS = ("", "interactive", "default", "bulk")
"""Classes by their number."""


class Maker:
    """Makes requests of a profile.

    Args:
        setup: where and what to send.
        key: shown with each request; empty for none.
    """

    def __init__(self, setup: Setup, key: str) -> None:
        host = f"[{setup.host}]" if ":" in setup.host else setup.host
        name = f"{host}:{setup.port}"
        self.protocol = protocols.protocol(setup.protocol)
        self._setup = setup
        self._head = protocols.head(
            route=setup.route, host=name, key=key, is_kept_fine=setup.is_kept_fine
        )
        self._told_ms = setup.timeout_ms if setup.tells_timeout else 0.0
        self._texts = Texts(setup.profile, seed=setup.seed, part=setup.part, n_parts=setup.n_parts)
        self._dice = random.Random(f"{setup.seed}-{setup.part}")  # noqa: S311  # no secret
        self._classes = tuple(setup.profile.classes)
        self._weights = tuple(setup.profile.classes.values())
        self._ahead: deque[Request] = deque()
        self._tokens, self._characters = array("i"), array("i")

    def prepare(self, order: Prepare, offsets: Iterable[float]) -> Iterator[Request]:
        """Make the requests of an open loop one by one; each due so long after the step begins."""
        given = zip(
            order.texts or repeat(""),
            order.tokens or repeat(0),
            order.classes or repeat(""),
            strict=False,  # what was not recorded is endless
        )
        for offset, (text, tokens, wanted) in zip(offsets, given, strict=False):
            yield self._make(offset, text, tokens, wanted)

    def stock(self, n: int) -> None:
        """Make requests for a closed loop, so that it need not."""
        while len(self._ahead) < n:
            self._ahead.append(self._make(0.0, "", 0, ""))

    def next(self, due: float) -> Request:
        """The next request of a closed loop."""
        request = self._ahead.popleft() if self._ahead else self._make(due, "", 0, "")
        request.due = due
        return request

    def told(self) -> Prepared:
        """What the texts were like that were made since the last time."""
        figures = Prepared(
            n_texts=len(self._tokens),
            tokens=self._tokens.tobytes(),
            characters=self._characters.tobytes(),
        )
        self._tokens, self._characters = array("i"), array("i")
        return figures

    def _make(self, due: float, text: str, tokens: int, wanted: str) -> Request:
        n = self._setup.profile.texts_per_request
        taken = [self._text(text, tokens)] if text or tokens else []
        taken += [self._texts.take() for _ in range(n - len(taken))]
        priority = wanted or self._class(taken[0])
        asked = protocols.Asked(
            [one.text for one in taken], self._setup.model, priority, self._told_ms
        )
        for one in taken:
            self._tokens.append(estimated_tokens(one.text) if one.n_tokens == 0 else one.n_tokens)
            self._characters.append(len(one.text))
        content = protocols.written(self._head, self.protocol, asked)
        return Request(content, due, LABELS.index(priority), n)

    def _text(self, text: str, tokens: int) -> Given:
        return Given(text or self._texts.of_length(tokens), n_tokens=0 if text else tokens)

    def _class(self, first: Given) -> str:
        if first.priority or not self._classes:
            return first.priority
        return self._dice.choices(self._classes, self._weights)[0]

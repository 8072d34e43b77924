"""Every request accounted for: answered rightly, refused in a sentence, visibly broken, or a fault.

Pure: it judges what a driver saw against what an idle server answered.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.under_load.plan import Fate, Seen
from benchmarks.under_load.texts import Idle

REFUSALS = (429, 503, 504)
OK = 200
FAILED = 500
KEPT_EXAMPLES = 5

Asked = Sequence[str]
"""The texts of one request."""
ReadRows = Callable[[bytes], Sequence[Sequence[float]]]


@dataclass(frozen=True)
class Account:
    """What became of all requests of a stream, by verdict.

    Good are ``right``, ``refused 429`` and its like, ``poisoned`` (a text that was meant to fail
    failed, alone and in a sentence), ``vanished`` and ``broken``: the connection showed it.
    Faults are ``wrong``, ``doubled``, ``lost`` and ``unexplained``. ``unsent`` is the driver's own.
    """

    counts: Counter[str]
    examples: tuple[str, ...] = ()
    n_stray: int = 0

    @property
    def n(self) -> int:
        return sum(self.counts.values())

    @property
    def faults(self) -> dict[str, int]:
        """Those that must be zero; all are named."""
        names = ("wrong", "doubled", "lost", "unexplained")
        found = {name: self.counts[name] for name in names}
        return {**found, "doubled": found["doubled"] + self.n_stray}

    @property
    def n_faults(self) -> int:
        return sum(self.faults.values())

    @property
    def n_refused(self) -> int:
        return sum(n for verdict, n in self.counts.items() if verdict.startswith("refused"))

    def __add__(self, other: Account) -> Account:
        return Account(
            self.counts + other.counts,
            (*self.examples, *other.examples)[:KEPT_EXAMPLES],
            self.n_stray + other.n_stray,
        )


def read_rows(answer: bytes) -> Sequence[Sequence[float]]:
    """The rows of Goldcrest's own route."""
    rows: list[list[float]] = json.loads(answer)["predictions"]
    return rows


@dataclass(frozen=True)
class Judge:
    """Judges requests one by one.

    Attributes:
        texts: of each body of the stream.
        poison: the word whose text must fail.
        may_be_refused: whether a refusal is among the honest ends.
    """

    texts: Sequence[Asked]
    idle: Idle
    poison: str = ""
    read: ReadRows = read_rows
    refusals: Collection[int] = field(default=REFUSALS)

    def account(self, seen: Seen, *, n_stray: int = 0) -> Account:
        """Counts the verdicts of a whole stream."""
        counts: Counter[str] = Counter()
        examples: list[str] = []
        for number, verdict in enumerate(self.verdicts(seen)):
            counts[verdict] += 1
            if verdict in {"wrong", "doubled", "lost", "unexplained"}:
                examples.append(self._example(seen, number, verdict))
        return Account(counts, tuple(examples[:KEPT_EXAMPLES]), n_stray)

    def verdicts(self, seen: Seen) -> Iterator[str]:
        """One word for each request, in order."""
        for number in range(seen.n):
            yield self._verdict(seen, number)

    def _verdict(self, seen: Seen, number: int) -> str:
        fate = Fate(seen.fate[number])
        if fate is Fate.ANSWERED:
            texts = self.texts[seen.sent_body[number]]
            return self._of_answer(texts, seen.status[number], seen.body[number])
        if fate is Fate.SILENT:
            return "lost" if seen.sent[number] else "unsent"
        return fate.name.lower()

    def _of_answer(self, texts: Asked, status: int, answer: bytes) -> str:
        is_poisonous = bool(self.poison) and any(self.poison in text for text in texts)
        if status == OK:
            return "right" if not is_poisonous and self._is_right(texts, answer) else "wrong"
        if status in self.refusals and has_sentence(answer):
            return f"refused {status}"
        if status == FAILED and is_poisonous and has_sentence(answer):
            return "poisoned"
        return "unexplained"

    def _is_right(self, texts: Asked, answer: bytes) -> bool:
        try:
            return self.idle.is_right(texts, self.read(answer))
        except (ValueError, KeyError, TypeError):
            return False

    def _example(self, seen: Seen, number: int, verdict: str) -> str:
        answer = seen.body[number][:160].decode(errors="replace")
        asked = self.texts[seen.sent_body[number]][0][:60]
        return f"{verdict} at {seen.due[number]:.1f} s: {seen.status[number]} {answer} to {asked!r}"


def has_sentence(answer: bytes) -> bool:
    """Whether an error says what is wrong in words."""
    try:
        told: Any = json.loads(answer)
    except ValueError:
        return False
    return any(len(words.split()) >= 3 for words in _strings(told))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)

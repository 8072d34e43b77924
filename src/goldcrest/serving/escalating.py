"""How a request goes from member to member of a cascade, whoever asks them; pure."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from goldcrest.config import CascadeConfig
from goldcrest.errors import UnsupportedTask
from goldcrest.heads.classify import confidence
from goldcrest.names import ProblemType, Readable
from goldcrest.tasks import Classify, Reply, Request
from goldcrest.values import Floats

_FEW = 5
"""Labels that a message names."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What of a model matters to the other members of its cascade.

    Attributes:
        problem_type: how its logits become numbers; None where it is no classifier.
    """

    name: str
    task: Readable
    labels: tuple[str, ...]
    problem_type: ProblemType | None


@dataclass(frozen=True, slots=True)
class Part:
    """What a member is asked.

    Attributes:
        request: to the member, of the items that came to it.
        places: of these items in the request to the cascade.
    """

    request: Request[Floats]
    places: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a member answered, and how its numbers are to be read."""

    reply: Reply[Floats]
    problem_type: ProblemType | None


Escalation = Generator[Part, Heard, Reply[Floats]]
"""Yields what is to be asked, is sent what was answered, and returns the whole."""


def escalation(cascade: CascadeConfig, request: Request[Floats], task: Classify) -> Escalation:
    """Ask the first member, and each next one of the items that the one before is not sure of.

    An answer stands from its member's threshold on; those of the last member always do. The labels
    are those of the first member, in its order. Tokens and windows are counted of every member that
    ran them; what was cut off, and how long a text is, is told by the member whose answer stands.

    Args:
        cascade: says who is asked, in which order.
        request: to the cascade; each member is asked the same but for the items.
        task: that of the request.

    Raises:
        UnsupportedTask: the members do not fit together.
        InvalidRequest: the scores that are asked for do not tell how sure a member is.
    """
    places = np.arange(len(request.items))
    whole: _Whole | None = None
    heard: list[Traits] = []
    for member, threshold in zip(cascade.members, (*cascade.thresholds, None), strict=True):
        said = yield Part(_asked(request, member, places), places)
        heard.append(Traits(member, "classify", said.reply.labels, said.problem_type))
        kind = _kind(cascade.name, heard)
        whole = whole or _Whole(said.reply)
        if threshold is None:
            stands = np.ones(len(places), np.bool_)
        else:
            stands = confidence(said.reply.outputs, kind, task.scores) >= threshold
        whole.take(said.reply, places, stands)
        places = places[~stands]
        if not places.size:
            break
    assert whole is not None  # noqa: S101  # there are members
    return whole.reply(cascade.name)


def objection(name: str, members: Sequence[Traits]) -> str:
    """Why these models cannot be members of one cascade; empty if they can.

    Args:
        name: of the cascade.
        members: those of which something is known.
    """
    return next(_objections(name, members), "")


def _objections(name: str, members: Sequence[Traits]) -> Iterator[str]:
    for member in members:
        if member.task != "classify":
            yield (
                f"the cascade {name!r} has the member {member.name!r}, which was trained for "
                f"{member.task}; cascades are for classify"
            )
        elif member.problem_type == "regression":
            yield (
                f"the cascade {name!r} has the member {member.name!r}, a regression: its bare "
                "values do not tell how sure it is; cascades are for probabilities of labels"
            )
    for member in members[1:]:
        first = members[0]
        if member.problem_type != first.problem_type:
            yield (
                f"the members of the cascade {name!r} differ: {first.name!r} is for "
                f"{first.problem_type}, {member.name!r} for {member.problem_type}"
            )
        if member.labels != first.labels and set(member.labels) != set(first.labels):
            yield (
                f"the members of the cascade {name!r} have different labels: "
                f"{_alone(first, member)}{_alone(member, first)}give them the same"
            )


def _alone(one: Traits, other: Traits) -> str:
    """The labels that only the one has."""
    own = [label for label in one.labels if label not in other.labels]
    if not own:
        return ""
    more = f" and {len(own) - _FEW} more" if len(own) > _FEW else ""
    return f"{one.name!r} alone has {', '.join(map(repr, own[:_FEW]))}{more}; "


def _asked(request: Request[Floats], member: str, places: NDArray[np.intp]) -> Request[Floats]:
    if len(places) == len(request.items):
        return replace(request, model=member)
    return replace(request, model=member, items=[request.items[place] for place in places])


def _kind(name: str, heard: Sequence[Traits]) -> ProblemType:
    """How the numbers of all members are read.

    Raises:
        UnsupportedTask: the members do not fit together.
    """
    kind = heard[0].problem_type
    if (trouble := objection(name, heard)) or kind is None:
        raise UnsupportedTask(trouble or f"{heard[0].name!r} is no classifier")
    return kind


class _Whole:
    """The answers of a cascade, as they come together.

    Args:
        first: what the first member said of all items.
    """

    def __init__(self, first: Reply[Floats]) -> None:
        n_items = len(first.outputs)
        self._labels = first.labels
        self._outputs = np.empty_like(first.outputs)
        self._n_tokens, self._n_windows = np.zeros((2, n_items), np.int64)
        self._n_dropped, self._lengths = np.zeros((2, n_items), np.int64)

    def take(
        self, reply: Reply[Floats], places: NDArray[np.intp], stands: NDArray[np.bool_]
    ) -> None:
        """Keep the answers that stand, and count what all of them took."""
        outputs = reply.outputs
        if reply.labels != self._labels:
            outputs = outputs[:, [reply.labels.index(label) for label in self._labels]]
        self._n_tokens[places] += reply.n_tokens
        self._n_windows[places] += reply.n_windows
        kept = places[stands]
        self._outputs[kept] = outputs[stands]
        n_dropped = np.array(reply.n_dropped, np.int64)
        self._n_dropped[kept] = n_dropped[stands]
        self._lengths[kept] = (n_dropped + reply.n_tokens)[stands]

    def reply(self, name: str) -> Reply[Floats]:
        """All of them, in the order of the items."""
        return Reply(
            name,
            self._outputs,
            self._labels,
            tuple(self._n_tokens.tolist()),
            tuple(self._n_dropped.tolist()),
            tuple(self._n_windows.tolist()),
            tuple(self._lengths.tolist()),
        )

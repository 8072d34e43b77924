"""A cascade: models that are asked one after the other, and served as one (`Predict`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import cast

from goldcrest.config import CascadeConfig
from goldcrest.errors import (
    DeadlineExceeded,
    InputTooLong,
    InvalidRequest,
    Loading,
    UnsupportedTask,
)
from goldcrest.names import TaskName
from goldcrest.records import Sample
from goldcrest.serving.escalating import Escalation, Heard, Part, Traits, escalation, objection
from goldcrest.tasks import Classify, O, Predict, Reply, Request
from goldcrest.values import Floats, Item, ServedModel


@dataclass(frozen=True, slots=True, eq=False)
class Cascade:
    """Asks its members, by their names, one after the other.

    Attributes:
        config: who they are, and how sure each must be.
        ask: answers for them; whoever does knows which are closed, lazy or out of service.
        known: what is known of a model; None where nothing is.
        clock: seconds; only differences matter.
    """

    config: CascadeConfig
    ask: Predict
    known: Callable[[str], ServedModel | None]
    clock: Callable[[], float]
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def members(self) -> tuple[str, ...]:
        return self.config.members

    def does(self, task: TaskName | None) -> bool:
        """Whether it can be asked that; None stands for anything."""
        return task in (None, Classify.name)

    async def __call__(self, request: Request[O]) -> Reply[O]:
        """Answer with the first member that is sure, item by item; see `escalation`.

        What a member is not sure of goes to the next one in a single request, with what is left of
        the deadline.

        Raises:
            UnsupportedTask: it is asked for another task, or its members do not fit together.
            InvalidRequest: an item is token ids, or the scores do not tell how sure a member is.
            DeadlineExceeded: it passed between two members.
            ServingError: whatever keeps a member from answering.
        """
        task: object = request.task
        if not isinstance(task, Classify):
            raise UnsupportedTask(
                f"{self.name!r} is a cascade and does classify, not {request.task.name}"
            )
        _refuse_ids(self.name, request.items)
        steps = escalation(self.config, cast("Request[Floats]", request), task)
        return cast("Reply[O]", await self._climb(steps))

    async def _climb(self, steps: Escalation) -> Reply[Floats]:
        begun = self.clock()
        part = next(steps)
        while True:
            heard = await self._hear(part, self.clock() - begun)
            try:
                rest = steps.send(heard)
            except StopIteration as end:
                self._count(part, n_escalated=0)
                whole: Reply[Floats] = end.value
                return whole
            self._count(part, n_escalated=len(rest.places))
            part = rest

    async def _hear(self, part: Part, waited_s: float) -> Heard:
        try:
            reply = await self.ask(_in_time(part.request, waited_s))
        except InputTooLong as error:  # it counts the items that the member was sent
            place = int(part.places[error.index])
            raise InputTooLong(error.n_tokens, error.limit, place) from error
        member = self.known(reply.model)
        if member is None:
            raise Loading(f"the model {reply.model!r} was taken out of service as it answered")
        return Heard(reply, member.problem_type)

    def _count(self, part: Part, *, n_escalated: int) -> None:
        member = part.request.model or ""
        self._counts[member, "answered"] += len(part.places) - n_escalated
        self._counts[member, "escalated"] += n_escalated

    def samples(self) -> Iterator[Sample]:
        """What is told to the metrics, read at the moment of asking."""
        for (member, outcome), n_items in self._counts.copy().items():
            yield "cascade_items", (self.name, member, outcome), n_items

    def objection(self) -> str:
        """Why the members that are known cannot be those of a cascade; empty if they can."""
        return objection(self.name, [_traits(one) for one in self._known()])

    def describe(self) -> ServedModel | None:
        """What it is, seen as one model; None until all of its members are known.

        Its precision and its source are those of the members, each told once.
        """
        known = self._known()
        if len(known) < len(self.members):
            return None
        told = (*(one.digest for one in known), *map(repr, self.config.thresholds))
        return replace(
            known[0],
            name=self.name,
            tasks=(Classify.name,),
            precision=_once(one.precision for one in known),
            max_length=min(one.max_length for one in known),
            digest=sha256("\n".join(told).encode()).hexdigest(),
            source=_once(one.source for one in known),
            family=_once(one.family for one in known),
            is_ready=all(one.is_ready for one in known),
            is_open=all(one.is_open for one in known),
            members=self.members,
        )

    def _known(self) -> list[ServedModel]:
        found = [self.known(member) for member in self.members]
        return [one for one in found if one is not None]


def _in_time(request: Request[Floats], waited_s: float) -> Request[Floats]:
    """The request with what is left of its deadline.

    Raises:
        DeadlineExceeded: nothing is.
    """
    limit_s = request.urgency.deadline_s
    if limit_s is None:
        return request
    if waited_s > limit_s:
        raise DeadlineExceeded(waited_s)
    return replace(request, urgency=replace(request.urgency, deadline_s=limit_s - waited_s))


def _refuse_ids(name: str, items: Sequence[Item]) -> None:
    """Refuse token ids: to members with other vocabularies they are another text.

    Raises:
        InvalidRequest: an item is such.
    """
    for index, item in enumerate(items):
        if type(item) is not str and not all(isinstance(part, str) for part in item):
            raise InvalidRequest(
                f"item {index} is token ids, which the members of the cascade {name!r} may read "
                "differently; send texts"
            )


def _traits(model: ServedModel) -> Traits:
    return Traits(model.name, model.task, model.labels, model.problem_type)


def _once(words: Iterator[str]) -> str:
    """What the members say, one after the other; what several say is said once."""
    return ", ".join(dict.fromkeys(filter(None, words)))

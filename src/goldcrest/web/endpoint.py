"""One row of the table of routes, and one call of it.

A row says everything about a route: what is asked, what is answered, which errors may come. The
routes, their OpenAPI description and the reference page are all made from the table.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import msgspec

from goldcrest.config import BatchConfig, WebConfig
from goldcrest.errors import DeadlineExceeded, ServingError
from goldcrest.metrics import Metrics
from goldcrest.records import Explanation
from goldcrest.serving.keys import Keys
from goldcrest.serving.room import Room
from goldcrest.serving.service import Service
from goldcrest.serving.urgency import NO_WISH, Wish, urge
from goldcrest.tasks import O, Reply, Request, Task
from goldcrest.values import AS_IT_COMES, EncodeOptions, Item, Urgency
from goldcrest.web.connection import Attendance, Patience
from goldcrest.web.items import checked
from goldcrest.web.response import JSON, OURS, Problems
from goldcrest.web.visits import Visit, Visits

B = TypeVar("B")
Explain = Callable[[], Explanation | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the routes stand on.

    Attributes:
        batch: the limits on tokens, which others keep and some protocols tell.
        keys: those that callers must show; none means that everybody may come in.
        attendance: knows which callers are still there.
        patience: for bodies that are slow to come.
        room: for requests and their bodies.
        visits: hears what became of every request.
        opened: when the server was made, in seconds since 1970.
        explain: says why the batcher does what it does; None while there is none.
    """

    service: Service
    config: WebConfig
    batch: BatchConfig
    metrics: Metrics
    keys: Keys
    attendance: Attendance
    patience: Patience
    room: Room
    visits: Visits
    opened: int
    explain: Explain


class Call(msgspec.Struct, Generic[B], frozen=True):
    """One request, as a route sees it; a struct, because one is made for every request.

    Attributes:
        body: decoded, or as it came where the row asks for ``bytes``; None where there is none.
        path: the parameters of a path such as "/v2/models/{model}/infer".
        headers: names in lower case.
        visit: where it is noted who asks, and what became of it.
    """

    door: Door
    body: B
    path: Mapping[str, str]
    headers: Mapping[bytes, bytes]
    visit: Visit

    @property
    def caller(self) -> str:
        """The name of the key that was shown; empty where none is asked for."""
        return self.visit.caller

    def urgency(self, wish: Wish = NO_WISH) -> Urgency:
        """How urgent this call is; the reply will say so if that is less than it asked for.

        Args:
            wish: what the body says beside the headers.
        """
        visit = self.visit
        return urge(visit, self.door.keys.ceiling(visit.caller), wish)

    async def predict(
        self,
        task: Task[O],
        items: Sequence[Item],
        *,
        model: str | None = None,
        encode: EncodeOptions = AS_IT_COMES,
        wish: Wish = NO_WISH,
    ) -> Reply[O]:
        """Ask the service in the name of this caller.

        Args:
            task: what is asked.
            items: what it is asked of.
            model: a name; None: the default of the task.
            encode: how items become tokens.
            wish: what the body says of its urgency.

        Raises:
            EmptyInput: there are no items.
            TooManyItems: there are more than the settings allow.
            ServingError: whatever else keeps them from being answered.
        """
        limit = self.door.config.max_items
        items, visit = checked(items, limit=limit, n_parts=task.n_parts), self.visit
        visit.n_items += len(items)
        request = Request(task, items, model, encode, self.urgency(wish))
        reply = await self.door.service.predict(request)
        visit.model = reply.model
        visit.n_tokens += sum(reply.n_tokens)
        return reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A row of the table.

    Attributes:
        path: may hold parameters, ``{name}``, or ``{name:path}`` where slashes may be in it.
        summary: one line; the docstring of ``call`` is the description.
        call: answers; returns the reply, or a whole ``Response``.
        reply: the type of the reply, for the description only; None is plain text.
        request: the type of the body; ``bytes`` as it came; None where there is none.
        described: what the body holds where ``request`` is ``bytes``, for the description.
        is_binary_too: whether request and reply may also be "application/octet-stream".
        errors: what may go wrong beside an internal error and a missing key.
        other_statuses: statuses beside 200 that carry the reply too, and when they do.
        example: a body to try.
        problem: how errors are told.
        is_public: answered to callers without a key too.
        is_instant: answered when its head is read, before requests that came earlier and wait for
            their turn; ``call`` awaits nothing, and takes no body.
    """

    path: str
    method: Literal["GET", "POST"]
    tag: str
    summary: str
    call: Callable[[Call[Any]], Coroutine[Any, Any, Any]]
    reply: Any
    request: type[msgspec.Struct] | type[bytes] | None = None
    described: Any = None
    is_binary_too: bool = False
    errors: tuple[type[ServingError], ...] = ()
    other_statuses: Mapping[int, str] = field(default_factory=dict)
    example: Mapping[str, Any] | None = None
    media_type: str = JSON.decode()
    problem: Problems = OURS
    is_public: bool = False
    is_instant: bool = False

    @property
    def can_be_urgent(self) -> bool:
        """Whether headers may say how urgent a call of it is."""
        return DeadlineExceeded in self.errors

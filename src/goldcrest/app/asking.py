"""How a method that asks a model is written once, and both waited for and awaited."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import (
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    TypedDict,
    TypeVar,
    Unpack,
    get_args,
)

from goldcrest.errors import InvalidRequest
from goldcrest.heads.plain import check_named
from goldcrest.names import Overflow
from goldcrest.tasks import O, Reply, Task
from goldcrest.values import EncodeOptions, Item

P = ParamSpec("P")
R = TypeVar("R")


class Encode(TypedDict, total=False):
    """How long a text may be, and what becomes of a longer one.

    Attributes:
        max_length: tokens per text, special ones included; None means the model's own limit, as
            does any number above it.
        overflow: "truncate" cuts a longer text, "reject" raises `InputTooLong`, "window" reads it
            in windows of that length; of a pair the second text is split.
        stride: tokens that neighbouring windows share; None means a quarter of their room.
    """

    max_length: int | None
    overflow: Overflow
    stride: int | None


@dataclass(frozen=True, slots=True)
class Asked(Generic[R]):
    """A question in the words of the service.

    Attributes:
        encode: as the caller gave them.
        shown: what the method returns, made of the reply.
    """

    task: Task[Any]
    items: Sequence[Item]
    encode: Encode
    shown: Callable[[Reply[Any]], R]


class Waits(Protocol):
    """Answers while the caller's thread waits."""

    def predict(
        self, task: Task[O], items: Sequence[Item], **encode: Unpack[Encode]
    ) -> Reply[O]: ...


class Awaits(Protocol):
    """Answers without blocking the event loop."""

    async def predict(
        self, task: Task[O], items: Sequence[Item], **encode: Unpack[Encode]
    ) -> Reply[O]: ...


def options(encode: Encode) -> EncodeOptions:
    """What the service takes.

    Raises:
        TypeError: there is no option of that name.
        InvalidRequest: the overflow is of no known kind.
    """
    found = EncodeOptions(**encode)
    check_named("overflow", found.overflow, get_args(Overflow))
    return found


W = TypeVar("W", bound=Waits)


def asks(method: Callable[Concatenate[W, P], Asked[R]]) -> Callable[Concatenate[W, P], R]:
    """A method that returns the answer, from one that only words the question."""
    check = _no_bare_text(method)

    @wraps(method)
    def waiting(self: W, /, *args: P.args, **kwargs: P.kwargs) -> R:
        check(args, kwargs)
        asked = method(self, *args, **kwargs)
        return asked.shown(self.predict(asked.task, asked.items, **asked.encode))

    _sign(waiting, method)
    return waiting


def awaited(
    waiting: Callable[Concatenate[W, P], R],
) -> Callable[Concatenate[Awaits, P], Coroutine[Any, Any, R]]:
    """The same question, for callers that await the answer.

    Args:
        waiting: as `asks` makes it.
    """
    method: Callable[..., Asked[R]] = waiting.__wrapped__  # type: ignore[attr-defined]  # by wraps
    check = _no_bare_text(method)

    @wraps(method)
    async def awaiting(self: Awaits, /, *args: P.args, **kwargs: P.kwargs) -> R:
        check(args, kwargs)
        asked = method(self, *args, **kwargs)
        return asked.shown(await self.predict(asked.task, asked.items, **asked.encode))

    _sign(awaiting, method)
    return awaiting


def _no_bare_text(
    method: Callable[..., Any],
) -> Callable[[Sequence[object], Mapping[str, object]], None]:
    """What refuses a text where several are taken: it would pass for a list of its characters."""
    parameters = list(inspect.signature(method).parameters.values())[1:]
    several = [str(one.annotation).startswith("Sequence[") for one in parameters]
    names = [one.name for one in parameters]

    def check(args: Sequence[object], kwargs: Mapping[str, object]) -> None:
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        for name, is_several in zip(names, several, strict=True):
            if is_several and isinstance(given.get(name), str):
                raise InvalidRequest(f"{name} is a single text; put it in a list: [{name}]")

    return check


def _sign(shown: Any, method: Callable[..., Asked[Any]]) -> None:
    """Let `help` show what comes back, rather than the question."""
    signature = inspect.signature(method)
    result = str(signature.return_annotation).removeprefix("Asked[").removesuffix("]")
    shown.__signature__ = signature.replace(return_annotation=result)

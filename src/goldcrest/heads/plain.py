"""What a head is, and what most have in common: an item is one item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from goldcrest.errors import InvalidRequest
from goldcrest.values import Answer, Item

T_contra = TypeVar("T_contra", contravariant=True)
T = TypeVar("T")
O = TypeVar("O")  # noqa: E741
O_co = TypeVar("O_co", covariant=True)


class Head(Protocol[T_contra, O_co]):
    """Asks a version what a task needs, and presents its answers."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the outputs, in order; empty where they have none."""
        ...

    def expand(self, items: Sequence[Item], task: T_contra) -> Sequence[Item]:
        """What must be inferred: the same number of items for each one, in order.

        Raises:
            InvalidRequest: the items or the task cannot be answered.
        """
        ...

    def present(self, items: Sequence[Item], answers: Sequence[Answer], task: T_contra) -> O_co:
        """Answers of the expanded items, as what the task gives back.

        Raises:
            InvalidRequest: the task asks for what the model does not have.
        """
        ...


class PlainHead(Generic[T, O]):
    """A head that infers the items as they are."""

    __slots__ = ()

    def expand(self, items: Sequence[Item], task: T) -> Sequence[Item]:
        """The items themselves."""
        return items


def check_named(option: str, value: str, known: Sequence[str]) -> None:
    """Refuse a value that an option does not have.

    Raises:
        InvalidRequest: names those it has.
    """
    if value not in known:
        raise InvalidRequest(f"{option} is {value!r}, but must be one of {', '.join(known)}")

"""What is asked and what is answered, in the words of the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass, field
from typing import Any

from goldcrest.errors import InvalidRequest
from goldcrest.oip.tensor import Tensor

VERSION = "1"
"""The only version that a model has here."""
_MAX_TENSORS = 16
"""Inputs of a question, and outputs; none that is understood has as many."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An output that is asked for by name.

    Attributes:
        n_classes: if not 0, the best values of each row are wanted, as texts.
        is_binary: whether it should come as bytes; only a carrier that has a choice asks.
    """

    name: str
    n_classes: int = 0
    is_binary: bool = False

    @classmethod
    def read(cls, name: str, parameters: Mapping[str, Any]) -> Wanted:
        """Read what is said of the output.

        Raises:
            InvalidRequest: it should go to shared memory, or the number of classes is none.
        """
        refuse_shared_memory(name, parameters)
        n_classes = parameters.get("classification", 0)
        if not isinstance(n_classes, int) or n_classes < 0:
            raise InvalidRequest(
                f"the output {name!r} asks for classification {n_classes!r}; "
                "it must be a whole number, 1 or more"
            )
        return cls(name, n_classes, parameters.get("binary_data") is True)


@dataclass(frozen=True, slots=True)
class Question:
    """A request for an inference.

    Attributes:
        id: given back as it came.
        parameters: those of the request, and those of its inputs where they do not differ.
        outputs: those that are wanted; none means all.
        is_binary: whether outputs that are not named should come as bytes, where the carrier has
            a choice.
    """

    model: str
    inputs: tuple[Tensor, ...]
    version: str = ""
    id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[Wanted, ...] = ()
    is_binary: bool = False


def check_number(inputs: Sized, outputs: Sized) -> None:
    """Refuse very many tensors before each is looked at.

    Raises:
        InvalidRequest: there are more inputs or outputs than any question has.
    """
    for what, tensors in (("inputs", inputs), ("outputs", outputs)):
        if len(tensors) > _MAX_TENSORS:
            raise InvalidRequest(
                f"the request has {len(tensors)} {what}, more than the limit of {_MAX_TENSORS}"
            )


def refuse_shared_memory(name: str, parameters: Mapping[str, Any]) -> None:
    """Raise an error if a tensor is said to be in shared memory.

    Raises:
        InvalidRequest: it is.
    """
    if "shared_memory_region" in parameters:
        raise InvalidRequest(f"{name!r} is in shared memory, which is not supported; send its data")

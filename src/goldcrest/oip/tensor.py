"""Named tensors, and their bytes: little-endian numbers, texts after their lengths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldcrest.errors import InvalidRequest

DTYPES: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
"""The protocol's numbers; beside them there is BYTES."""

_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_N_LENGTH = 4
"""Bytes of the length before each text."""

_MAX_DEPTH = 8
"""How deep values may be nested, and how many axes a tensor may have."""
_MAX_SIZE = 2**63 - 1
"""Of an axis, as the protocol has it."""

Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A named array, or named texts in the order of their rows.

    Attributes:
        datatype: a key of ``DTYPES``, or "BYTES".
        values: an array of that shape; of BYTES, its texts one after the other.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: NDArray[Any] | tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of a BYTES tensor.

        Raises:
            InvalidRequest: it holds numbers.
        """
        if isinstance(self.values, tuple):
            return self.values
        raise InvalidRequest(f"{self.name!r} holds {self.datatype}; it must hold BYTES")

    @property
    def numbers(self) -> NDArray[Any]:
        """The array of any other tensor.

        Raises:
            InvalidRequest: it holds texts.
        """
        if isinstance(self.values, tuple):
            raise InvalidRequest(f"{self.name!r} holds BYTES; it must hold numbers")
        return self.values

    @property
    def n_elements(self) -> int:
        """How many values it has."""
        return prod(self.shape)

    @property
    def raw(self) -> Buffer:
        """Its bytes; those of an array are not copied."""
        if isinstance(self.values, tuple):
            return b"".join(_with_lengths(self.values))
        if not self.values.size:  # a memoryview of nothing cannot be cast
            return b""
        return np.ascontiguousarray(self.values).data.cast("B")


def of_array(name: str, values: NDArray[Any]) -> Tensor:
    """An array as a tensor, in the type it has."""
    return Tensor(name, _NAMES[values.dtype.newbyteorder("<")], values.shape, values)


def of_texts(name: str, texts: Iterable[str], shape: tuple[int, ...] | None = None) -> Tensor:
    """Texts as a tensor; a list of them unless a shape is given."""
    values = tuple(texts)
    return Tensor(name, "BYTES", (len(values),) if shape is None else shape, values)


def from_raw(name: str, datatype: str, shape: Sequence[int], raw: Buffer) -> Tensor:
    """Read a tensor from its bytes.

    Raises:
        InvalidRequest: the bytes are not of that type and shape.
    """
    if datatype == "BYTES":
        return _checked(name, shape, tuple(_texts_in(name, raw)))
    dtype = _dtype(name, datatype)
    wanted = _n_elements(name, shape) * dtype.itemsize
    if len(raw) != wanted:
        raise InvalidRequest(
            f"{name!r} has {len(raw)} bytes; {datatype} of shape {list(shape)} has {wanted}"
        )
    return _shaped(name, datatype, shape, np.frombuffer(raw, dtype))


def from_values(name: str, datatype: str, shape: Sequence[int], values: Sequence[Any]) -> Tensor:
    """Read a tensor from a list of its values in the order of the rows, flat or nested.

    Raises:
        InvalidRequest: the values are not of that type and shape.
    """
    if datatype == "BYTES":
        return _checked(name, shape, tuple(_texts_of(name, values)))
    dtype = _dtype(name, datatype)
    if not _NUMBERS.issuperset(
        map(type, _flat(values))
    ):  # NumPy makes each text as long as the longest
        raise _mixed(name, datatype)
    try:
        found = np.asarray(values)
        array = found.astype(dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise _mixed(name, datatype) from error
    if found.size and (found.dtype.kind not in _KINDS[dtype.kind] or _has_wrapped(found, array)):
        raise _mixed(name, datatype)
    if array.size != _n_elements(name, shape):
        raise _wrong_number(name, array.size, shape)
    return _shaped(name, datatype, shape, array)


_NUMBERS = frozenset({bool, int, float})
_KINDS = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}
"""What may stand in a list for a type of each kind."""


def _has_wrapped(found: NDArray[Any], array: NDArray[Any]) -> bool:
    return array.dtype.kind in "iu" and not np.array_equal(found, array)


def _mixed(name: str, datatype: str) -> InvalidRequest:
    return InvalidRequest(f"the data of {name!r} is not {datatype} throughout")


def _dtype(name: str, datatype: str) -> np.dtype[Any]:
    if datatype not in DTYPES:
        known = ", ".join((*DTYPES, "BYTES"))
        raise InvalidRequest(f"{name!r} has the datatype {datatype!r}; there are: {known}")
    return DTYPES[datatype]


def _shaped(name: str, datatype: str, shape: Sequence[int], array: NDArray[Any]) -> Tensor:
    try:
        return Tensor(name, datatype, tuple(shape), array.reshape(shape))
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"{name!r} has a shape that no array can have") from error


def _checked(name: str, shape: Sequence[int], texts: tuple[str, ...]) -> Tensor:
    if len(texts) != _n_elements(name, shape):
        raise _wrong_number(name, len(texts), shape)
    return Tensor(name, "BYTES", tuple(shape), texts)


def _n_elements(name: str, shape: Sequence[int]) -> int:
    if len(shape) > _MAX_DEPTH:  # the product of very many sizes would take minutes
        raise InvalidRequest(f"{name!r} has {len(shape)} axes, more than the limit of {_MAX_DEPTH}")
    if not all(0 <= size <= _MAX_SIZE for size in shape):
        raise InvalidRequest(
            f"{name!r} has the shape {list(shape)}; no size may be negative, or above {_MAX_SIZE}"
        )
    return prod(shape)


def _wrong_number(name: str, n_found: int, shape: Sequence[int]) -> InvalidRequest:
    return InvalidRequest(f"{name!r} has {n_found} elements, which is not its shape {list(shape)}")


def _with_lengths(texts: Iterable[str]) -> Iterator[bytes]:
    for text in texts:
        content = text.encode()
        yield len(content).to_bytes(_N_LENGTH, "little")
        yield content


def _texts_in(name: str, raw: Buffer) -> Iterator[str]:
    place = 0
    while place < len(raw):
        start = place + _N_LENGTH
        place = start + int.from_bytes(raw[place:start], "little")
        if place > len(raw):
            raise InvalidRequest(f"the bytes of {name!r} end in the middle of an element")
        yield _decoded(name, bytes(raw[start:place]))


def _texts_of(name: str, values: Sequence[Any]) -> Iterator[str]:
    for value in _flat(values):
        if isinstance(value, str):
            yield value
        elif isinstance(value, bytes):
            yield _decoded(name, value)
        else:
            raise InvalidRequest(f"{name!r} is BYTES, but an element of its data is no text")


def _flat(values: Sequence[Any]) -> Sequence[Any]:
    for _ in range(_MAX_DEPTH):
        if not any(isinstance(value, list) for value in values):
            break
        values = [
            one for value in values for one in (value if isinstance(value, list) else (value,))
        ]
    return values


def _decoded(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"an element of {name!r} is not UTF-8") from error

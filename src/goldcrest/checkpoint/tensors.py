"""Safetensors files, read lazily; the header is parsed here so that every bad tensor is named.

Format: https://huggingface.co/docs/safetensors/index#format
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldcrest.errors import TensorProblem

_BF16 = "BF16"
_DTYPES: dict[str, type[np.generic]] = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    _BF16: np.uint16,  # numpy has no bfloat16; it is the upper half of a float32
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
_FLOATS = {"F64", "F32", "F16", _BF16}
_MAX_HEADER_BYTES = 100_000_000
_LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a tensor lies: bytes ``start`` to ``end`` of ``file``."""

    file: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class Tensors(Mapping[str, NDArray[Any]]):
    """Name -> array, read from the memory-mapped files when asked for.

    Floats of any width come as float32, integers as they are. What needs no conversion is a
    read-only view of the file.
    """

    def __init__(self, stored: Mapping[str, Stored]) -> None:
        self._stored = dict(stored)
        self._maps: dict[Path, NDArray[np.uint8]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        stored = self._stored[name]
        if stored.dtype not in _DTYPES:
            raise TensorProblem(
                f"the tensor {name} in {stored.file} has the type {stored.dtype}; "
                f"readable are {', '.join(_DTYPES)}",
                (name,),
            )
        raw = self._map(stored.file)[stored.start : stored.end]
        array = raw.view(_DTYPES[stored.dtype]).reshape(stored.shape)
        return _as_float32(array, stored.dtype) if stored.dtype in _FLOATS else array

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that hold the tensors, sorted."""
        return tuple(sorted({stored.file for stored in self._stored.values()}))

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape, without reading it."""
        return self._stored[name].shape

    def is_float(self, name: str) -> bool:
        """Whether a tensor holds floats, which come as float32."""
        return self._stored[name].dtype in _FLOATS

    def _map(self, file: Path) -> NDArray[np.uint8]:
        if file not in self._maps:
            self._maps[file] = np.memmap(file, np.uint8, mode="r")
        return self._maps[file]


def open_file(file: Path) -> Tensors:
    """Open one safetensors file.

    Raises:
        TensorProblem: the file is cut short, or its header does not describe it.
    """
    return Tensors(_read_header(file))


def open_shards(index: Path) -> Tensors:
    """Open the files that a ``*.safetensors.index.json`` names.

    Raises:
        TensorProblem: as `open_file`, or a file or tensor of the index is missing.
    """
    weight_map = _weight_map(index)
    absent = sorted({file for file in weight_map.values() if not (index.parent / file).is_file()})
    if absent:
        lost = tuple(name for name, file in weight_map.items() if file in absent)
        raise TensorProblem(f"{index} names {', '.join(absent)}, which is not there", lost)
    headers = {file: _read_header(index.parent / file) for file in set(weight_map.values())}
    missing = tuple(name for name, file in weight_map.items() if name not in headers[file])
    if missing:
        raise TensorProblem(f"{index} names tensors its files lack: {_listed(missing)}", missing)
    return Tensors({name: headers[file][name] for name, file in weight_map.items()})


def _weight_map(index: Path) -> dict[str, str]:
    try:
        weight_map = json.loads(index.read_bytes())["weight_map"]
        names = {str(name): str(file) for name, file in weight_map.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TensorProblem(f"{index} is not an index of safetensors files") from error
    outside = [file for file in names.values() if Path(file).name != file]
    if outside:
        raise TensorProblem(f"{index} names {outside[0]}, which lies outside its own folder")
    return names


def _as_float32(array: NDArray[Any], dtype: str) -> NDArray[np.float32]:
    if dtype == _BF16:
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32, copy=False)


def _read_header(file: Path) -> dict[str, Stored]:
    n_bytes = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(len(_LFS_POINTER))
        if head == _LFS_POINTER:
            raise TensorProblem(f"{file} is a Git LFS pointer, not weights; run: git lfs pull")
        n_header = int.from_bytes(head[:8], "little")
        if n_bytes < 8 or n_header > min(n_bytes - 8, _MAX_HEADER_BYTES):
            raise TensorProblem(
                f"{file} has {n_bytes} bytes and no whole safetensors header; it is cut short, "
                "or not a safetensors file"
            )
        stream.seek(8)
        header = _parse(stream.read(n_header), file)
    stored = {
        name: _entry(name, fields, file=file, offset=8 + n_header)
        for name, fields in header.items()
        if name != "__metadata__"
    }
    _check_whole(stored, file=file, n_bytes=n_bytes)
    _check_apart(stored, file=file)
    return stored


def _parse(header: bytes, file: Path) -> dict[str, Any]:
    try:
        parsed = json.loads(header)
    except ValueError as error:
        raise TensorProblem(f"the header of {file} is not JSON") from error
    if not isinstance(parsed, dict):
        raise TensorProblem(f"the header of {file} is not a JSON object")
    return parsed


def _entry(name: str, fields: Any, *, file: Path, offset: int) -> Stored:
    try:
        dtype, (start, end) = str(fields["dtype"]), fields["data_offsets"]
        shape = tuple(int(size) for size in fields["shape"])
        start, end = int(start), int(end)
    except (KeyError, TypeError, ValueError) as error:
        raise TensorProblem(
            f"the header of {file} describes the tensor {name} badly: it needs dtype, shape and "
            "data_offsets",
            (name,),
        ) from error
    itemsize = np.dtype(_DTYPES[dtype]).itemsize if dtype in _DTYPES else None
    expected = end - start if itemsize is None else math.prod(shape) * itemsize
    if min(start, end - start, *shape, 0) < 0 or end - start != expected:
        raise TensorProblem(
            f"the tensor {name} in {file} is misshapen: {dtype} of shape {shape} needs {expected} "
            f"bytes, but it lies at bytes {start} to {end}",
            (name,),
        )
    return Stored(file, dtype, shape, offset + start, offset + end)


def _check_whole(stored: Mapping[str, Stored], *, file: Path, n_bytes: int) -> None:
    expected = max((tensor.end for tensor in stored.values()), default=n_bytes)
    cut = tuple(name for name, tensor in stored.items() if tensor.end > n_bytes)
    if cut:
        raise TensorProblem(
            f"{file} has {n_bytes} of the {expected} bytes that its header promises; "
            f"{len(cut)} of {len(stored)} tensors are cut off or missing: {_listed(cut)}",
            cut,
        )


def _check_apart(stored: Mapping[str, Stored], *, file: Path) -> None:
    ordered = sorted(stored.items(), key=lambda pair: (pair[1].start, pair[1].end))
    for (name, tensor), (following, after) in pairwise(ordered):
        if after.start < tensor.end:
            raise TensorProblem(
                f"the tensors {name} and {following} overlap in {file}", (name, following)
            )


def _listed(names: Sequence[str], n_shown: int = 8) -> str:
    more = f" and {len(names) - n_shown} more" if len(names) > n_shown else ""
    return ", ".join(names[:n_shown]) + more

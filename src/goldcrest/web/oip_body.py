"""Bodies of the Open Inference Protocol v2 over HTTP: JSON, and bytes behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
import orjson
from msgspec import Meta

from goldcrest.errors import InvalidRequest, MalformedRequest
from goldcrest.oip.inference import (
    VERSION,
    Question,
    Wanted,
    check_number,
    refuse_shared_memory,
)
from goldcrest.oip.tensor import Buffer, Tensor, from_raw, from_values
from goldcrest.web.response import Header, Response
from goldcrest.web.rows import flat

T = TypeVar("T")
_HEADER_LENGTH = b"inference-header-content-length"
_MAX_DIGITS = 18
"""Of a length; Python refuses to read a number of thousands."""
_BINARY = b"application/octet-stream"
_encode = msgspec.json.Encoder().encode

Parameters = Annotated[
    dict[str, Any], Meta(description="options by name; those that are not known are passed over")
]


class InputTensor(msgspec.Struct, frozen=True):
    """A tensor that is sent: its values here, or its bytes after the JSON."""

    name: str
    shape: list[int]
    datatype: Annotated[str, Meta(description="BYTES for texts; INT32 or INT64 for token ids")]
    parameters: Parameters = msgspec.field(default_factory=dict)
    data: Annotated[list[Any] | None, Meta(description="values row by row, flat or nested")] = None


class OutputWanted(msgspec.Struct, frozen=True):
    """A tensor that is asked for."""

    name: str
    parameters: Annotated[
        dict[str, Any], Meta(description="binary_data, or classification: the best of each row")
    ] = msgspec.field(default_factory=dict)


class InferRequest(msgspec.Struct, frozen=True):
    """Tensors for a model."""

    inputs: list[InputTensor]
    id: Annotated[str, Meta(description="given back as it came")] = ""
    parameters: Parameters = msgspec.field(default_factory=dict)
    outputs: Annotated[list[OutputWanted] | None, Meta(description="null: all")] = None


class OutputTensor(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tensor that is answered."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: Annotated[
        dict[str, int], Meta(description="binary_data_size, if its bytes follow the JSON")
    ] = msgspec.field(default_factory=dict)
    data: Annotated[
        msgspec.Raw | None, Meta(description="values", extra_json_schema={"type": "array"})
    ] = None


class InferReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tensors of a model."""

    model_name: str
    model_version: str
    outputs: list[OutputTensor]
    id: str = ""


class RepositoryRequest(msgspec.Struct, frozen=True):
    """What a change or a listing of the models may say."""

    ready: Annotated[bool, Meta(description="list only those that can answer")] = False
    parameters: Parameters = msgspec.field(default_factory=dict)


_infer_decoder = msgspec.json.Decoder(InferRequest)
_repository_decoder = msgspec.json.Decoder(RepositoryRequest)


def read_repository_request(body: bytes) -> RepositoryRequest:
    """Read a body that may be empty.

    Raises:
        MalformedRequest: it is not JSON.
        InvalidRequest: it is not of the shape asked for.
    """
    return _decoded(_repository_decoder, body or b"{}")


def read_question(
    body: bytes, headers: Mapping[bytes, bytes], *, model: str, version: str
) -> Question:
    """Read the body of an inference.

    Raises:
        MalformedRequest: it is not JSON, or not as long as it is said to be.
        InvalidRequest: it is not of the shape asked for.
    """
    asked, rest = _parted(body, headers.get(_HEADER_LENGTH))
    check_number(asked.inputs, asked.outputs or ())
    return Question(
        model=model,
        version=version,
        id=asked.id,
        inputs=_inputs(asked.inputs, rest),
        parameters=_merged(asked),
        outputs=tuple(Wanted.read(each.name, each.parameters) for each in asked.outputs or ()),
        is_binary=asked.parameters.get("binary_data_output") is True,
    )


def written(question: Question, tensors: Sequence[Tensor]) -> Response:
    """The reply as JSON; behind it, without a copy, what is wanted as bytes."""
    wanted = {want.name: want.is_binary for want in question.outputs}
    described, parts = [], []
    for tensor in tensors:
        if wanted.get(tensor.name, question.is_binary):
            parts.append(tensor.raw)
            described.append(_described(tensor, {"binary_data_size": len(parts[-1])}, None))
        else:
            described.append(_described(tensor, {}, _data(tensor)))
    head = _encode(InferReply(question.model, VERSION, described, question.id))
    if not parts:
        return Response(head)
    length: Header = (_HEADER_LENGTH, b"%d" % len(head))
    return Response((head, *parts), media_type=_BINARY, headers=(length,))


def _decoded(decoder: msgspec.json.Decoder[T], body: Buffer) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"the request is not of the shape asked for: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest(f"the body is not valid JSON: {error}") from error


def _parted(body: bytes, header: bytes | None) -> tuple[InferRequest, memoryview]:
    """Tell the JSON of a body from the bytes after it."""
    if header is None:
        return _decoded(_infer_decoder, body), memoryview(b"")
    length = int(header) if header.isdigit() and len(header) <= _MAX_DIGITS else -1
    if not 0 < length <= len(body):
        raise MalformedRequest(
            f"inference-header-content-length is {header.decode('latin-1')!r}; "
            f"the body has {len(body)} bytes"
        )
    whole = memoryview(body)
    return _decoded(_infer_decoder, whole[:length]), whole[length:]


def _merged(asked: InferRequest) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for each in asked.inputs:
        merged |= each.parameters
    return {**merged, **asked.parameters}


def _inputs(inputs: Sequence[InputTensor], rest: memoryview) -> tuple[Tensor, ...]:
    found = []
    for each in inputs:
        refuse_shared_memory(each.name, each.parameters)
        size = each.parameters.get("binary_data_size")
        if size is None:
            found.append(from_values(each.name, each.datatype, each.shape, each.data or []))
            continue
        if not isinstance(size, int) or not 0 <= size <= len(rest):
            raise InvalidRequest(
                f"{each.name!r} has binary_data_size {size!r}, but {len(rest)} bytes are left"
            )
        found.append(from_raw(each.name, each.datatype, each.shape, rest[:size]))
        rest = rest[size:]
    if rest:
        raise InvalidRequest(f"{len(rest)} bytes after the JSON belong to no input")
    return tuple(found)


def _described(
    tensor: Tensor, parameters: dict[str, int], data: msgspec.Raw | None
) -> OutputTensor:
    return OutputTensor(tensor.name, tensor.datatype, tensor.shape, parameters, data)


def _data(tensor: Tensor) -> msgspec.Raw:
    if isinstance(tensor.values, tuple):
        return msgspec.Raw(orjson.dumps(tensor.values))
    return flat(tensor.values)

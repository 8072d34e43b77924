"""Messages of an inference: read as a question, and written as its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from goldcrest.errors import InvalidRequest
from goldcrest.oip.inference import (
    VERSION,
    Question,
    Wanted,
    check_number,
    refuse_shared_memory,
)
from goldcrest.oip.tensor import Tensor, from_raw, from_values
from goldcrest.rpc.messages import MESSAGES
from goldcrest.serving.apart import LONG

_CONTENTS: Mapping[str, str] = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""The field that holds the values of a type; others come as bytes only."""


def read_question(request: Any) -> Question:
    """Read a ``ModelInferRequest``.

    Whoever sends values gets values; whoever sends bytes gets bytes.

    Raises:
        InvalidRequest: its inputs do not fit what is said of them.
    """
    check_number(request.inputs, request.outputs)
    parameters: dict[str, Any] = {}
    for each in request.inputs:
        parameters |= read_parameters(each.parameters)
    parameters |= read_parameters(request.parameters)
    return Question(
        model=request.model_name,
        version=request.model_version,
        id=request.id,
        inputs=tuple(_inputs(request)),
        parameters=parameters,
        outputs=tuple(
            Wanted.read(each.name, read_parameters(each.parameters)) for each in request.outputs
        ),
        is_binary=bool(request.raw_input_contents) or parameters.get("binary_data_output") is True,
    )


def read_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are set, by name."""
    chosen = (
        (name, value, value.WhichOneof("parameter_choice")) for name, value in parameters.items()
    )
    return {name: getattr(value, field) for name, value, field in chosen if field}


def written(question: Question, tensors: Sequence[Tensor]) -> Any:
    """A ``ModelInferResponse`` with these tensors."""
    response = MESSAGES["ModelInferResponse"](
        model_name=question.model, model_version=VERSION, id=question.id
    )
    for tensor in tensors:
        output = response.outputs.add(
            name=tensor.name, datatype=tensor.datatype, shape=tensor.shape
        )
        if question.is_binary:
            response.raw_output_contents.append(bytes(tensor.raw))
        else:
            contents, values = getattr(output.contents, _CONTENTS[tensor.datatype]), _values(tensor)
            for start in range(0, len(values), LONG):  # between two of them other threads may run
                contents.extend(values[start : start + LONG])
    return response


def _inputs(request: Any) -> Iterator[Tensor]:
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidRequest(
            f"there are {len(request.inputs)} inputs, but {len(raw)} raw_input_contents"
        )
    for place, each in enumerate(request.inputs):
        refuse_shared_memory(each.name, each.parameters)
        if not raw:
            yield from_values(each.name, each.datatype, list(each.shape), _contents(each))
        elif each.contents.ListFields():
            raise InvalidRequest(f"{each.name!r} has contents beside raw_input_contents")
        else:
            yield from_raw(each.name, each.datatype, list(each.shape), raw[place])


def _contents(tensor: Any) -> Sequence[Any]:
    field = _CONTENTS.get(tensor.datatype)
    return list(getattr(tensor.contents, field)) if field else []


def _values(tensor: Tensor) -> Sequence[Any]:
    if isinstance(tensor.values, tuple):
        return [text.encode() for text in tensor.values]
    values: Sequence[Any] = tensor.values.ravel().tolist()
    return values

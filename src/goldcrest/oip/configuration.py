"""A model's metadata in the words of Triton's model configuration, which its tools ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goldcrest.oip.metadata import ModelMetadata, TensorMetadata
from goldcrest.oip.tensor import DTYPES

NUMBERS: Mapping[str, int] = {
    f"TYPE_{name}": number for number, name in enumerate((*DTYPES, "STRING"), start=1)
}
"""The numbers of its types: those of the protocol in their order, then texts."""


def configuration(model: ModelMetadata) -> dict[str, Any]:
    """Describe a model; a batch is the first axis of its tensors, so Triton's own stays unset."""
    return {
        "name": model.name,
        "platform": model.platform,
        "backend": model.platform,
        "max_batch_size": 0,
        "input": _tensors(model.inputs),
        "output": _tensors(model.outputs),
    }


def _tensors(tensors: Sequence[TensorMetadata]) -> list[dict[str, Any]]:
    return [
        {"name": each.name, "data_type": _type(each.datatype), "dims": list(each.shape)}
        for each in tensors
    ]


def _type(datatype: str) -> str:
    return "TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}"

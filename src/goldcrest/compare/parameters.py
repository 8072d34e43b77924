"""How large a model is: its parameters, and the bytes that a machine needs to run it."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from goldcrest.artifact import MANIFEST, Artifact
from goldcrest.errors import ArtifactCorrupt

_SCALED = ("QuantizeLinear", "DequantizeLinear")


def artifact_bytes(artifact: Artifact, variant: str) -> int:
    """The size of what a machine needs to run a variant: its graph, the tokenizer, the manifest."""
    manifest = artifact.manifest
    manifest_bytes = (artifact.folder / MANIFEST).stat().st_size
    return manifest_bytes + manifest.tokenizer.n_bytes + manifest.variants[variant].n_bytes


def n_parameters(graph: Path) -> int:
    """The numbers in a graph that training set: its weights, each counted once.

    Constants of the arithmetic are left out, and so is what quantising added: scales and zero
    points.

    Raises:
        ArtifactCorrupt: it is not a graph.
    """
    import onnx

    try:
        model = onnx.load(graph)
    except Exception as error:  # onnx lets protobuf's own errors through
        raise ArtifactCorrupt(f"{graph} cannot be read as ONNX: {error}", graph.name) from error
    kinds = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.INT8}
    added = set(_added(model.graph))
    return sum(
        prod(stored.dims)
        for stored in model.graph.initializer
        if stored.data_type in kinds and stored.dims and stored.name not in added
    )


def _added(graph: Any) -> Iterator[str]:
    """The names of scales and zero points: of weights, of activations, and of the token table."""
    for node in graph.node:
        if node.op_type in _SCALED:
            yield from node.input[1:]
    yield from (stored.name for stored in graph.initializer if stored.name.endswith("scale"))

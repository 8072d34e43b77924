"""Further variants of an artifact, made from the float graph that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from goldcrest.artifact import Artifact
from goldcrest.compile.calibration import encodings_for, packed_grids
from goldcrest.errors import NoVariant
from goldcrest.models.resolve import FAMILIES
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.values import Grid, Item


def float_file(artifact: Artifact) -> Path:
    """The file of an artifact's f32 graph.

    Raises:
        ArtifactCorrupt: it is not what the manifest says.
        NoVariant: there is none.
    """
    if "f32" not in artifact.manifest.variants:
        raise NoVariant(
            f"{artifact.folder} has no f32 graph to make others from, or to compare them with; "
            "give the checkpoint that it was made from"
        )
    artifact.verify("f32")
    return artifact.variant("f32")


def read_graph(file: Path) -> Any:
    """Read a graph from its file."""
    import onnx

    return onnx.load(file)


def write_graph(model: Any, file: Path) -> Path:
    """Write a graph into a file, and return that."""
    import onnx

    onnx.save(model, file)
    return file


def int8_refusal(artifact: Artifact) -> str:
    """Why INT8 does not suit the artifact's family, as a sentence; empty where it does."""
    return FAMILIES[artifact.manifest.family].int8_refusal


def tokenizer_of(artifact: Artifact) -> Tokenizer:
    """The artifact's tokenizer, for its graph."""
    manifest = artifact.manifest
    return Tokenizer.load(
        artifact.tokenizer,
        max_length=manifest.max_length,
        has_token_types=manifest.has_token_types,
    )


def grids_of(artifact: Artifact, tokenizer: Tokenizer, items: Sequence[Item]) -> list[Grid]:
    """Full grids of items, as the artifact's task sees them; for an embedder, texts alone."""
    manifest = artifact.manifest
    encodings = encodings_for(manifest.task, tokenizer, items, mask=manifest.mask_token)
    return packed_grids(encodings)

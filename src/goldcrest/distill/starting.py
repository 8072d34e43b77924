"""The weights that a student begins with: alternate layers, tables cut or projected; arrays alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from goldcrest.distill.batches import Indices
from goldcrest.distill.shapes import mirrored
from goldcrest.models import Encoder, Spec
from goldcrest.models.family import Family
from goldcrest.names import Readable
from goldcrest.values import Floats

_HEADED = ("query", "key", "value", "output")

Tensors = dict[str, Floats]


def first_weights(student: Spec, begins: Encoder, kept: Indices | None) -> Tensors:
    """The encoder's first weights under our names; what is not there begins at random.

    Where the widths agree, embeddings and alternate layers are copied. Else the tables of tokens
    and positions are projected onto the directions in which the tokens vary most.

    Args:
        student: its sizes.
        begins: the checkpoint it begins from.
        kept: *Shape:* ``(n_tokens,)``; the rows of the token table that it keeps; None for all.
    """
    tables = _tables(student, begins, kept)
    if student.width != begins.spec.width:
        return _projected(tables, student.width)
    shapes, copied = student.shapes(), dict(tables)
    layers = mirrored(student.n_layers, begins.spec.n_layers)
    keeps_heads = student.n_heads == begins.spec.n_heads
    for name, shape in shapes.items():
        source = _source(name, layers)
        if name in tables or source not in begins.weights:
            continue
        if not keeps_heads and name.split(".")[-2] in _HEADED:
            continue
        array = begins.weights[source]
        if array.shape == shape:
            copied[name] = array
    return copied


def _source(name: str, layers: Sequence[int]) -> str:
    """The teacher's name for what a student's tensor is copied from."""
    if not name.startswith("layer."):
        return name
    _, number, rest = name.split(".", 2)
    return f"layer.{layers[int(number)]}.{rest}"


def _tables(student: Spec, begins: Encoder, kept: Indices | None) -> Tensors:
    weights = begins.weights
    tokens = weights["embed.tokens.weight"]
    positions = weights["embed.positions.weight"][: student.max_positions]
    types = weights["embed.types.weight"] if begins.spec.n_token_types > 1 else None
    tables = {"embed.tokens.weight": tokens if kept is None else tokens[kept]}
    if student.n_token_types:
        zeros = np.zeros((student.n_token_types, tokens.shape[1]), np.float32)
        tables["embed.types.weight"] = zeros if types is None else types[: student.n_token_types]
    elif types is not None:  # with one segment, BERT adds the same vector everywhere
        positions = positions + types[0]
    return tables | {"embed.positions.weight": positions}


def _projected(tables: Tensors, width: int) -> Tensors:
    tokens = tables["embed.tokens.weight"]
    if width > tokens.shape[1]:
        return {}
    basis = principal(tokens, width)
    return {name: table @ basis for name, table in tables.items()}


def principal(vectors: Floats, n: int) -> Floats:
    """The directions in which vectors are longest, without moving their centre.

    Projected onto all of them, vectors keep their dot products; onto the first ``n``, as much of
    them as any rotation and cut can keep.

    Returns:
        *Shape:* ``(width, n)``; orthonormal columns.
    """
    products = vectors.T.astype(np.float64) @ vectors.astype(np.float64)
    _, directions = np.linalg.eigh(products)  # from the smallest to the largest
    return np.ascontiguousarray(directions[:, ::-1][:, :n], dtype=np.float32)


def head_weights(
    family: Family, begins: Encoder, config: Mapping[str, Any], kept: Indices | None
) -> Tensors:
    """The weights of the head that the student can take over, under our names with the task."""
    same_family = begins.family.model_type == family.model_type
    labels = config.get("id2label") or {}
    same_labels = labels == _id2label(begins, len(labels))
    taken = {}
    for name in begins.weights:
        task, _, rest = name.partition(".")
        if task == "classify" and same_family and (same_labels or not rest.startswith("output")):
            taken[name] = begins.weights[name]
        elif task == "fill" and not rest.startswith("decoder.weight"):
            array = begins.weights[name]
            sliced = kept is not None and rest == "decoder.bias"
            taken[name] = array[kept] if sliced else array
    return taken


def _id2label(begins: Encoder, n_outputs: int) -> dict[str, str]:
    """The names of its outputs; those that transformers gives where it names none."""
    stated = begins.checkpoint.config.get("id2label")
    if isinstance(stated, Mapping) and stated:
        return {str(k): str(v) for k, v in stated.items()}
    return {str(index): f"LABEL_{index}" for index in range(n_outputs)}


def their_names(
    family: Family, config: Mapping[str, Any], task: Readable, ours: Tensors
) -> Tensors:
    """The tensors under the names that transformers gives them in a model with that head."""
    prefix = "" if task == "embed" else family.prefix
    names = family.encoder_names(family.read_spec(config))
    found = {prefix + names[name]: array for name, array in ours.items() if name in names}
    for name, theirs in family.head_names().items():
        if name in ours and name.startswith(f"{task}."):
            placed = family.prefix + theirs[0] if theirs[0].startswith("pooler") else theirs[0]
            found[placed] = ours[name]
    return found

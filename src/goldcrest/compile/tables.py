"""The table of tokens in INT8, a scale per token; it is looked up, never multiplied."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from goldcrest.errors import QuantizeFailed
from goldcrest.values import Floats

TABLE = "embed.tokens.weight"


def narrow_table(graph: Any, name: str) -> None:
    """Store a table of a graph as INT8 rows, each with a scale, wherever the graph gathers it.

    Args:
        graph: changed in place.
        name: of the initializer; what gathers it goes on to see f32 rows.
    """
    table = next(stored for stored in graph.initializer if stored.name == name)
    rows, scales = quantized_rows(numpy_helper.to_array(table))
    graph.initializer.remove(table)
    graph.initializer.append(numpy_helper.from_array(rows, name))
    graph.initializer.append(numpy_helper.from_array(scales, f"{name}.scale"))
    nodes: list[Any] = []
    for node in graph.node:
        is_lookup = node.op_type == "Gather" and node.input[0] == name
        if name in node.input and not is_lookup:
            raise QuantizeFailed(f"{node.op_type} reads {name} too, which only a lookup may")
        nodes.extend(_gather_and_scale(node) if is_lookup else [node])
    del graph.node[:]
    graph.node.extend(nodes)


def quantized_rows(table: Floats) -> tuple[Any, Floats]:
    """Quantise each row to INT8 by its own largest value.

    Returns:
        The rows as int8, and their scales, *Shape:* ``(n_rows, 1)``.
    """
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12) / 127
    return np.rint(table / scales).astype(np.int8), scales.astype(np.float32)


def _gather_and_scale(node: Any) -> list[Any]:
    table, ids = node.input
    (out,) = node.output
    return [
        helper.make_node("Gather", [table, ids], [f"{out}.int8"], f"{node.name}.int8"),
        helper.make_node("Gather", [f"{table}.scale", ids], [f"{out}.scale"], f"{node.name}.scale"),
        helper.make_node(
            "Cast", [f"{out}.int8"], [f"{out}.wide"], f"{node.name}.wide", to=onnx.TensorProto.FLOAT
        ),
        helper.make_node("Mul", [f"{out}.wide", f"{out}.scale"], [out], node.name),
    ]


def copied(model: Any) -> Any:
    """A model of its own."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy

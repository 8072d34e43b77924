"""INT8 by NNCF: the same graph with quantise-dequantise nodes and static scales.

Static scales make an answer independent of its neighbours in the batch. Weights are quantised per
channel, to seven bits: without VNNI, processors add pairs of 8-bit products in 16 bits, and eight
bits of weight could overflow there. The token table is quantised here, with a scale per token:
NNCF would dequantise the whole table before it is read, which runtimes then keep in f32.

The head is quantised too. On random DistilBERTs and BERTs, f32 there left the error of labels as it
was; for the scores of a vocabulary of 30,522 tokens it took away 8 % of the error and cost 2 ms a
grid on two cores, and 10 ms with many masks.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from goldcrest.errors import QuantizeFailed
from goldcrest.values import Floats, Grid, Ints

TABLE = "embed.tokens.weight"
N_GRIDS = 64
"""Grids that are run: some 30,000 tokens, past which the ranges no longer move."""


def quantize(model: Any, grids: Sequence[Grid]) -> Any:
    """Quantise an ONNX model.

    Args:
        model: the f32 graph.
        grids: inputs to calibrate on; the first `N_GRIDS` of them are used.

    Returns:
        An ONNX model with the same inputs and outputs.

    Raises:
        QuantizeFailed: NNCF is not installed, there is nothing to calibrate on, or it fails.
    """
    if not grids:
        raise QuantizeFailed("INT8 needs at least one text to calibrate on, and there is none")
    nncf = _nncf()
    names = [port.name for port in model.graph.input]
    narrow = _copied(model)
    narrow_table(narrow.graph, TABLE)
    feeds = [_feed(grid, names) for grid in grids[:N_GRIDS]]
    try:
        return nncf.quantize(
            narrow,
            nncf.Dataset(feeds),
            model_type=nncf.ModelType.TRANSFORMER,
            target_device=nncf.TargetDevice.CPU,
            subset_size=len(feeds),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                overflow_fix=nncf.OverflowFix.ENABLE
            ),
        )
    except (RuntimeError, ValueError, nncf.ValidationError, nncf.InternalError) as error:
        raise QuantizeFailed(f"NNCF could not quantise the graph: {error}") from error


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


def _copied(model: Any) -> Any:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def _feed(grid: Grid, names: Sequence[str]) -> dict[str, Ints]:
    return {name: np.ascontiguousarray(getattr(grid, name)) for name in names}


def _nncf() -> Any:
    try:
        import nncf
        import onnxruntime  # noqa: F401  # NNCF runs the calibration with it
    except ImportError as error:
        raise QuantizeFailed(
            "INT8 needs NNCF and ONNX Runtime: pip install 'goldcrest[optimize]'"
        ) from error
    logging.getLogger("nncf").setLevel(logging.ERROR)
    return nncf

"""INT8 weights alone: the same graph with its matrices stored in eight bits, a scale per output.

It needs no texts and no NNCF. Activations stay in float in the graph; the engine quantises them on
the fly, token by token, where the processor multiplies eight-bit numbers fast, and widens the weights
elsewhere.
"""

from __future__ import annotations

from typing import Any

from onnx import helper, numpy_helper

from goldcrest.compile.tables import TABLE, copied, narrow_table, quantized_rows


def narrow_weights(model: Any) -> Any:
    """Store the token table and every matrix of linear layers as INT8.

    Args:
        model: the f32 graph; is left as it is.

    Returns:
        An ONNX model with the same inputs and outputs.
    """
    narrow = copied(model)
    narrow_table(narrow.graph, TABLE)
    matrices = _matrices(narrow.graph)
    widen = {name: _narrow(narrow.graph, matrices[name]) for name in matrices}
    nodes: list[Any] = []
    for node in narrow.graph.node:
        if _is_linear(node, matrices):
            matrix = node.input[1]
            if (first := widen.pop(matrix, None)) is not None:  # those that share it, share this
                nodes.append(first)
            node.input[1] = f"{matrix}.wide"
        nodes.append(node)
    del narrow.graph.node[:]
    narrow.graph.node.extend(nodes)
    return narrow


def _matrices(graph: Any) -> dict[str, Any]:
    stored = {tensor.name: tensor for tensor in graph.initializer if len(tensor.dims) == 2}
    return {node.input[1]: stored[node.input[1]] for node in graph.node if _is_linear(node, stored)}


def _is_linear(node: Any, matrices: dict[str, Any]) -> bool:
    return node.op_type == "MatMul" and node.input[1] in matrices


def _narrow(graph: Any, tensor: Any) -> Any:
    """Store one matrix as INT8, and return the node that widens it."""
    name = tensor.name
    columns, scales = quantized_rows(numpy_helper.to_array(tensor).T)
    graph.initializer.remove(tensor)
    graph.initializer.append(numpy_helper.from_array(columns.T.copy(), f"{name}.int8"))
    graph.initializer.append(numpy_helper.from_array(scales.ravel(), f"{name}.scale"))
    return helper.make_node(
        "DequantizeLinear",
        [f"{name}.int8", f"{name}.scale"],
        [f"{name}.wide"],
        f"{name}.wide",
        axis=1,
    )

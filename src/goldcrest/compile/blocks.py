"""The blocks of a graph, each of which can be quantised or stay in float.

A block is a linear layer and what follows up to the next one; queries, keys and values are one block
with the attention between them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

Blocks = Mapping[str, frozenset[str]]
"""The name of a block, such as ``layer.0.expand`` -> the names of its nodes."""

_PROJECTION = re.compile(r"\.(query|key|value)$")


def blocks(model: Any) -> Blocks:
    """The blocks of a float graph, in the order in which they run.

    What stands before the first linear layer is in none: tables are only looked up. Layers that
    share their weights share their blocks.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    found: dict[str, set[str]] = {}
    current: set[str] | None = None
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            layer = node.input[1].removesuffix(".weight")
            current = found.setdefault(_PROJECTION.sub(".attention", layer), set())
        if current is not None:
            current.add(node.name)
    return {name: frozenset(nodes) for name, nodes in found.items()}


def restored(quantised: Any, model: Any, names: Collection[str]) -> Any:
    """Put blocks of a quantised graph back into float, with the weights that they had.

    Quantising leaves the names of nodes and of what they put out, so a node becomes what it was by
    reading what it read.

    Args:
        quantised: what became of ``model``; is left as it is.
        model: the float graph.
        names: of `blocks`.

    Raises:
        KeyError: the graph has no block of such a name.
    """
    there = blocks(model)
    chosen = frozenset[str]().union(*(there[name] for name in names))
    inputs = {node.name: list(node.input) for node in model.graph.node if node.name in chosen}
    read = {name for names in inputs.values() for name in names}
    mixed = type(quantised)()
    mixed.CopyFrom(quantised)
    for node in mixed.graph.node:
        if node.name in inputs:
            node.input[:] = inputs[node.name]
    original = [tensor for tensor in model.graph.initializer if tensor.name in read]
    replaced = {tensor.name for tensor in original}
    others = [tensor for tensor in mixed.graph.initializer if tensor.name not in replaced]
    prune(mixed.graph, [*others, *original])
    return mixed


def prune(graph: Any, tensors: list[Any]) -> None:
    """Leave out of a graph whatever its outputs do not need.

    Args:
        graph: changed in place.
        tensors: the initializers that it may read.
    """
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    nodes, stored = kept[::-1], [tensor for tensor in tensors if tensor.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(stored)

"""A forward and its weights as an ONNX graph with packed inputs.

Inputs, all int32: ``input_ids``, ``positions``, ``owners`` and, for specs that have them,
``token_types``, each ``(rows, width)``; and ``picks``, ``(n,)``, where the readout reads single
states. Outputs, float32: ``logits`` ``(n, n_labels)``, or ``states`` ``(n or slots, features)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from goldcrest.models.encoder import Activation, Inputs, Spec, encode
from goldcrest.models.readout import Readout, read_out
from goldcrest.models.resolve import Encoder
from goldcrest.values import Floats

OPSET = 20  # the first with Gelu
_IR_VERSION = 9  # what that opset came with, so that older runtimes read the file
_FAR = -1e4  # far below any score; exp of it is 0 even beside the lowest ones
_ACTIVATIONS: dict[Activation, tuple[str, dict[str, str]]] = {
    "gelu": ("Gelu", {"approximate": "none"}),
    "gelu_tanh": ("Gelu", {"approximate": "tanh"}),
    "relu": ("Relu", {}),
    "tanh": ("Tanh", {}),
}


class OnnxOps:
    """Writes each operation into a graph; its values are the names of tensors there.

    Args:
        graph: written to in place, for copying a graph copies its weights.
        weights: our name -> array; read once each, when first used.
    """

    def __init__(self, graph: Any, weights: Mapping[str, Floats]) -> None:
        self._graph, self._weights = graph, weights
        self._constants: set[str] = set()
        self._masks: dict[str, str] = {}
        self._n_values = 0

    def embed(self, table: str, ids: str) -> str:
        name = f"{table}.weight"
        return self._emit("Gather", self._constant(name, self._weights[name]), ids, called=table)

    def add(self, left: str, right: str) -> str:
        return self._emit("Add", left, right)

    def linear(self, states: str, name: str, scale: float = 1.0) -> str:
        weight, bias = self._weights[f"{name}.weight"].T, self._weights[f"{name}.bias"]
        if scale != 1.0:
            weight, bias = weight * np.float32(scale), bias * np.float32(scale)
        product = self._emit("MatMul", states, self._constant(f"{name}.weight", weight))
        return self._emit("Add", product, self._constant(f"{name}.bias", bias), called=name)

    def norm(self, states: str, name: str, eps: float) -> str:
        parts = [
            self._constant(f"{name}.{part}", self._weights[f"{name}.{part}"])
            for part in ("weight", "bias")
        ]
        return self._emit(
            "LayerNormalization", states, *parts, called=name, attributes={"epsilon": eps}
        )

    def activate(self, states: str, kind: Activation) -> str:
        if kind == "silu":
            return self._emit("Mul", states, self._emit("Sigmoid", states))
        operation, attributes = _ACTIVATIONS[kind]
        return self._emit(operation, states, attributes=attributes)

    def attention(
        self, query: str, key: str, value: str, *, owners: str, heads: tuple[int, int]
    ) -> str:
        split = [self._reshape(states, (0, 0, *heads)) for states in (query, key, value)]
        keys = self._emit("Transpose", split[1], attributes={"perm": [0, 2, 3, 1]})
        others = [
            self._emit("Transpose", states, attributes={"perm": [0, 2, 1, 3]})
            for states in (split[0], split[2])
        ]
        scores = self._emit("Add", self._emit("MatMul", others[0], keys), self._mask(owners))
        shares = self._emit("Softmax", scores, attributes={"axis": -1})
        mixed = self._emit("MatMul", shares, others[1])
        joined = self._emit("Transpose", mixed, attributes={"perm": [0, 2, 1, 3]})
        return self._reshape(joined, (0, 0, heads[0] * heads[1]))

    def flatten(self, states: str, features: int) -> str:
        return self._reshape(states, (-1, features))

    def gather(self, states: str, picks: str) -> str:
        return self._emit("Gather", states, picks)

    def name_output(self, value: str, name: str) -> None:
        """Give a value the name under which a graph puts it out."""
        self._graph.node.append(helper.make_node("Identity", [value], [name], name=name))

    def _mask(self, owners: str) -> str:
        """What is added to the scores: 0 where two slots have one owner, else far below them."""
        if owners not in self._masks:
            one, two = self._integers((1,)), self._integers((2,))
            pairs = [self._emit("Unsqueeze", owners, axis) for axis in (two, one)]
            same = self._emit("Unsqueeze", self._emit("Equal", *pairs), one)
            near = self._constant("mask.same", np.float32(0))
            far = self._constant("mask.other", np.float32(_FAR))
            self._masks[owners] = self._emit("Where", same, near, far, called="mask")
        return self._masks[owners]

    def _reshape(self, states: str, shape: tuple[int, ...]) -> str:
        return self._emit("Reshape", states, self._integers(shape))

    def _integers(self, numbers: tuple[int, ...]) -> str:
        return self._constant(f"integers.{'_'.join(map(str, numbers))}", np.array(numbers))

    def _constant(self, name: str, array: NDArray[Any] | np.generic) -> str:
        if name in self._constants:
            return name
        self._constants.add(name)
        tensor = self._graph.initializer.add()
        tensor.name = name
        tensor.data_type = helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor.dims.extend(array.shape)
        tensor.raw_data = array.tobytes()  # row by row, whatever the order in memory
        return name

    def _emit(
        self,
        operation: str,
        *inputs: str,
        called: str = "",
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        self._n_values += 1
        name = called or f"{operation.lower()}.{self._n_values}"
        node = helper.make_node(operation, inputs, [name], name=name, **(attributes or {}))
        self._graph.node.append(node)
        return name


def input_names(spec: Spec, readout: Readout) -> tuple[str, ...]:
    """The inputs that the graph of this encoder and readout takes, in order."""
    names = ["input_ids", "positions", "owners"]
    names += ["token_types"] if spec.has_token_types else []
    names += ["picks"] if readout.uses_picks else []
    return tuple(names)


def build(encoder: Encoder, readout: Readout) -> onnx.ModelProto:
    """Write an encoder and a readout as one float32 graph.

    Args:
        encoder: as `goldcrest.models.resolve` returns it.
        readout: as `goldcrest.models.readout_of` returns it.

    Returns:
        A model of less than 2 GiB, which holds a copy of every weight.

    Raises:
        TensorProblem: a tensor has a type that cannot be read.
    """
    model = onnx.ModelProto(ir_version=_IR_VERSION, producer_name="goldcrest")
    model.opset_import.append(helper.make_opsetid("", OPSET))
    graph, names = model.graph, input_names(encoder.spec, readout)
    graph.name = encoder.family.model_type
    ops = OnnxOps(graph, encoder.weights)
    states = encode(
        ops,
        encoder.spec,
        Inputs(
            "input_ids", "positions", "owners", "token_types" if "token_types" in names else None
        ),
    )
    result = read_out(
        ops, encoder, readout, states=states, picks="picks" if "picks" in names else None
    )
    ops.name_output(result, readout.output)
    _declare(graph, names=names, readout=readout, width=encoder.spec.width)
    return model


def _declare(graph: Any, *, names: tuple[str, ...], readout: Readout, width: int) -> None:
    for name in names:
        shape = ["n_picks"] if name == "picks" else ["rows", "width"]
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.INT32, shape))
    n_states = "n_picks" if readout.uses_picks else "n_slots"
    features = len(readout.labels) if readout.task == "classify" else width
    graph.output.append(
        helper.make_tensor_value_info(readout.output, TensorProto.FLOAT, [n_states, features])
    )

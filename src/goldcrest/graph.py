"""A forward and its weights as an ONNX graph with packed inputs.

Inputs, all int32: ``input_ids``, ``positions``, ``owners`` and, for specs that have them,
``token_types``, each ``(rows, width)``; and ``picks``, ``(n,)``, where the readout reads single
states. Output, float32: ``logits`` or ``states``, ``(n or slots, features)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from goldcrest.models.encoder import Activation, Inputs, Spec, encode
from goldcrest.models.readout import Readout, read_out
from goldcrest.models.resolve import Encoder
from goldcrest.values import Floats, Ints

OPSET = 20  # the first with Gelu
_IR_VERSION = 9  # what that opset came with, so that older runtimes read the file
_FAR = -1e30  # far below any score, even those of models without normalisation
_END = 2**31 - 1  # of any row
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
        self._values: set[str] = set()
        self._masks: dict[tuple[str, str | None], str] = {}
        self._n_values = 0

    def embed(self, table: str, ids: str) -> str:
        return self._emit("Gather", self._weight(f"{table}.weight"), ids, called=table)

    def add(self, left: str, right: str) -> str:
        return self._emit("Add", left, right)

    def linear(self, states: str, name: str, scale: float = 1.0) -> str:
        def prepare(array: Floats) -> Floats:
            return array.T if scale == 1.0 else array.T * np.float32(scale)

        product = self._emit("MatMul", states, self._weight(f"{name}.weight", prepare))
        return self._emit("Add", product, self._weight(f"{name}.bias", prepare), called=name)

    def norm(self, states: str, name: str, eps: float) -> str:
        parts = [self._weight(f"{name}.{part}") for part in ("weight", "bias")]
        return self._emit(
            "LayerNormalization", states, *parts, called=name, attributes={"epsilon": eps}
        )

    def affine(self, states: str, name: str) -> str:
        scaled = self._emit("Mul", states, self._weight(f"{name}.weight"))
        return self._emit("Add", scaled, self._weight(f"{name}.bias"), called=name)

    def activate(self, states: str, kind: Activation) -> str:
        if kind == "silu":
            return self._emit("Mul", states, self._emit("Sigmoid", states))
        operation, attributes = _ACTIVATIONS[kind]
        return self._emit(operation, states, attributes=attributes)

    def join(self, parts: Sequence[str]) -> str:
        return self._emit("Concat", *parts, attributes={"axis": -1})

    def shift(self, states: str, by: int, *, owners: str) -> str:
        moved = self._moved(states, by, fill=np.float32(0))
        same = self._emit("Equal", self._moved(owners, by, fill=np.int32(-1)), owners)
        nothing = self._constant("nothing", np.float32(0))
        return self._emit(
            "Where", self._emit("Unsqueeze", same, self._integers((-1,))), moved, nothing
        )

    def attention(
        self,
        query: str,
        key: str,
        value: str,
        *,
        owners: str,
        heads: tuple[int, int],
        bias: str | None,
    ) -> str:
        split = [self._reshape(states, (0, 0, *heads)) for states in (query, key, value)]
        keys = self._emit("Transpose", split[1], attributes={"perm": [0, 2, 3, 1]})
        others = [
            self._emit("Transpose", states, attributes={"perm": [0, 2, 1, 3]})
            for states in (split[0], split[2])
        ]
        scores = self._emit("Add", self._emit("MatMul", others[0], keys), self._mask(owners, bias))
        shares = self._emit("Softmax", scores, attributes={"axis": -1})
        mixed = self._emit("MatMul", shares, others[1])
        joined = self._emit("Transpose", mixed, attributes={"perm": [0, 2, 1, 3]})
        return self._reshape(joined, (0, 0, heads[0] * heads[1]))

    def distance_bias(self, table: str, positions: str, rows: Ints) -> str:
        column, row = self._pairs(positions)
        distances = self._emit("Sub", row, column)
        indices = self._emit("Add", distances, self._constant("nearest", np.int32(len(rows) // 2)))
        by_distance = self._weight(f"{table}.weight", lambda array: array[rows].T)
        bias = self._emit("Gather", by_distance, indices, attributes={"axis": 1})
        return self._emit("Transpose", bias, attributes={"perm": [1, 0, 2, 3]}, called=table)

    def flatten(self, states: str, features: int) -> str:
        return self._reshape(states, (-1, features))

    def gather(self, states: str, picks: str) -> str:
        return self._emit("Gather", states, picks)

    def name_output(self, value: str, name: str) -> None:
        """Give a value the name under which a graph puts it out."""
        self._graph.node.append(helper.make_node("Identity", [value], [name], name=name))

    def _mask(self, owners: str, bias: str | None) -> str:
        """What is added to the scores: the bias where two slots have one owner, else far below."""
        if (owners, bias) not in self._masks:
            pairs = self._pairs(owners)
            same = self._emit("Unsqueeze", self._emit("Equal", *pairs), self._integers((1,)))
            near = bias or self._constant("mask.same", np.float32(0))
            far = self._constant("mask.other", np.float32(_FAR))
            self._masks[owners, bias] = self._emit("Where", same, near, far, called="mask")
        return self._masks[owners, bias]

    def _pairs(self, slots: str) -> tuple[str, str]:
        """The slots of a row as a column and as a row, for what stands between each two."""
        column, row = (self._emit("Unsqueeze", slots, self._integers((axis,))) for axis in (2, 1))
        return column, row

    def _moved(self, slots: str, by: int, *, fill: np.generic) -> str:
        """Each row, its slots moved to ``by`` places before, and filled up where it ends."""
        rest = (0,) * (0 if fill.dtype == np.int32 else 1)
        pads = self._integers((0, max(-by, 0), *rest, 0, max(by, 0), *rest))
        padded = self._emit("Pad", slots, pads, self._constant(f"fill.{fill.dtype}", fill))
        start, end = (by, _END) if by > 0 else (0, by)
        bounds = (self._integers((number,)) for number in (start, end, 1))
        return self._emit("Slice", padded, *bounds)

    def _reshape(self, states: str, shape: tuple[int, ...]) -> str:
        return self._emit("Reshape", states, self._integers(shape))

    def _integers(self, numbers: tuple[int, ...]) -> str:
        return self._constant(f"integers.{'_'.join(map(str, numbers))}", np.array(numbers))

    def _weight(self, name: str, prepare: Callable[[Floats], Floats] = lambda array: array) -> str:
        """A weight, stored once however often it is used."""
        if name in self._constants:
            return name
        return self._constant(name, prepare(self._weights[name]))

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
        name = called or operation.lower()
        if not called or name in self._values:  # a layer that runs again
            name = f"{name}.{self._n_values}"
        self._values.add(name)
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
    _declare(graph, names=names, readout=readout)
    return model


def _declare(graph: Any, *, names: tuple[str, ...], readout: Readout) -> None:
    for name in names:
        shape = ["n_picks"] if name == "picks" else ["rows", "width"]
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.INT32, shape))
    n_states = "n_picks" if readout.uses_picks else "n_slots"
    graph.output.append(
        helper.make_tensor_value_info(readout.output, TensorProto.FLOAT, [n_states, readout.width])
    )

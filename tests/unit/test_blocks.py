"""Graphs in part quantised: blocks that go back to float, and weights alone in INT8."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from tests.graphs import Graph, opened, random_encodings

from goldcrest.compile.blocks import blocks, restored
from goldcrest.compile.weights import narrow_weights
from goldcrest.graph import build
from goldcrest.models import Encoder, Readout
from goldcrest.testing import random_checkpoint
from goldcrest.testing.checkpoint import FamilyName
from goldcrest.testing.grid import scattered
from goldcrest.values import Floats

FAMILIES: tuple[FamilyName, ...] = ("distilbert", "bert", "albert", "mpnet", "mobilebert")


class Subject:
    """A random encoder, its graph, and what the graph says of some texts."""

    def __init__(self, folder: Path, family: FamilyName) -> None:
        self.encoder, self.readout = self._opened(folder, family)
        self.model = build(self.encoder, self.readout)
        encodings = random_encodings(self.encoder, [3, 9, 17, 30])
        self._grid = scattered(encodings, np.random.default_rng(0))
        self.expected = self.outputs(self.model)

    def outputs(self, model: Any) -> Floats:
        onnx.checker.check_model(model)
        return Graph(model, self.readout).raw(self._grid)

    def error(self, model: Any) -> float:
        """In standard deviations of what the float graph says."""
        off = np.abs(self.outputs(model) - self.expected).max()
        return float(off / self.expected.std())

    @staticmethod
    def _opened(folder: Path, family: FamilyName) -> tuple[Encoder, Readout]:
        return opened(random_checkpoint(folder, family=family, n_labels=5))


@pytest.fixture(params=FAMILIES)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    return Subject(tmp_path / "checkpoint", request.param)


def test_every_node_from_the_first_linear_layer_on_is_in_one_block(subject: Subject) -> None:
    found = Counter(name for nodes in blocks(subject.model).values() for name in nodes)

    names = [node.name for node in subject.model.graph.node]
    first = min(names.index(name) for name in found)
    assert dict.fromkeys(names[first:], 1) == dict(found)


def test_attention_is_one_block_with_its_projections(tmp_path: Path) -> None:
    names = list(blocks(Subject(tmp_path, "distilbert").model))

    assert ["layer.0.attention", "layer.0.output", "layer.0.expand", "layer.0.contract"] == names[
        :4
    ]


def test_weights_alone_in_int8_stay_near_f32(subject: Subject) -> None:
    assert 0.0 < subject.error(narrow_weights(subject.model)) < 0.2


def test_every_matrix_is_stored_in_eight_bits_once(subject: Subject) -> None:
    stored = narrow_weights(subject.model).graph.initializer

    wide = [t.name for t in stored if len(t.dims) == 2 and t.data_type == onnx.TensorProto.FLOAT]
    assert [] == [
        name
        for name in wide
        if ".positions" not in name
        and ".types" not in name
        and not name.endswith(".scale")
        and "distances" not in name
    ]
    assert len(stored) == len({tensor.name for tensor in stored})


def test_the_graph_that_is_narrowed_is_left_as_it_was(subject: Subject) -> None:
    before = subject.model.SerializeToString()

    narrow_weights(subject.model)

    assert before == subject.model.SerializeToString()


def test_with_all_blocks_restored_only_the_table_of_tokens_is_rounded(subject: Subject) -> None:
    narrow = narrow_weights(subject.model)

    whole = restored(narrow, subject.model, list(blocks(subject.model)))

    assert subject.error(whole) < subject.error(narrow)
    assert not [node for node in whole.graph.node if node.op_type == "DequantizeLinear"]


def test_what_a_restored_block_no_longer_reads_is_gone(subject: Subject) -> None:
    narrow, (first, *_) = narrow_weights(subject.model), blocks(subject.model)

    mixed = restored(narrow, subject.model, [first])

    names = {tensor.name for tensor in mixed.graph.initializer}
    read = {name for node in mixed.graph.node for name in node.input}
    assert names <= read
    assert subject.error(mixed) > 0.0


def test_a_block_that_is_not_there_is_an_error(subject: Subject) -> None:
    with pytest.raises(KeyError):
        restored(narrow_weights(subject.model), subject.model, ["layer.99.expand"])

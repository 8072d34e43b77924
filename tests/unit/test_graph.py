"""The graph: well formed, and an answer depends on its own tokens alone."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from tests.graphs import READOUTS, compiled, opened, random_encodings

from goldcrest import graph
from goldcrest.models.resolve import FAMILIES
from goldcrest.testing.checkpoint import random_checkpoint
from goldcrest.testing.grid import scattered
from goldcrest.values import Encoding, Grid


@pytest.mark.parametrize("family", FAMILIES)
def test_the_graph_passes_the_checker_of_onnx(tmp_path, family):
    model = graph.build(*opened(random_checkpoint(tmp_path, family=family)))

    onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize(
    ("family", "task", "names"),
    [
        ("distilbert", "classify", ["picks"]),
        ("distilbert", "embed", []),
        ("distilbert", "tokens", []),
        ("distilbert", "span", []),
        ("distilbert", "fill", ["picks"]),
        ("roberta", "classify", ["picks"]),
        ("mpnet", "classify", ["picks"]),
        ("bert", "classify", ["token_types", "picks"]),
        ("albert", "embed", ["token_types"]),
    ],
)
def test_the_graph_has_only_inputs_that_matter(tmp_path, family, task, names):
    model = graph.build(*opened(random_checkpoint(tmp_path, family=family, task=task), task))

    expected = ["input_ids", "positions", "owners", *names]
    assert expected == [value.name for value in model.graph.input]


@pytest.mark.parametrize(
    ("task", "output", "shape"),
    [
        ("classify", "logits", (4, 5)),
        ("embed", "states", (60, 32)),
        ("tokens", "logits", (60, 5)),
        ("span", "logits", (60, 2)),
        ("fill", "logits", (4, 300)),
    ],
)
def test_the_output_has_the_shape_of_its_readout(tmp_path, task, output, shape):
    folder = random_checkpoint(tmp_path, task=task, n_labels=5, vocab_size=300)
    encoder, readout = opened(folder, task)
    model = graph.build(encoder, readout)
    grid = scattered(random_encodings(encoder, [20, 20, 20]), np.random.default_rng(0), max_gap=0)

    assert output == model.graph.output[0].name
    assert shape == compiled(encoder, readout).raw(grid).shape


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", READOUTS)
def test_a_text_packed_with_others_and_gaps_answers_as_it_does_alone(tmp_path, family, task):
    encoder, readout = opened(random_checkpoint(tmp_path, family=family, task=task), task)
    run, rng = compiled(encoder, readout), np.random.default_rng(0)
    encodings = random_encodings(encoder, [1, 2, 3, 30, 17, 64, 9])
    alone = [run(scattered([one], rng, max_gap=0))[0] for one in encodings]

    for max_gap in (0, 3):
        packed = run(scattered(encodings, rng, max_gap=max_gap))

        for expected, real in zip(alone, packed, strict=True):
            np.testing.assert_allclose(expected, real, atol=3e-5 * np.abs(expected).max() + 1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_neighbour_says_changes_nothing(tmp_path, family):
    encoder, readout = opened(random_checkpoint(tmp_path, family=family, task="tokens"))
    run = compiled(encoder, readout)
    first, left, right = random_encodings(encoder, [5, 4, 6])
    others = random_encodings(encoder, [4, 6], seed=1)

    before, after = (
        run(in_one_row([one, first, two]))[1] for one, two in ((left, right), tuple(others))
    )

    np.testing.assert_array_equal(before, after)


def in_one_row(encodings: list[Encoding]) -> Grid:
    """The encodings side by side without gaps."""
    ids = np.concatenate([encoding.ids for encoding in encodings])[None]
    lengths = np.array([encoding.n_tokens for encoding in encodings], np.int32)
    starts = (np.cumsum(lengths) - lengths).astype(np.int32)
    nothing = np.zeros_like(ids)
    return Grid(
        input_ids=ids,
        positions=np.concatenate([np.arange(n, dtype=np.int32) for n in lengths])[None],
        owners=np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)[None],
        token_types=nothing,
        picks=starts,
        pick_counts=np.zeros_like(lengths),
        starts=starts,
        lengths=lengths,
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_empty_slots_never_yield_a_nan(tmp_path, family):
    encoder, readout = opened(random_checkpoint(tmp_path, family=family, pooling="mean"))
    grid = scattered(random_encodings(encoder, [3, 5, 2]), np.random.default_rng(0), max_gap=9)

    assert np.isfinite(compiled(encoder, readout).raw(grid)).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_logits_of_random_checkpoints_differ_from_text_to_text(tmp_path, family):
    encoder, readout = opened(random_checkpoint(tmp_path, family=family, spread=2.0))
    grid = scattered(random_encodings(encoder, range(1, 33)), np.random.default_rng(0))

    assert np.stack(compiled(encoder, readout)(grid)).std(axis=0).min() > 0.3


def test_weights_keep_our_names(tmp_path):
    model = graph.build(*opened(random_checkpoint(tmp_path, n_layers=1)))

    names = {tensor.name for tensor in model.graph.initializer}
    assert {"embed.tokens.weight", "layer.0.query.weight", "classify.output.bias"} <= names


@pytest.mark.parametrize(("n_layers", "n_groups"), [(6, 1), (6, 2)])
def test_layers_that_share_weights_hold_them_once(tmp_path, n_layers, n_groups):
    sizes = {"n_layers": n_layers, "n_groups": n_groups, "n_inner": 1}
    model = graph.build(*opened(random_checkpoint(tmp_path, family="albert", **sizes)))

    names = [tensor.name for tensor in model.graph.initializer]
    readers = [node for node in model.graph.node if "layer.0.0.query.weight" in node.input]
    assert n_groups == sum(name.endswith("query.weight") for name in names)
    assert n_layers // n_groups == len(readers)


def test_all_layers_share_one_bias_of_distances(tmp_path):
    model = graph.build(*opened(random_checkpoint(tmp_path, family="mpnet", n_layers=3)))

    readers = [node for node in model.graph.node if "distances.weight" in node.input]
    masks = [node for node in model.graph.node if node.name.startswith("mask")]
    assert (1, 1) == (len(readers), len(masks))

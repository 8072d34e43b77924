"""Our graph, run by OpenVINO in float32, against transformers on the same checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.checkpoints import change_config
from tests.graphs import READOUTS, compiled, opened, random_encodings
from tests.parity.record import record_parity, relative_error
from tests.reference import reference

from goldcrest.models.resolve import FAMILIES
from goldcrest.names import Readable
from goldcrest.testing.checkpoint import FamilyName, random_checkpoint
from goldcrest.testing.grid import scattered

pytest.importorskip("torch")
pytest.importorskip("transformers")

pytestmark = pytest.mark.parity

TOLERANCE = 1e-4
LIMIT = 40
BASE: dict[str, Any] = {"n_layers": 12, "width": 768, "n_heads": 12, "ffn_width": 3072}
REAL_SHAPES: dict[str, tuple[FamilyName, dict[str, Any]]] = {
    "distilbert-base": ("distilbert", BASE | {"n_layers": 6}),
    "bert-base": ("bert", BASE),
    "bert-tiny": ("bert", {"n_layers": 2, "width": 128, "n_heads": 2, "ffn_width": 512}),
    "tinybert-4l": ("bert", {"n_layers": 4, "width": 312, "n_heads": 12, "ffn_width": 1200}),
    "tinybert-6l": ("bert", BASE | {"n_layers": 6}),
    "minilm-l6": ("bert", {"n_layers": 6, "width": 384, "n_heads": 12, "ffn_width": 1536}),
    "roberta-base": ("roberta", BASE),
    "distilroberta-base": ("roberta", BASE | {"n_layers": 6}),
    "xlm-roberta-base": ("xlm-roberta", BASE),
    "albert-base-v2": ("albert", BASE | {"embed_width": 128, "n_groups": 1, "n_inner": 1}),
    "electra-small": (
        "electra",
        {"n_layers": 12, "width": 256, "n_heads": 4, "ffn_width": 1024, "embed_width": 128},
    ),
    "mpnet-base": ("mpnet", BASE),
    "mobilebert-uncased": (
        "mobilebert",
        {"n_layers": 24, "width": 512, "n_heads": 4, "ffn_width": 512, "embed_width": 128}
        | {"bottleneck": 128, "n_ffns": 4},
    ),
}


def parity(folder: Path, task: Readable, lengths: Sequence[int], *, n_packings: int = 3) -> float:
    """The largest relative error of any text, alone and packed with the others and gaps."""
    encoder, readout = opened(folder, task)
    encodings = random_encodings(encoder, lengths, n_picks=3 if task == "fill" else 0)
    expected, run = reference(folder, task, encodings), compiled(encoder, readout)

    rng = np.random.default_rng(1)
    alone = [run(scattered([one], rng, max_gap=0))[0] for one in encodings]
    packed = [run(scattered(encodings, rng)) for _ in range(n_packings)]

    return max(relative_error(expected, real) for real in (alone, *packed))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", READOUTS)
def test_every_readout_equals_transformers_at_every_length(tmp_path, family, task):
    folder = random_checkpoint(tmp_path, family=family, task=task, n_labels=7, max_positions=LIMIT)

    error = parity(folder, task, range(1, LIMIT + 1))

    record_parity(family, task, "f32", error)
    assert error <= TOLERANCE


@pytest.mark.parametrize("shape", REAL_SHAPES)
def test_real_shapes_equal_transformers_up_to_the_longest_text(tmp_path, shape):
    family, sizes = REAL_SHAPES[shape]
    folder = random_checkpoint(
        tmp_path, family=family, task="embed", vocab_size=2000, max_positions=512, **sizes
    )

    error = parity(folder, "embed", [1, 17, 130, 512], n_packings=1)

    record_parity(family, "embed", "f32", error)
    assert error <= TOLERANCE


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n_labels", [1, 2])
def test_any_number_of_labels_equals_transformers(tmp_path, family, n_labels):
    folder = random_checkpoint(tmp_path, family=family, n_labels=n_labels)

    assert parity(folder, "classify", [1, 9, 33]) <= TOLERANCE


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("problem", ["multi_label_classification", "regression"])
def test_the_problem_type_leaves_the_logits_alone(tmp_path, family, problem):
    folder = random_checkpoint(tmp_path, family=family, n_labels=3)
    change_config(folder, problem_type=problem)

    assert parity(folder, "classify", [1, 9, 33]) <= TOLERANCE


@pytest.mark.parametrize("activation", ["gelu_new", "gelu_pytorch_tanh", "relu", "silu"])
def test_activations_equal_those_of_transformers(tmp_path, activation):
    folder = random_checkpoint(tmp_path, family="bert", activation=activation)

    assert parity(folder, "classify", [1, 9, 33]) <= TOLERANCE


@pytest.mark.parametrize("n_types", [1, 3])
@pytest.mark.parametrize("family", ["bert", "roberta", "albert", "electra", "mobilebert"])
def test_any_number_of_token_types_equals_transformers(tmp_path, family, n_types):
    folder = random_checkpoint(tmp_path, family=family, n_token_types=n_types)

    assert parity(folder, "classify", [1, 9, 33]) <= TOLERANCE


@pytest.mark.parametrize(
    ("n_layers", "n_groups", "n_inner"), [(3, 1, 1), (5, 3, 1), (7, 3, 2), (4, 4, 1)]
)
def test_shared_layers_run_in_the_order_of_transformers(tmp_path, n_layers, n_groups, n_inner):
    sizes = {"n_layers": n_layers, "n_groups": n_groups, "n_inner": n_inner}
    folder = random_checkpoint(tmp_path, family="albert", **sizes)

    assert parity(folder, "classify", [1, 9, 33]) <= TOLERANCE


def test_embeddings_as_wide_as_the_states_equal_transformers(tmp_path):
    folder = random_checkpoint(tmp_path, family="electra", embed_width=32)

    assert parity(folder, "classify", [1, 9, 33]) <= TOLERANCE


def test_a_projection_between_equal_widths_equals_transformers(tmp_path):
    folder = random_checkpoint(tmp_path, family="albert", task="fill", embed_width=32)

    assert parity(folder, "fill", [1, 9, 33]) <= TOLERANCE


@pytest.mark.parametrize(
    "options",
    [
        {"normalization_type": "layer_norm"},
        {"use_bottleneck": False, "normalization_type": "layer_norm"},
        {"use_bottleneck": False, "use_bottleneck_attention": True},
        {"use_bottleneck_attention": True, "key_query_shared_bottleneck": False},
        {"trigram_input": False},
        {"trigram_input": True, "embed_width": 64},
        {"n_ffns": 1},
        {"classifier_activation": False},
    ],
    ids=lambda options: " ".join(f"{name}={value}" for name, value in options.items()),
)
def test_the_options_of_mobilebert_equal_transformers(tmp_path, options):
    folder = random_checkpoint(tmp_path, family="mobilebert", **options)

    assert parity(folder, "classify", [1, 2, 9, 33]) <= TOLERANCE


def test_distances_equal_transformers_up_to_the_longest_text(tmp_path):
    folder = random_checkpoint(tmp_path, family="mpnet", task="embed", max_positions=512)

    assert parity(folder, "embed", [1, 2, 90, 300, 511, 512]) <= TOLERANCE

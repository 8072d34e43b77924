"""The student before it is trained: its sizes, and the weights it begins with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from goldcrest.checkpoint import read
from goldcrest.distill.config import Stage
from goldcrest.distill.shapes import mirrored, student_config
from goldcrest.distill.starting import first_weights, head_weights, principal, their_names
from goldcrest.distill.targets import Labelling
from goldcrest.errors import ConfigError, UnsupportedModel
from goldcrest.models import Encoder, resolve
from goldcrest.models.resolve import FAMILIES
from goldcrest.testing import random_checkpoint


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("bert") / "tiny"
    return resolve(read(random_checkpoint(folder, family="bert", n_layers=6, n_labels=3)))


def stage(**keys: Any) -> Stage:
    return msgspec.convert({"kind": "task", "teacher": "t", "data": ["d"], **keys}, Stage)


def config(encoder: Encoder, **keys: Any) -> dict[str, Any]:
    n_tokens = keys.pop("n_tokens", encoder.spec.vocab_size)
    return student_config(
        stage(**keys), encoder, n_tokens=n_tokens, pad_id=0, labelling=Labelling(("a", "b", "c"))
    )


@pytest.mark.parametrize(
    ("sizes", "layers"),
    [((3, 6), (1, 3, 5)), ((4, 6), (0, 2, 3, 5)), ((6, 6), (0, 1, 2, 3, 4, 5)), ((1, 12), (11,))],
)
def test_layers_are_evenly_spaced_and_the_last_is_among_them(
    sizes: tuple[int, int], layers: tuple[int, ...]
) -> None:
    assert layers == mirrored(*sizes)


def test_more_layers_than_the_teachers_are_refused() -> None:
    with pytest.raises(ConfigError, match="layers = 7 is more than the 6"):
        mirrored(7, 6)


def test_sizes_that_are_not_given_are_those_of_the_teacher(bert: Encoder) -> None:
    spec = FAMILIES["bert"].read_spec(config(bert))

    assert bert.spec == spec


def test_a_narrower_student_keeps_the_proportions(bert: Encoder) -> None:
    spec = FAMILIES["distilbert"].read_spec(config(bert, family="distilbert", width=16, layers=2))

    assert (2, 16, 2, 32) == (spec.n_layers, spec.width, spec.n_heads, spec.ffn_width)


def test_heads_that_do_not_divide_the_width_are_refused(bert: Encoder) -> None:
    with pytest.raises(ConfigError, match="heads = 3 does not divide the width of 32"):
        config(bert, heads=3)


def test_a_student_of_another_family_is_refused(tmp_path: Path) -> None:
    electra = resolve(read(random_checkpoint(tmp_path / "e", family="electra")))

    with pytest.raises(UnsupportedModel, match="'electra' cannot be made"):
        config(electra)


def test_alternate_layers_are_copied_under_the_students_names(bert: Encoder) -> None:
    made = config(bert, family="distilbert", layers=3)
    family = FAMILIES["distilbert"]

    ours = first_weights(family.read_spec(made), bert, None)
    named = their_names(family, made, "classify", ours)

    for number, layer in enumerate((1, 3, 5)):
        expected = bert.weights[f"layer.{layer}.query.weight"]
        assert (
            expected == named[f"distilbert.transformer.layer.{number}.attention.q_lin.weight"]
        ).all()
    assert set(family.encoder_names(family.read_spec(made))) == set(ours)


def test_token_types_become_part_of_positions(bert: Encoder) -> None:
    spec = FAMILIES["distilbert"].read_spec(config(bert, family="distilbert"))

    expected = bert.weights["embed.positions.weight"] + bert.weights["embed.types.weight"][0]

    assert (expected == first_weights(spec, bert, None)["embed.positions.weight"]).all()


def test_rows_of_the_token_table_are_those_that_are_kept(bert: Encoder) -> None:
    kept = np.array([0, 3, 9])
    spec = FAMILIES["bert"].read_spec(config(bert, n_tokens=3))

    expected = bert.weights["embed.tokens.weight"][kept]

    assert (expected == first_weights(spec, bert, kept)["embed.tokens.weight"]).all()


def test_other_numbers_of_heads_leave_attention_to_chance(bert: Encoder) -> None:
    spec = FAMILIES["bert"].read_spec(config(bert, heads=8))

    found = first_weights(spec, bert, None)

    assert "layer.0.query.weight" not in found
    assert "layer.0.expand.weight" in found


def test_another_width_projects_the_tables_and_nothing_else(bert: Encoder) -> None:
    spec = FAMILIES["bert"].read_spec(config(bert, width=16))

    found = first_weights(spec, bert, None)

    assert {"embed.tokens.weight", "embed.positions.weight", "embed.types.weight"} == set(found)
    assert found["embed.tokens.weight"].shape == (bert.spec.vocab_size, 16)


def test_a_classifier_of_the_same_family_and_labels_is_taken_over(bert: Encoder) -> None:
    made = config(bert) | {"id2label": dict(bert.checkpoint.config["id2label"])}

    found = their_names(
        FAMILIES["bert"], made, "classify", head_weights(FAMILIES["bert"], bert, made, None)
    )

    assert {"classifier.weight", "bert.pooler.dense.weight"} < set(found)


@pytest.mark.parametrize("stated", [{}, None])
def test_labels_without_names_have_those_that_transformers_gives(
    bert: Encoder, stated: dict[str, str] | None
) -> None:
    checkpoint = replace(bert.checkpoint, config={**bert.checkpoint.config, "id2label": stated})
    nameless = replace(bert, checkpoint=checkpoint)
    made = config(bert) | {"id2label": {str(index): f"LABEL_{index}" for index in range(3)}}

    found = head_weights(FAMILIES["bert"], nameless, made, None)

    assert {"classify.output.weight", "classify.output.bias"} <= set(found)


def test_a_classifier_of_other_labels_begins_anew(bert: Encoder) -> None:
    found = head_weights(FAMILIES["bert"], bert, config(bert), None)

    assert {"classify.dense.weight", "classify.dense.bias"} == set(found)


def test_a_rotation_keeps_dot_products() -> None:
    vectors = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)

    turned = vectors @ principal(vectors, 8)

    np.testing.assert_allclose(vectors @ vectors.T, turned @ turned.T, rtol=1e-4, atol=1e-4)


def test_a_cut_keeps_the_dot_products_of_vectors_that_fill_few_directions() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.standard_normal((50, 3)) @ rng.standard_normal((3, 8)) + 0.01).astype(np.float32)

    cut = vectors @ principal(vectors, 4)

    np.testing.assert_allclose(vectors @ vectors.T, cut @ cut.T, rtol=1e-3, atol=1e-3)

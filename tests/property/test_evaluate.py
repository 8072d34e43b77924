"""What measurements must hold to, whatever the labels, the outputs and the texts."""

from __future__ import annotations

import csv
import json
from collections import Counter
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.asking import Saying, classifier

from goldcrest.evaluate import Row, TextSet, evaluate, paired, read_set
from goldcrest.evaluate.entities import entities
from goldcrest.evaluate.statistics import statistic

calm = settings(max_examples=40, deadline=None)

NAMES = ("a", "b", "c")
names = st.sampled_from(NAMES)
pairs = st.lists(st.tuples(names, names), min_size=1, max_size=30)
scores = st.lists(
    st.tuples(st.integers(0, 5).map(float), st.floats(-10, 10, width=16)), min_size=1, max_size=30
)
tags = st.lists(st.sampled_from(["O", "B-x", "I-x", "B-y", "I-y"]), min_size=4, max_size=4)
tagged = st.lists(st.tuples(tags, tags), min_size=1, max_size=10)
fields = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), min_size=1)
texts = fields.filter(str.strip)


def drawn(n: int, seed: int) -> Any:
    return np.random.default_rng(seed).integers(n, size=n)


@calm
@given(st.data(), st.integers(0, 99))
def test_weighing_rows_is_repeating_them(data, seed):
    metric, rows = data.draw(
        st.one_of(
            st.tuples(st.sampled_from(["accuracy", "f1"]), pairs),
            st.tuples(st.just("spearman"), scores),
            st.tuples(st.just("entity_f1"), tagged),
        )
    )
    said, true = zip(*rows, strict=True)
    chosen = drawn(len(rows), seed)
    counts = Counter(chosen.tolist())
    weights = np.array([[float(counts[place]) for place in range(len(rows))]])
    repeated = statistic(metric, [said[n] for n in chosen], [true[n] for n in chosen])

    (weighed,) = statistic(metric, said, true)(weights)
    (plain,) = repeated(np.ones((1, len(rows))))

    assert pytest.approx(plain, abs=1e-9) == weighed


@calm
@given(pairs)
def test_a_value_lies_within_its_interval_and_the_bounds(rows):
    data = TextSet("s", tuple(Row(text, label) for text, label in rows))

    for metric in ("accuracy", "f1"):
        found = evaluate(classifier(*NAMES, says=str), data, metric)
        assert 0 <= found.low <= found.high <= 1
        assert 0 <= found.value <= 1


@calm
@given(pairs)
def test_a_model_loses_nothing_against_itself(rows):
    data = TextSet("s", tuple(Row(text, label) for text, label in rows))
    found = evaluate(classifier(*NAMES, says=str), data)

    lost = paired(found, found, data, n_resamples=50)

    assert (0, 0, 0) == (lost.points, lost.low, lost.high)


@calm
@given(scores)
def test_only_the_order_of_scores_counts(rows):
    data = TextSet("s", tuple(Row(f"{score}", label) for label, score in rows))
    plain = Saying("classify", lambda text: [float(str(text))], ("score",))
    bent = Saying("classify", lambda text: [float(str(text)) ** 3 / 100 + 5], ("score",))
    said = [np.float32(bent.says(text)[0]) for text in data.texts]
    if len(set(said)) < len(set(data.texts)):  # too close for such numbers
        return

    assert pytest.approx(evaluate(plain, data).value, abs=1e-9) == evaluate(bent, data).value


@calm
@given(tags)
def test_entities_do_not_overlap_and_cover_every_b(row):
    found = entities(row)

    covered = list(chain.from_iterable(range(start, stop) for _, start, stop in found))
    assert len(set(covered)) == len(covered)
    assert {n for n, tag in enumerate(row) if tag[0] == "B"} == {start for _, start, _ in found}


@calm
@given(st.lists(st.tuples(texts, fields.filter(str.strip)), min_size=1, max_size=8))
def test_what_was_written_is_read(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("sets")
    lines, table = folder / "a.jsonl", folder / "a.csv"
    lines.write_text(
        "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)
    )
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])

    expected = tuple(Row(text, label) for text, label in rows)
    assert expected == read_set(lines).rows
    assert expected == read_set(table).rows


@calm
@given(st.integers(1, 60), st.floats(0, 1), st.integers(0, 9))
def test_a_split_is_of_all_rows_and_leaves_no_side_empty(n_rows, share, seed):
    whole = TextSet("s", tuple(Row(f"{n:03}") for n in range(n_rows)))

    some, others = whole.split(share, seed=seed)

    assert whole.texts == sorted(some.texts + others.texts)
    assert n_rows == 1 or (len(some) and len(others))

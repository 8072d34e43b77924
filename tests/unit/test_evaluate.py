"""Quality: each metric against values made by hand, labels resolved or refused, and drops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.asking import Saying, classifier

from goldcrest.errors import ConfigError, DataProblem
from goldcrest.evaluate import Label, Row, TextSet, evaluate, metric_for, paired
from goldcrest.evaluate.entities import entities, tags_of
from goldcrest.names import ProblemType
from goldcrest.tasks import Entity, Filling, Passage
from goldcrest.values import Item


def labelled(*rows: tuple[Any, Label]) -> TextSet:
    return TextSet(
        "s.csv", tuple(Row(item, label, line) for line, (item, label) in enumerate(rows, 2))
    )


FIRST = classifier("a", "b", "c", says=lambda item: str(item)[0])
"""Says the first letter of a text."""
MIXED = labelled(("a1", "a"), ("a2", "b"), ("b1", "b"), ("c1", "c"), ("c2", "a"))


def test_accuracy_is_the_share_of_right_labels():
    assert 3 / 5 == evaluate(FIRST, MIXED).value


def test_f1_is_the_mean_over_the_classes():
    assert pytest.approx((1 / 2 + 2 / 3 + 2 / 3) / 3) == evaluate(FIRST, MIXED, "f1").value


def test_a_class_that_neither_rows_nor_model_have_is_no_part_of_f1():
    data = labelled(("a", "a"), ("b", "b"))

    assert 1 == evaluate(FIRST, data, "f1").value


def test_labels_are_names_or_numbers():
    data = labelled(("a", "a"), ("a", "0"), ("b", 1.0), ("c", "2"))

    assert 1 == evaluate(FIRST, data).value


def test_a_name_goes_before_a_number():
    rating = classifier("3", "2", "1", "0", says=str)

    assert 1 == evaluate(rating, labelled(("1", 1.0), ("3", "3"))).value


def test_several_labels_count_from_a_half_on():
    shares = {"x": [0.5, 0.9, 0.2], "y": [0.49, 0.1, 0.6]}
    model = Saying("classify", lambda item: shares[str(item)], ("a", "b", "c"))
    data = labelled(("x", ("b", "a")), ("y", ("a",)))

    found = evaluate(model, data)

    assert ("f1", (("a", "b"), ("c",))) == (found.metric, found.outputs)
    assert pytest.approx((2 / 3 + 1 + 0) / 3) == found.value
    assert 1 / 2 == evaluate(model, data, "accuracy").value


def test_spearman_of_an_embedder_compares_cosines_with_scores():
    model = Saying("embed", lambda text: [np.cos(len(text) / 50), np.sin(len(text) / 50)])
    data = labelled((("", "x" * 9), "0.1"), (("xx", "xxx"), 5.0), (("x", "x" * 5), "1.5"))

    assert "spearman" == evaluate(model, data).metric
    assert pytest.approx(1) == evaluate(model, data).value


def test_spearman_shares_the_mean_rank_among_equals():
    scores = {"p": 1.0, "q": 2.0, "r": 2.0, "s": 3.0}
    model = Saying("classify", lambda item: [scores[str(item)]], ("score",))
    data = labelled(("p", 1.0), ("q", 3.0), ("r", 2.0), ("s", 4.0))

    assert pytest.approx(4.5 / (4.5 * 5) ** 0.5) == evaluate(model, data).value


def test_a_model_that_always_says_the_same_has_no_rank_correlation():
    constant = Saying("classify", lambda _: [0.3], ("score",))

    found = evaluate(constant, labelled(("a", 1.0), ("b", 2.0), ("c", 3.0)))

    assert (0, 0, 0) == (found.value, found.low, found.high)


def test_a_model_that_always_says_the_same_is_right_as_often_as_that_is_true():
    constant = classifier("a", "b", says=lambda _: "a")
    data = labelled(*((f"{n}", "a" if n < 30 else "b") for n in range(40)))

    assert 0.75 == evaluate(constant, data).value
    assert pytest.approx((2 * 30 / 70 + 0) / 2) == evaluate(constant, data, "f1").value


ANSWERS = {"q1": "the Old Mill!", "q2": "1999", "q3": ""}
READER = Saying("span", lambda item: (Passage(ANSWERS[str(item[0])], 0.9, 0, 1),))


def test_answers_are_compared_as_squad_does():
    data = labelled((("q1", "c"), ("mill", "Old mill")), (("q2", "c"), "1998"), (("q3", "c"), ()))

    assert ("exact", 2 / 3) == (evaluate(READER, data).metric, evaluate(READER, data).value)


def test_a_long_context_loses_nothing_while_a_long_text_says_that_it_does():
    pairs, singles = labelled((("q1", "c"), "x")), labelled(("a", "a"))
    reader = Saying("span", READER.says, n_dropped=7)
    cut = Saying("classify", FIRST.says, FIRST.labels, n_dropped=7)

    assert (0, 1) == (evaluate(reader, pairs).n_truncated, evaluate(cut, singles).n_truncated)


TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def tagger(**words: tuple[str, str]) -> Saying:
    """Cuts words in two, and says of each half what is given; O of other words."""

    def says(text: Item) -> tuple[Entity, ...]:
        found, start = list[Entity](), 0
        for word in str(text).split():
            middle = start + max(1, len(word) // 2)
            said = words.get(word, ("O", "O"))
            found.append(Entity(said[0], 1.0, word, start, middle))
            if len(word) > 1:
                found.append(Entity(said[1], 1.0, word, middle, start + len(word)))
            start += len(word) + 1
        return tuple(found)

    return Saying("tokens", says, TAGS)


def test_a_word_has_the_tag_of_its_first_token():
    model = tagger(Ada=("B-PER", "O"), Lovelace=("I-PER", "B-LOC"))
    data = labelled(("Ada Lovelace wrote", "B-PER I-PER O"))

    assert (("B-PER", "I-PER", "O"),) == evaluate(model, data).outputs
    assert ("entity_f1", 1) == (evaluate(model, data).metric, evaluate(model, data).value)


def test_an_entity_is_found_only_as_a_whole():
    model = tagger(Ada=("B-PER", "O"), Paris=("B-LOC", "O"), Rome=("B-LOC", "O"))
    data = labelled(
        ("Ada Lovelace wrote", ("B-PER", "I-PER", "O")), ("Paris and Rome", ("B-LOC", "O", "O"))
    )

    assert pytest.approx(2 * 1 / (3 + 2)) == evaluate(model, data).value


def test_a_token_that_begins_with_the_space_before_is_of_the_next_word():
    tokens = [Entity("B-PER", 1.0, "Ada", 0, 3), Entity("B-LOC", 1.0, " Rome", 3, 8)]

    assert ("B-PER", "B-LOC") == tags_of("Ada Rome", tokens)


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("B-PER I-PER O B-PER", {("PER", 0, 2), ("PER", 3, 4)}),
        ("B-PER B-PER I-LOC", {("PER", 0, 1), ("PER", 1, 2)}),
        ("I-PER I-PER O", set()),
        ("O B-LOC I-PER I-LOC", {("LOC", 1, 2)}),
    ],
)
def test_entities_begin_with_b_and_go_on_with_i_of_the_same_kind(tags, found):
    assert found == entities(tags.split())


def test_a_mask_is_filled_right_or_wrong():
    model = Saying("fill", lambda text: ((Filling(" paris", 1, 0.9, str(text)),),))
    data = labelled(("[MASK] is big", "paris"), ("[MASK] is small", "rome"))

    assert ("accuracy", 0.5) == (evaluate(model, data).metric, evaluate(model, data).value)


def test_agreement_needs_no_labels_but_a_reference():
    data = labelled(*((text, None) for text in ("a1", "b1", "c1", "c2")))
    reference = evaluate(FIRST, data)
    other = classifier("a", "b", "c", says=lambda item: "a" if item == "c2" else str(item)[0])

    found = evaluate(other, data, reference=reference)

    assert 1 == reference.value
    assert ("agreement", 0.75) == (found.metric, found.value)
    assert 25 == paired(reference, found, data).points


def test_a_model_of_several_labels_is_judged_by_all_that_it_says():
    says_two = Saying(
        "classify", lambda _: [0.9, 0.8], ("a", "b"), problem_type="multi_label_classification"
    )

    found = evaluate(says_two, labelled(("x", "a"), ("y", "b")))

    assert ("f1", (("a", "b"),) * 2) == (found.metric, found.outputs)
    assert pytest.approx(2 / 3) == found.value
    assert 0 == evaluate(says_two, labelled(("x", "a"), ("y", "b")), "accuracy").value


def test_where_nothing_fits_and_nothing_is_said_to_nothing_is_missed():
    silent = Saying(
        "classify", lambda _: [0.1, 0.2], ("a", "b"), problem_type="multi_label_classification"
    )

    assert 1 == evaluate(silent, labelled(("x", ()), ("y", ())), "f1").value


def test_models_of_several_labels_agree_where_all_of_them_are_the_same():
    shares = {"x": [0.9, 0.6, 0.1], "y": [0.9, 0.4, 0.1]}
    several: ProblemType = "multi_label_classification"
    first = Saying(
        "classify", lambda item: shares[str(item)], ("a", "b", "c"), problem_type=several
    )
    second = Saying("classify", lambda _: [0.9, 0.6, 0.1], ("a", "b", "c"), problem_type=several)
    data = labelled(("x", None), ("y", None))

    found = evaluate(second, data, reference=evaluate(first, data))

    assert ("agreement", 0.5) == (found.metric, found.value)


def test_cosine_is_the_mean_over_texts_with_the_reference():
    data = labelled(("x", None), (("y", "z"), None))
    before = Saying("embed", lambda _: [2.0, 0.0])
    after = Saying("embed", lambda text: [0.0, 1.0] if text == "z" else [1.0, 0.0])

    found = evaluate(after, data, reference=evaluate(before, data))

    assert ("cosine", 0.75) == (found.metric, found.value)


@pytest.mark.parametrize(
    ("model", "data", "metric", "said"),
    [
        (FIRST, labelled(("a", "a"), ("b", "B")), None, "line 3 of s.csv has the label 'B'.* a, b, c"),
        (FIRST, labelled(("a", "a"), ("b", "3")), None, "line 3 of s.csv has the label '3'"),
        (FIRST, labelled(("a", 0.0), ("b", -1.0)), None, "line 3 of s.csv has the label '-1'"),
        (FIRST, labelled(("a", "a"), ("b", None)), None, "line 3 of s.csv has no label, which acc"),
        (FIRST, labelled(("a", ("a", "z"))), None, "line 2 of s.csv has the label 'z'"),
        (FIRST, TextSet("none", ()), None, "none holds no rows"),
        (FIRST, TextSet("s", (Row("a", "z"),)), None, "row 1 of s has the label 'z'"),
        (READER, labelled(("q1", "x")), None, "line 2 of s.csv is a single text, .* pairs"),
        (tagger(), labelled((("a", "b"), "O")), None, "line 2 of s.csv is a pair, .* single texts"),
        (tagger(), labelled(("a b", "O")), None, "has 1 tags for 2 words"),
        (tagger(), labelled(("a b", "O I-PER")), None, "has the tag 'I-PER' where an entity begins"),
        (tagger(), labelled(("a", "B-ORG")), None, "has the label 'B-ORG'"),
        (Saying("embed", lambda _: [1.0]), labelled(("a", 1.0)), "spearman", "is a single text"),
        (Saying("embed", lambda _: [1.0]), labelled((("a", "b"), "x")), None, "needs a number"),
        (Saying("embed", lambda _: [1.0]), labelled((("a", "b"), "nan")), None, "needs a number"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_used_are_named(model, data, metric, said):
    with pytest.raises(DataProblem, match=said):
        evaluate(model, data, metric)


@pytest.mark.parametrize(
    ("model", "metric", "said"),
    [
        (FIRST, "exact", "'exact' does not fit a model for classify; it takes accuracy or f1"),
        (Saying("classify", str, ("score",)), "accuracy", "of a single output; it takes spearman"),
    ],
)
def test_a_metric_that_does_not_fit_is_refused(model, metric, said):
    with pytest.raises(ConfigError, match=said):
        evaluate(model, MIXED, metric)


@pytest.mark.parametrize(
    ("task", "data", "metric"),
    [
        ("classify", labelled(("x", "a")), "accuracy"),
        ("classify", labelled(("x", 1.0)), "accuracy"),
        ("classify", labelled(("x", 0.5)), "spearman"),
        ("classify", labelled(("x", ("a", "b"))), "f1"),
        ("classify", labelled(("x", None)), "agreement"),
        ("embed", labelled((("x", "y"), 0.5)), "spearman"),
        ("embed", labelled(("x", 0.5), (("x", "y"), 0.5)), "spearman"),
        ("embed", labelled((("x", "y"), None)), "cosine"),
        ("embed", labelled(("x", "a")), "cosine"),
        ("span", labelled((("x", "y"), "a")), "exact"),
        ("tokens", labelled(("x", "O")), "entity_f1"),
    ],
)
def test_a_metric_is_found_for_a_task_and_a_set(task, data, metric):
    assert metric == metric_for(task, data)


def test_rows_are_asked_some_at_a_time_and_counted():
    told = []
    data = labelled(*((f"a{n}", "a") for n in range(600)))
    model = classifier("a", "b", says=lambda _: "a")

    evaluate(model, data, progress=lambda done, total: told.append((done, total)))

    assert [256, 256, 88] == model.sizes
    assert [(256, 600), (512, 600), (600, 600)] == told


def test_the_interval_is_that_of_the_binomial():
    data = labelled(*((f"{'a' if n % 5 else 'b'}{n}", "a") for n in range(1000)))

    found = evaluate(FIRST, data)

    deviation = (0.8 * 0.2 / 1000) ** 0.5
    assert 0.8 == found.value
    assert pytest.approx((0.8 - 1.96 * deviation, 0.8 + 1.96 * deviation), abs=3e-3) == (
        found.low,
        found.high,
    )


def test_what_two_models_have_in_common_does_not_widen_the_interval_of_a_drop():
    data = labelled(*((f"{'a' if n % 2 else 'b'}{n:04}", "a") for n in range(1000)))
    worse = classifier(
        "a", "b", "c", says=lambda item: "c" if str(item).endswith("01") else str(item)[0]
    )

    before, after = evaluate(FIRST, data), evaluate(worse, data)
    lost = paired(before, after, data)

    assert pytest.approx(1.0) == lost.points
    assert 0.3 < lost.low < 1 < lost.high < 1.8
    assert lost.high - lost.low < 100 * (after.high - after.low) / 4
    assert lost == paired(before, after, data)


def test_a_drop_is_of_the_same_rows_by_the_same_metric():
    accuracy, f1 = evaluate(FIRST, MIXED), evaluate(FIRST, MIXED, "f1")
    part = TextSet("part", MIXED.rows[:3])

    with pytest.raises(DataProblem, match=r"accuracy and f1 of s\.csv cannot be compared"):
        paired(accuracy, f1, MIXED)
    with pytest.raises(DataProblem, match=r"part has 3 rows, but .* measured on 5"):
        paired(accuracy, accuracy, part)

"""Texts on their way into a training: divided, cut into tokens, batched, masked."""

from __future__ import annotations

import numpy as np
import pytest

from goldcrest.distill.batches import Ragged, epoch_batches, sorted_batches
from goldcrest.distill.data import divide, key
from goldcrest.distill.masking import Masking, masked
from goldcrest.distill.reading import agreement, single_texts
from goldcrest.distill.targets import (
    UNKNOWN,
    Labelling,
    as_judged,
    check_labelled,
    class_names,
    problem_of,
    targets,
)
from goldcrest.errors import DataProblem
from goldcrest.evaluate import Row, TextSet
from goldcrest.evaluate.rows import Label
from goldcrest.values import Item


def rows(*pairs: tuple[Item, Label], name: str = "a") -> TextSet:
    return TextSet(name, tuple(Row(item, label) for item, label in pairs))


def test_texts_that_differ_in_case_and_punctuation_are_one() -> None:
    divided = divide([rows(("Good, film!", "x"), ("good film", "x"), ("bad film", "y"))])

    assert ["Good, film!", "bad film"] == divided.train.items
    assert divided.n_duplicates == 1


def test_a_text_with_two_labels_is_left_out() -> None:
    divided = divide([rows(("fine", "x"), ("Fine.", "y"), ("other", "x"))])

    assert ["other"] == divided.train.items
    assert divided.n_contradicting == 1


def test_what_is_held_back_is_not_trained_on() -> None:
    divided = divide([rows(("one", "x"), ("two", "y"))], [rows(("TWO", "y"), name="b")])

    assert ["one"] == divided.train.items
    assert ["TWO"] == divided.held_back[0].items
    assert divided.n_shared == 1


def test_both_texts_of_a_pair_that_is_held_back_are_not_trained_on() -> None:
    divided = divide(
        [rows(("one", None), ("two", None), ("six", None))], [rows((("one", "two"), 0.5))]
    )

    assert ["six"] == divided.train.items


def test_a_share_is_held_back_by_the_text_alone() -> None:
    items = rows(*((f"text number {index}", None) for index in range(400)))
    back = divide([items], held_back_share=0.25)
    reordered = divide([TextSet("r", items.rows[::-1])], held_back_share=0.25)

    assert set(back.held_back[0].items) == set(reordered.held_back[0].items)
    assert 60 < len(back.held_back[0]) < 140
    assert not set(back.held_back[0].items) & set(back.train.items)


def test_rows_beyond_the_limit_are_drawn_by_the_seed_and_counted() -> None:
    items = rows(*((f"text {index}", None) for index in range(50)))
    one, again, other = (divide([items], max_rows=10, seed=seed) for seed in (1, 1, 2))

    assert one.train == again.train != other.train
    assert one.n_beyond == 40


def test_signs_alone_are_no_empty_key() -> None:
    assert key(":-)") != key(":-(")


def test_a_matrix_is_filled_up_at_the_ends() -> None:
    ragged = Ragged.of([[5, 6], [7], [8, 9, 3]])

    chosen = np.array([2, 1])

    assert [[8, 9, 3], [7, 0, 0]] == ragged.padded(chosen, 0).tolist()
    assert [8, 9, 3, 7] == ragged.values[ragged.places(chosen)].tolist()


def test_an_epoch_has_every_row_once_and_no_batch_too_large() -> None:
    lengths = np.random.default_rng(0).integers(3, 60, 500)

    batches = epoch_batches(lengths, tokens=256, rows=20, rng=np.random.default_rng(1))

    assert list(range(500)) == sorted(np.concatenate(batches).tolist())
    assert all(len(batch) * lengths[batch].max() <= 256 and len(batch) <= 20 for batch in batches)


def test_an_epoch_is_that_of_its_seed() -> None:
    lengths = np.random.default_rng(0).integers(3, 60, 100)

    one, again, other = (
        epoch_batches(lengths, tokens=256, rows=20, rng=np.random.default_rng([7, epoch]))
        for epoch in (0, 0, 1)
    )

    assert [batch.tolist() for batch in one] == [batch.tolist() for batch in again]
    assert [batch.tolist() for batch in one] != [batch.tolist() for batch in other]


def test_neighbours_in_length_share_a_batch() -> None:
    lengths = np.array([50, 3, 49, 4])

    assert [[1, 3], [2, 0]] == [b.tolist() for b in sorted_batches(lengths, tokens=100, rows=9)]


def test_a_row_longer_than_a_batch_stands_alone() -> None:
    lengths = np.array([10, 500, 11])

    assert [[0, 2], [1]] == [b.tolist() for b in sorted_batches(lengths, tokens=64, rows=9)]


CLASSES = Labelling(("x", "y"))
SEVERAL = Labelling(("x", "y"), "multi_label_classification")
FITTING_X = Labelling(("x",), "multi_label_classification")
SCORED = Labelling(("score",), "regression")
BARE = Labelling(("x",), "regression", is_bare=True)


def test_classes_are_those_of_the_data_in_order() -> None:
    part = rows(("a", "no"), ("b", "a lot"), ("c", 3.0))

    assert ["3", "a lot", "no"] == class_names((), [part], "single_label_classification")


@pytest.mark.parametrize("given", [(), ("x",)])
def test_one_class_is_refused(given: tuple[str, ...]) -> None:
    with pytest.raises(DataProblem, match="two classes or more; there are: x"):
        class_names(given, [rows(("a", "x"))], "single_label_classification")


def test_of_several_that_may_fit_one_is_enough() -> None:
    part = rows(("a", ("x",)), ("b", ()))

    assert ["x"] == class_names((), [part], "multi_label_classification")
    assert [[1], [0]] == targets(part, FITTING_X).tolist()


def test_an_unknown_class_is_told_with_its_line() -> None:
    part = TextSet("d.csv", (Row("a", "x", 2), Row("b", "z", 3)))

    with pytest.raises(DataProblem, match=r"line 3 of d.csv has the label 'z'; known are x, y"):
        targets(part, CLASSES)


def test_rows_without_a_label_have_no_class() -> None:
    assert [1, UNKNOWN] == targets(rows(("a", "y"), ("b", None)), CLASSES).tolist()


def test_where_labels_alone_teach_every_row_needs_one() -> None:
    check_labelled([rows(("a", ()), ("b", "x"))])
    with pytest.raises(DataProblem, match="row 2 of a has no label"):
        check_labelled([rows(("a", "x"), ("b", None))])


def test_a_class_may_be_given_by_its_number() -> None:
    assert [1, 0] == targets(rows(("a", 1.0), ("b", "0")), CLASSES).tolist()


def test_lists_of_labels_are_taken_for_what_they_are() -> None:
    part = rows(("a", ("x", "y")), ("b", ()), ("c", ("z",)))

    assert "multi_label_classification" == problem_of([part])
    assert ["x", "y", "z"] == class_names((), [part], problem_of([part]))


def test_where_lists_and_single_labels_are_mixed_nothing_is_guessed() -> None:
    with pytest.raises(DataProblem, match=r"row 1 of b has the label .*'x',.*say the problem_type"):
        problem_of([rows(("a", "y")), rows(("a", ("x",)), name="b")])


def test_several_labels_may_fit_or_none_or_be_unknown() -> None:
    part = rows(("a", ("y", "0")), ("b", ()), ("c", "x"), ("d", None))

    np.testing.assert_array_equal(
        [[1, 1], [0, 0], [1, 0], [np.nan, np.nan]], targets(part, SEVERAL)
    )


@pytest.mark.parametrize("labelling", [FITTING_X, BARE])
def test_a_single_output_is_held_against_how_well_a_text_fits(labelling: Labelling) -> None:
    part = rows(("a", 0.25), ("b", "1"), ("c", ("x",)), ("d", ()), ("e", "x"))

    np.testing.assert_array_equal([[0.25], [1], [1], [0], [1]], targets(part, labelling))


def test_scores_are_numbers_of_any_size() -> None:
    assert ["score"] == class_names((), [rows(("a", 4.5))], "regression")
    np.testing.assert_array_equal(
        [[-4.5], [300], [np.nan]], targets(rows(("a", -4.5), ("b", "300"), ("c", None)), SCORED)
    )


@pytest.mark.parametrize(
    ("label", "labelling", "said"),
    [
        (("x",), CLASSES, r"has the label \['x'\]; a list is not one class"),
        (("x", "z"), SEVERAL, "known are x, y"),
        (("0", "1", "0"), SEVERAL, "names a class twice; a list has the classes that fit, not a 0"),
        (1.5, FITTING_X, "has the label 1.5; how well a text fits is a number from 0 to 1"),
        (1.5, BARE, "how well a text fits is a number from 0 to 1"),
        ("often", SCORED, "has the label 'often'; a score is a number"),
        (float("nan"), SCORED, "a score is a number"),
        (1e39, SCORED, "a score is a number"),
    ],
)
def test_a_label_of_another_kind_is_refused(label: Label, labelling: Labelling, said: str) -> None:
    with pytest.raises(DataProblem, match=said):
        targets(rows(("a", label)), labelling)


def test_a_score_is_one_number() -> None:
    with pytest.raises(DataProblem, match="a score is one number; the names given are a, b"):
        class_names(("a", "b"), [rows(("a", 1.0))], "regression")


def test_models_are_judged_by_rows_with_labels_and_a_single_output_by_numbers() -> None:
    part = rows(("a", ("x",)), ("b", None), ("c", ()))

    assert (("a", 1.0), ("c", 0.0)) == tuple(
        (row.item, row.label) for row in as_judged(part, FITTING_X).rows
    )
    assert (("x",), ()) == tuple(row.label for row in as_judged(part, SEVERAL).rows)
    assert 2 == len(as_judged(rows(("a", None), ("b", None)), SCORED))


def test_labels_that_say_the_same_contradict_nothing() -> None:
    part = rows(("a", ("x", "y")), ("A", ("y", "x")), ("b", 1.0), ("b.", ("1",)), ("c", "x"))

    divided = divide([part, rows(("c", "y"))])

    assert ["a", "b"] == divided.train.items
    assert (1, 3) == (divided.n_contradicting, divided.n_duplicates)


def test_the_texts_of_pairs_become_rows() -> None:
    assert ["a", "b", "c"] == single_texts(rows((("a", "b"), 1.0), ("c", None))).items


def test_rows_agree_where_their_tokens_do() -> None:
    ours = Ragged.of([[0, 1], [0, 2], [0, 1, 1]])
    theirs = Ragged.of([[5, 6], [5, 6], [5, 6]])

    assert [True, False, False] == agreement(ours, theirs, np.array([5, 6, -1])).tolist()


MASKING = Masking(mask_id=4, special=(0, 1, 2, 4), n_ids=1000, share=0.15, seed=0)


def test_masks_are_set_as_often_as_asked() -> None:
    ids = np.random.default_rng(1).integers(5, 1000, (400, 50))
    shown, picks = masked(ids, np.ones_like(ids, bool), MASKING, np.random.default_rng(0))

    changed = shown[picks] != ids[picks]
    assert 0.14 < picks.mean() < 0.16
    assert 0.78 < (shown[picks] == 4).mean() < 0.82
    assert 0.88 < changed.mean() < 0.92
    assert (shown[~picks] == ids[~picks]).all()


def test_neither_padding_nor_special_tokens_are_to_be_found() -> None:
    ids = np.array([[1, 7, 8, 2, 0, 0]] * 50)
    _, picks = masked(ids, ids != 0, MASKING, np.random.default_rng(0))

    assert not picks[:, [0, 3, 4, 5]].any()


def test_something_is_always_to_be_found() -> None:
    ids = np.array([[1, 7, 2]])

    assert all(
        masked(ids, ids > 0, MASKING, np.random.default_rng(seed))[1].any() for seed in range(40)
    )

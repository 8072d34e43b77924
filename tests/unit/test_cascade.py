"""Cascades: who is asked what, whose answer stands, and which models fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from goldcrest.config import CascadeConfig
from goldcrest.errors import (
    DeadlineExceeded,
    InputTooLong,
    InvalidRequest,
    Loading,
    Unloaded,
    UnsupportedTask,
)
from goldcrest.names import ProblemType
from goldcrest.serving.cascade import Cascade
from goldcrest.serving.routing import Closed, Routed
from goldcrest.tasks import Classify, Embed, Reply, Request
from goldcrest.testing import ManualClock
from goldcrest.values import Floats, ServedModel, Urgency

BOTH = CascadeConfig(name="both", members=("small", "large"), thresholds=(0.9,))
SURE, DOUBTFUL = (0.95, 0.05), (0.6, 0.4)
SMALL = {"easy": SURE, "hard": DOUBTFUL, "harder": (0.45, 0.55)}
LARGE = {"easy": (0.2, 0.8), "hard": (0.3, 0.7), "harder": (0.1, 0.9)}


@dataclass
class Table:
    """A model that answers from a table.

    Attributes:
        n_dropped: tokens that every item loses.
        takes_s: how long that takes, on the clock.
        error: raised instead of an answer.
        asked: every request so far.
    """

    name: str
    rows: Mapping[str, Sequence[float]]
    labels: tuple[str, ...] = ("no", "yes")
    problem_type: ProblemType = "single_label_classification"
    n_dropped: int = 0
    takes_s: float = 0.0
    error: Exception | None = None
    asked: list[Request[Any]] = field(default_factory=list)

    @property
    def described(self) -> ServedModel:
        return ServedModel(
            name=self.name,
            task="classify",
            tasks=("classify",),
            labels=self.labels,
            dimensions=0,
            pooling="",
            precision="f32",
            max_length=64,
            digest=self.name,
            source=self.name,
            family="bert",
            is_ready=True,
            defaults=(),
            problem_type=self.problem_type,
        )

    def answer(self, request: Request[Any]) -> Reply[Any]:
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        n = len(request.items)
        rows = [self.rows[str(item)] for item in request.items]
        outputs = np.array(rows, np.float32).reshape(n, len(self.labels))
        return Reply(self.name, outputs, self.labels, (5,) * n, (self.n_dropped,) * n, (1,) * n)


@dataclass
class Tables:
    """Members by their names, and a clock that their work moves."""

    members: Sequence[Table]
    clock: ManualClock = field(default_factory=ManualClock)

    async def __call__(self, request: Request[Any]) -> Reply[Any]:
        member = next(one for one in self.members if one.name == request.model)
        self.clock.advance(member.takes_s)
        return member.answer(request)

    def known(self, name: str) -> ServedModel | None:
        return next((one.described for one in self.members if one.name == name), None)

    def cascade(self, config: CascadeConfig = BOTH) -> Cascade:
        return Cascade(config, self, self.known, self.clock)


@pytest.fixture
def small() -> Table:
    return Table("small", SMALL)


@pytest.fixture
def large() -> Table:
    return Table("large", LARGE)


@pytest.fixture
def tables(small: Table, large: Table) -> Tables:
    return Tables([small, large])


def asking(*texts: str, **options: Any) -> Request[Floats]:
    return Request(Classify(), texts, model="both", **options)


def rows(reply: Reply[Floats]) -> list[list[float]]:
    return [[round(float(value), 4) for value in row] for row in reply.outputs]


# Whose answer stands ----------------------------------------------------------------------


async def test_answers_come_in_the_order_of_the_items(tables: Tables) -> None:
    reply = await tables.cascade()(asking("hard", "easy", "harder"))

    assert [[0.3, 0.7], [0.95, 0.05], [0.1, 0.9]] == rows(reply)


async def test_the_reply_is_that_of_the_cascade(tables: Tables) -> None:
    assert "both" == (await tables.cascade()(asking("easy", "hard"))).model


async def test_only_doubtful_items_go_on_and_all_of_them_together(
    tables: Tables, large: Table
) -> None:
    await tables.cascade()(asking("hard", "easy", "harder"))

    assert [["hard", "harder"]] == [list(request.items) for request in large.asked]


async def test_where_all_are_sure_nobody_else_is_asked(tables: Tables, large: Table) -> None:
    await tables.cascade()(asking("easy"))

    assert [] == large.asked


async def test_an_answer_at_the_threshold_stands(tables: Tables) -> None:
    config = CascadeConfig(name="both", members=("small", "large"), thresholds=(0.6,))

    assert [[0.6, 0.4]] == rows(await tables.cascade(config)(asking("hard")))


async def test_an_answer_that_is_no_number_does_not_stand(tables: Tables, small: Table) -> None:
    small.rows = {"hard": (np.nan, np.nan)}

    assert [[0.3, 0.7]] == rows(await tables.cascade()(asking("hard")))


async def test_all_escalated_is_the_large_model_exactly(tables: Tables, large: Table) -> None:
    config = CascadeConfig(name="both", members=("small", "large"), thresholds=(1.0,))
    request = asking(*LARGE)

    reply = await tables.cascade(config)(request)

    assert large.answer(request).outputs.tolist() == reply.outputs.tolist()


async def test_of_three_each_is_asked_what_the_one_before_leaves(small: Table) -> None:
    medium = Table("medium", {"hard": SURE, "harder": DOUBTFUL})
    large = Table("large", {"harder": (0.1, 0.9)})
    config = CascadeConfig(name="both", members=("small", "medium", "large"), thresholds=(0.9, 0.9))

    reply = await Tables([small, medium, large]).cascade(config)(asking("harder", "hard", "easy"))

    assert [[0.1, 0.9], list(SURE), list(SURE)] == rows(reply)


async def test_where_several_labels_may_fit_the_least_certain_one_counts(large: Table) -> None:
    kind: ProblemType = "multi_label_classification"
    small = Table("small", {"easy": (0.02, 0.97), "hard": (0.99, 0.5)}, problem_type=kind)
    large.problem_type = kind

    reply = await Tables([small, large]).cascade()(asking("easy", "hard"))

    assert [[0.02, 0.97], [0.3, 0.7]] == rows(reply)


async def test_bare_values_are_judged_by_what_their_probabilities_say(
    tables: Tables, small: Table
) -> None:
    small.rows = {"easy": (4.0, 0.0), "hard": (2.0, 0.0)}
    request = replace(asking("easy", "hard"), task=Classify(scores="none"))

    assert [[4.0, 0.0], [0.3, 0.7]] == rows(await tables.cascade()(request))


async def test_scores_that_tell_no_confidence_are_refused(tables: Tables) -> None:
    request = replace(asking("easy"), task=Classify(scores="sigmoid"))

    with pytest.raises(InvalidRequest, match="ask for 'auto', 'softmax' or 'none'"):
        await tables.cascade()(request)


# What a reply counts ----------------------------------------------------------------------


async def test_tokens_of_all_who_ran_are_counted(tables: Tables) -> None:
    assert (10, 5) == (await tables.cascade()(asking("hard", "easy"))).n_tokens


async def test_cut_off_is_what_the_member_lost_whose_answer_stands(
    tables: Tables, small: Table, large: Table
) -> None:
    small.n_dropped, large.n_dropped = 3, 7

    assert (7, 3) == (await tables.cascade()(asking("hard", "easy"))).n_dropped


async def test_the_length_of_a_text_is_told_once(tables: Tables) -> None:
    assert (5, 5) == (await tables.cascade()(asking("hard", "easy"))).lengths


async def test_what_came_to_each_member_is_told_to_the_metrics(tables: Tables) -> None:
    cascade = tables.cascade()

    await cascade(asking("hard", "easy", "harder"))

    assert {
        ("both", "small", "answered"): 1,
        ("both", "small", "escalated"): 2,
        ("both", "large", "answered"): 2,
        ("both", "large", "escalated"): 0,
    } == {labels: n for _, labels, n in cascade.samples()}


# What goes to the members -----------------------------------------------------------------


async def test_the_next_member_has_what_is_left_of_the_deadline(
    tables: Tables, small: Table, large: Table
) -> None:
    small.takes_s = 0.75

    await tables.cascade()(asking("hard", urgency=Urgency(deadline_s=1.0)))

    assert 0.25 == large.asked[0].urgency.deadline_s


async def test_past_its_deadline_a_request_goes_no_further(tables: Tables, small: Table) -> None:
    small.takes_s = 1.5

    with pytest.raises(DeadlineExceeded):
        await tables.cascade()(asking("hard", urgency=Urgency(deadline_s=1.0)))


async def test_every_member_hears_of_priority_and_caller(tables: Tables, large: Table) -> None:
    urgency = Urgency(priority="bulk", caller="alice")

    await tables.cascade()(asking("hard", urgency=urgency))

    assert urgency == large.asked[0].urgency


async def test_a_text_too_long_for_a_later_member_is_named_by_its_place(
    tables: Tables, large: Table
) -> None:
    large.error = InputTooLong(80, 64, index=1)

    with pytest.raises(InputTooLong, match="item 2 has 80 tokens"):
        await tables.cascade()(asking("hard", "easy", "harder"))


async def test_a_member_that_is_out_of_service_is_not_stood_in_for(
    tables: Tables, large: Table
) -> None:
    large.error = Unloaded("gone")

    with pytest.raises(Unloaded):
        await tables.cascade()(asking("hard", "easy"))


async def test_token_ids_are_refused(tables: Tables) -> None:
    request: Request[Floats] = Request(Classify(), ["easy", (1, 2)], model="both")

    with pytest.raises(InvalidRequest, match="item 1 is token ids"):
        await tables.cascade()(request)


async def test_other_tasks_are_refused(tables: Tables) -> None:
    with pytest.raises(UnsupportedTask, match="does classify, not embed"):
        await tables.cascade()(Request(Embed(), ["easy"], model="both"))


# Which models fit together ----------------------------------------------------------------


async def test_labels_in_another_order_are_mapped_to_those_of_the_first(
    tables: Tables, large: Table
) -> None:
    large.labels = ("yes", "no")

    reply = await tables.cascade()(asking("hard"))

    assert (("no", "yes"), [[0.7, 0.3]]) == (reply.labels, rows(reply))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"labels": ("no", "perhaps")}, "'small' alone has 'yes'; 'large' alone has 'perhaps'"),
        ({"problem_type": "regression"}, "the member 'large', a regression"),
        ({"problem_type": "multi_label_classification"}, "'large' for multi_label_classification"),
    ],
    ids=["labels", "regression", "kinds"],
)
async def test_members_that_do_not_fit_are_refused_in_a_sentence(
    tables: Tables, large: Table, change: Mapping[str, Any], sentence: str
) -> None:
    for name, value in change.items():
        setattr(large, name, value)
    cascade = tables.cascade()

    with pytest.raises(UnsupportedTask, match=sentence):
        await cascade(asking("hard"))
    assert sentence in cascade.objection()


def test_models_of_other_tasks_are_no_members(tables: Tables, large: Table) -> None:
    embedder = replace(large.described, task="embed", labels=(), problem_type=None)
    known = {"small": tables.known("small"), "large": embedder}

    cascade = Cascade(BOTH, tables, known.get, tables.clock)

    assert "cascades are for classify" in cascade.objection()


def test_of_many_labels_that_differ_a_few_are_named(tables: Tables, large: Table) -> None:
    large.labels = tuple(f"label {number}" for number in range(9))

    assert "'label 4' and 4 more; " in tables.cascade().objection()


def test_members_that_nothing_is_known_of_are_not_objected_to(small: Table) -> None:
    assert "" == Tables([small]).cascade().objection()


# Among the models -------------------------------------------------------------------------


async def never() -> None:
    raise AssertionError("nobody asked for it")


@pytest.fixture
def routed(tables: Tables) -> Routed:
    routed = Routed(("both", "small", "large"))
    routed.join(BOTH, tables.clock)
    for member in tables.members:
        routed.close(Closed(member.name, member.described, never))
    return routed


def test_a_cascade_is_described_with_its_members(routed: Routed) -> None:
    described = routed.models()[0]

    assert ("both", ("small", "large")) == (described.name, described.members)


def test_it_is_the_default_of_its_task_where_it_comes_first(routed: Routed) -> None:
    assert ("classify",) == routed.models()[0].defaults


def test_while_a_member_is_out_of_service_the_next_model_is_the_default(routed: Routed) -> None:
    routed.remove("small")

    assert "large" == routed.models()[0].name
    place = routed.place(None, "classify")
    assert isinstance(place, Closed)
    assert "large" == place.name


async def test_a_cascade_whose_member_still_loads_asks_for_patience(tables: Tables) -> None:
    routed = Routed(("both", "small", "large"))
    routed.join(BOTH, tables.clock)

    with pytest.raises(Loading, match="'small' is still loading"):
        await routed(asking("easy"))

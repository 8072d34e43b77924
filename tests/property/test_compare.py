"""What holds for any contenders: nobody is chosen whom another beats, and every limit is kept."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from tests.comparisons import contender

from goldcrest.compare.front import dominates, front
from goldcrest.compare.limit import excess
from goldcrest.compare.measures import MEASURES
from goldcrest.compare.pick import pick
from goldcrest.compare.result import Limit, Measured, MeasureName, TargetName, Updates
from goldcrest.compare.target import TARGETS
from goldcrest.report.labels import Box, labels

levels = st.integers(1, 6).map(float)  # few values, so that ties are common
points = st.lists(st.tuples(levels, levels, levels), min_size=1, max_size=12)


@st.composite
def contenders(draw: st.DrawFn) -> list[Measured]:
    is_judged = draw(st.booleans())
    return [
        contender(
            f"c{number}",
            0.1 * draw(levels) if is_judged else None,
            p99_ms=10 * draw(levels),
            texts_per_s=100 * draw(levels),
            resident_bytes=int(1e8 * draw(levels)),
            first_start_s=draw(levels),
            swap_s=draw(levels),
            artifact_bytes=int(5e7 * draw(levels)),
        )
        for number in range(draw(st.integers(1, 7)))
    ]


@st.composite
def limits(draw: st.DrawFn) -> tuple[Limit, ...]:
    bounds: dict[MeasureName, float] = {"p99": 0.01, "memory": 1e8, "start": 1.0, "artifact": 5e7}
    named = draw(st.lists(st.sampled_from(sorted(bounds)), unique=True, max_size=3))
    return tuple(
        Limit(measure=name, bound=bounds[name] * draw(levels), by=f"--max-{name}") for name in named
    )


targets = st.sampled_from(get_args(TargetName)).map(lambda name: TARGETS[name])
updates = st.sampled_from(get_args(Updates))


def coordinates(one: Measured) -> tuple[float, ...]:
    """Every figure that is weighed; more is better."""
    found = ((measure, measure.read(one)) for measure in MEASURES.values())
    return tuple(v if m.is_more_better else -v for m, v in found if v is not None)


@given(points)
def test_no_point_of_the_front_is_dominated_and_every_other_is_by_one_of_it(
    given_points: list[tuple[float, ...]],
) -> None:
    best = [given_points[number] for number in front(given_points)]

    assert best
    for point in given_points:
        assert (point in best) != any(dominates(other, point) for other in best)


@given(points, st.randoms(use_true_random=False))
def test_the_front_does_not_depend_on_the_order(given_points, random) -> None:
    shuffled = random.sample(given_points, len(given_points))

    assert sorted(given_points[n] for n in front(given_points)) == sorted(
        shuffled[n] for n in front(shuffled)
    )


@given(contenders(), targets, updates, limits())
def test_the_pick_keeps_every_limit_and_nobody_that_does_beats_it(
    found, target, often, given_limits
) -> None:
    choice = pick(found, target, often, given_limits)

    fitting = [one for one in found if all(excess(one, limit) <= 1 for limit in choice.limits)]
    assert bool(choice.chosen) == bool(fitting)
    if fitting:
        [best] = [one for one in fitting if one.name == choice.chosen]
        assert not any(dominates(coordinates(one), coordinates(best)) for one in fitting)


@given(contenders(), targets, updates, limits())
def test_the_sentence_names_the_pick_or_the_nearest_and_every_limit_it_is_held_to(
    found, target, often, given_limits
) -> None:
    choice = pick(found, target, often, given_limits)

    assert (choice.chosen or choice.nearest) in choice.reason
    if choice.chosen:
        assert all(
            MEASURES[limit.measure].written(limit.bound) in choice.reason for limit in choice.limits
        )


@given(contenders(), targets, updates, limits())
def test_a_looser_limit_excludes_nobody_more(found, target, often, given_limits) -> None:
    looser = tuple(
        Limit(measure=limit.measure, bound=2 * limit.bound, by=limit.by) for limit in given_limits
    )

    strict = {one.name for one in pick(found, target, often, given_limits).broken}
    loose = {one.name for one in pick(found, target, often, looser).broken}

    assert loose <= strict


@given(
    st.lists(
        st.tuples(st.floats(70, 740), st.floats(35, 270), st.text("abc:48", max_size=16)),
        max_size=12,
    )
)
def test_every_point_gets_its_name_and_few_points_get_names_that_do_not_touch(drawn) -> None:
    placed = labels(drawn, Box(64, 30, 760, 274))

    assert [name for _, _, name in drawn] == [label.text for label in placed]
    if len(drawn) == 2:
        one, other = (label.box for label in placed)
        assert not one.meets(other)

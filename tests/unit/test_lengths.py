"""Lengths of texts: distributions, what limits cut and cost, what is advised, and how it is shown."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from rich.console import Console

from goldcrest.errors import ConfigError, DataProblem, UnknownModel
from goldcrest.lengths.choices import Choice, advice, choices, limits, percent
from goldcrest.lengths.distribution import Between, Distribution, of_buckets, of_lengths
from goldcrest.lengths.page import html
from goldcrest.lengths.picture import show
from goldcrest.lengths.prices import Prices
from goldcrest.lengths.result import BOUNDS, LengthsReport, Subject, weighed
from goldcrest.lengths.server import from_server
from goldcrest.lengths.words import shares
from goldcrest.metrics import Metrics
from goldcrest.packing.cost import CostTable
from goldcrest.packing.ladder import ladder
from goldcrest.records import RequestRecord

COUNTED = of_lengths([10] * 90 + [100] * 9 + [300])


def prices(*, per_slot_s: float = 0.0001) -> Prices:
    """Every shape costs a millisecond, and so much per slot."""
    costs = {shape: 0.001 + per_slot_s * shape.n_slots for shape in ladder(512)}
    return Prices(CostTable(costs), precision="int8")


def test_a_limit_cuts_the_texts_that_are_longer():
    assert Between(10, 10) == COUNTED.n_longer(64)
    assert Between(1, 1) == COUNTED.n_longer(100)


def test_a_limit_drops_the_tokens_beyond_it():
    assert Between(9 * 36 + 236, 9 * 36 + 236) == COUNTED.n_dropped(64)
    assert Between(900 + 9 * 64 + 64, 900 + 9 * 64 + 64) == COUNTED.n_run(64)


def test_quantiles_are_the_most_tokens_of_the_shortest():
    assert [10, 10, 100, 100, 300] == [COUNTED.quantile(s) for s in (0, 0.9, 0.91, 0.99, 1)]


def test_buckets_hold_what_is_at_most_their_bound():
    assert [90, 0, 9, 1] == COUNTED.buckets((10, 99, 100))


def test_a_histogram_is_exact_at_its_bounds():
    found = of_buckets((16, 32), (5, 3, 2), n_tokens=5 * 10 + 3 * 20 + 2 * 50)

    assert Between(5, 5) == found.n_longer(16)
    assert Between(2, 2) == found.n_longer(32)
    assert Between(2, 5) == found.n_longer(20)


def test_the_tokens_of_a_histogram_bound_what_runs():
    found = of_buckets((16, 32), (5, 3, 2), n_tokens=5 * 10 + 3 * 20 + 2 * 50)

    run = found.n_run(32)

    assert (5 * 1 + 3 * 17 + 2 * 32, 5 * 16 + 3 * 32 + 2 * 32) == (120, 240)
    assert 120 <= run.low <= 5 * 10 + 3 * 20 + 2 * 32 <= run.high <= 210 - 2


def test_no_text_of_the_last_bucket_is_longer_than_all_tokens_allow():
    found = of_buckets((16,), (4, 2), n_tokens=4 * 5 + 17 + 83)

    assert 4 * 5 + 17 + 83 - 4 * 1 - 17 == found.quantile(1)


def test_texts_of_a_bucket_are_taken_to_be_as_long_as_they_come_to():
    found = of_buckets((16, 32), (500, 500, 0), n_tokens=500 * 8 + 500 * 24)

    assert pytest.approx(16, rel=0.1) == found.sample(4000).mean()


def test_limits_go_up_to_the_model_s_own():
    assert (16, 32, 48, 64, 96, 100) == limits(100)
    assert 512 == limits(512)[-1]
    assert (384, 512, 1000) == limits(1000)[-3:]


def test_every_limit_is_a_bound_of_the_server_s_histogram():
    assert set(limits(512)) <= set(BOUNDS)


def test_the_smallest_limit_that_keeps_enough_is_advised():
    advised = advice(choices(COUNTED, 512), keep=0.99)

    assert (128, True) == (advised.max_length, advised.is_enough)
    assert advised.reason == (
        "128 is the smallest limit that keeps 99 % of the texts whole: it cuts 1 %, which drops "
        "8.2 % of all tokens; 96 would cut 10 %; against 512 it saves 8.2 % of all tokens"
    )


def test_all_texts_may_be_asked_to_stay_whole():
    assert 384 == advice(choices(COUNTED, 512), keep=1.0).max_length


@pytest.mark.parametrize(
    ("is_set", "said"), [(False, "64, all it takes"), (True, "raise it if the model takes more")]
)
def test_where_no_limit_keeps_enough_that_is_said(is_set, said):
    advised = advice(choices(COUNTED, 64), keep=0.99, is_set=is_set)

    assert (64, False) == (advised.max_length, advised.is_enough)
    assert said in advised.reason


def test_a_limit_between_bounds_counts_as_the_bound_below():
    found = of_buckets(BOUNDS, [99, *[0] * 8, 1, *[0] * 7], n_tokens=99 * 4 + 110)

    at_100 = choices(found, 100)[-1]

    assert Between(0, 0.01) == at_100.cut
    assert "0-1 %" == shares(at_100.cut)


def test_packed_texts_cost_what_their_tokens_do():
    cheap = prices(per_slot_s=1e-5)
    short, long = cheap.packed_s([16] * 1000, 512), cheap.packed_s([64] * 1000, 512)

    assert pytest.approx(4, rel=0.1) == long / short


def test_a_limit_cuts_what_packing_costs():
    table = prices()

    assert table.packed_s([512] * 300, 64) < table.packed_s([512] * 300, 512) / 4


def test_padding_costs_the_limit_whatever_the_text():
    table = prices(per_slot_s=1e-5)

    assert table.padded_s(512) > 20 * table.packed_s([16] * 1000, 512)


def test_few_small_shapes_are_not_enough_to_predict_from():
    table = CostTable.from_json({"1x16": 0.001, "1x32": 0.0012})

    told = weighed(Subject("m", "", 512, COUNTED, Prices(table)), 0.99)

    assert not told.has_seconds


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0 %"), (0.0001, "under 0.1 %"), (0.004, "0.4 %"), (0.99, "99 %"), (0.9999, "over 99.9 %"), (1, "100 %")],
)  # fmt: skip
def test_a_share_that_is_neither_none_nor_all_does_not_look_like_it(value, written):
    assert written == percent(value)


def report(*found: Distribution, priced: bool = False) -> LengthsReport:
    subjects = [
        Subject(f"m{number}", 'source = "m"', 512, one, prices() if priced else None)
        for number, one in enumerate(found)
    ]
    return LengthsReport(
        source="texts.csv",
        keep=0.99,
        models=[weighed(subject, 0.99) for subject in subjects],
        version="1",
        at="now",
    )


def shown(told: LengthsReport, encoding: str = "utf-8") -> str:
    page = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    show(told, Console(file=page, width=120))
    page.seek(0)
    return page.read()


def test_a_terminal_shows_bars_the_table_and_what_to_set():
    told = shown(report(COUNTED))

    assert "  9-12  ████████████████████████████████████████  90 %" in told
    assert "       128        1 %        8.2 %        19.3     128 (6.6x)" in told
    assert '[[models]]\nsource = "m"\nmax_length = 128\n' in told
    assert "Costs are told in tokens only" in told


def test_an_output_that_knows_no_blocks_gets_other_bars():
    assert "########" in shown(report(COUNTED), encoding="ascii")


def test_seconds_are_shown_where_they_are_known():
    told = shown(report(COUNTED, priced=True))

    assert "s per 1,000" in told
    assert "Costs are told in tokens only" not in told


def test_bounds_are_told_as_such():
    told = shown(report(of_buckets((16, 32), (98, 2, 0), n_tokens=1000)))

    assert "p50 at most 16" in told
    assert "A server counts texts by buckets" in told


def test_the_page_holds_all_models_and_needs_nothing_else():
    page = html(report(COUNTED, of_lengths([5, 6]), priced=True))

    assert "max_length: 128 for m0, 16 for m1." in page
    assert 2 == page.count("max_length = 128</text>") + page.count("max_length = 16</text>")
    assert "http" not in page.replace("http://www.w3.org", "")


def test_a_report_is_plain_data():
    told = json.loads(msgspec.json.encode(report(COUNTED, priced=True)))

    (model,) = told["models"]
    assert {"low": 0.01, "high": 0.01} == model["choices"][5]["cut"]
    assert 128 == model["advice"]["max_length"]


class Pages:
    """A server that is asked for pages."""

    def __init__(self, *lengths: int, key: str = "", members: Sequence[str] = ()) -> None:
        metrics = Metrics(version="1")
        for model in ("a", "b") if lengths else ():
            metrics.record(record(model, lengths))
        self._key = key
        self._pages = {
            "/metrics": metrics.render(),
            "/v1/models": json.dumps(
                {"data": [{"id": "a", "max_length": 64, "precision": "int8", "members": members}]}
            ).encode(),
            "/debug/batches": json.dumps(
                {"lanes": [{"model": "a", "costs": prices().table.to_json()}]}
            ).encode(),
        }

    def __call__(self, _: str, path: str, key: str) -> tuple[int, bytes]:
        return (200, self._pages[path]) if key == self._key else (401, b"{}")


def record(model: str, lengths: tuple[int, ...]) -> RequestRecord:
    return RequestRecord(
        task="classify",
        model=model,
        outcome="ok",
        n_items=len(lengths),
        n_tokens=sum(lengths),
        n_truncated=0,
        seconds=0.1,
        lengths=lengths,
    )


def test_what_a_server_counted_is_read_per_model():
    found = from_server("http://s", fetch=Pages(10, 20, 20, 700, 5000))

    assert ["a", "b"] == [one.name for one in found]
    assert [5, 5] == [one.found.n_texts for one in found]
    assert 5750 == found[0].found.n_tokens
    assert Between(2, 2) == found[0].found.n_longer(512)


def test_a_server_tells_its_limits_and_what_its_grids_cost():
    known, other = from_server("http://s", fetch=Pages(10))

    assert (64, 'name = "a"', "int8") == (
        known.limit,
        known.setting,
        known.prices and known.prices.precision,
    )
    assert (512, None) == (other.limit, other.prices)


def test_of_a_cascade_no_setting_is_advised():
    cascade, other = from_server("http://s", fetch=Pages(10, members=["b", "c"]))

    assert (
        weighed(cascade, 0.99).setting == "# A cascade has the lengths of its members: set those."
    )
    assert weighed(other, 0.99).setting.startswith('[[models]]\nname = "b"')


def test_one_model_of_a_server_may_be_asked_for():
    assert ["b"] == [one.name for one in from_server("http://s", model="b", fetch=Pages(10))]


def test_a_server_with_keys_is_shown_one():
    assert from_server("http://s", key="k", fetch=Pages(10, key="k"))


def gone(*_: str) -> tuple[int, bytes]:
    raise ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize(
    ("fetch", "error", "said"),
    [
        (Pages(10, key="k"), ConfigError, "wants a key that it knows; give one with --key-env"),
        (Pages(), DataProblem, "has counted no text yet"),
        (lambda *_: (404, b""), ConfigError, r"\(status 404\) is not what a Goldcrest server"),
        (lambda *_: (200, b"<html>"), ConfigError, "is not what a Goldcrest server tells"),
        (gone, ConfigError, "cannot be reached: .*Connection refused"),
    ],
)
def test_a_server_that_tells_nothing_is_one_sentence(fetch, error, said):
    with pytest.raises(error, match=said):
        from_server("http://s", fetch=fetch)


def test_a_model_that_a_server_has_not_is_named():
    with pytest.raises(UnknownModel, match="there are: a, b"):
        from_server("http://s", model="c", fetch=Pages(10))


def choice(max_length: int, cut: float) -> Choice:
    exact: dict[str, Any] = {"dropped": Between(0, 0), "run": Between(9, 9)}
    return Choice(max_length=max_length, cut=Between(cut, cut), **exact)


def test_a_share_that_is_just_reached_is_enough():
    assert 32 == advice([choice(16, 0.1), choice(32, 1 - 0.95)], keep=0.95).max_length

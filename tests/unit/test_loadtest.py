"""The parts of a load test that need no server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.reports import load_report, step_of

from goldcrest.errors import ConfigError
from goldcrest.loadtest import tally, watching
from goldcrest.loadtest.arrivals import Spike, read_spike
from goldcrest.loadtest.columns import Rows
from goldcrest.loadtest.connection import RESET, Request
from goldcrest.loadtest.constraint import hold, read_mib
from goldcrest.loadtest.course import Course, check, is_loopback
from goldcrest.loadtest.crew import Sent
from goldcrest.loadtest.groups import Limits
from goldcrest.loadtest.objective import excess, is_within, latency_limit_ms, read_slo
from goldcrest.loadtest.profiles import DEFAULT, Given, builtin, find, read_mix
from goldcrest.loadtest.protocols import PROTOCOLS, Asked, head, written
from goldcrest.loadtest.replay import read_recorded
from goldcrest.loadtest.result import LoadReport, Step, read, write
from goldcrest.loadtest.stock import Stock
from goldcrest.loadtest.texts import Texts
from goldcrest.metrics.scraping import read_metrics


def rows(latency_ms: list[float], outcome: list[int] | None = None) -> Rows:
    n = len(latency_ms)
    return Rows(
        due=np.linspace(0, 1, n, endpoint=False),
        latency=np.array(latency_ms) / 1000,
        lag=np.zeros(n),
        label=np.zeros(n, np.int16),
        outcome=np.array(outcome or [0] * n, np.int16),
    )


def tallied(seen: Rows, slo: str = "", **sent: Any) -> Step:
    asked = tally.Asked(
        kind="step", mode="poisson", rate=10.0, clients=0, slo=read_slo(slo) if slo else None
    )
    figures: dict[str, Any] = {"n_waited": 0, "cpu_share": 0.1, **sent}
    whole = Sent(began=0.0, seconds=1.0, rows=seen, n_asked=len(seen), **figures)
    return tally.step(asked, whole)


# Objectives


def test_an_objective_is_read_with_its_units() -> None:
    slo = read_slo("p99 < 0.05s, errors<=0.1%, goodput>99%")

    assert ["p99", "errors", "goodput"] == [term.measure for term in slo.terms]
    assert [50.0, 0.001, 0.99] == pytest.approx([term.limit for term in slo.terms])


def test_an_objective_that_names_no_failures_tolerates_few() -> None:
    assert ["p99", "errors", "refused"] == [term.measure for term in read_slo("p99<50ms").terms]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "p99",
        "p99<50",
        "p98<50ms",
        "p99>50ms",
        "errors<5ms",
        "goodput<9%",
        "errors<101%",
        "p99<0ms",
    ],
)
def test_an_objective_that_nobody_understands_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read_slo(text)


def test_how_far_a_step_is_from_its_objective() -> None:
    step = tallied(rows([10.0] * 98 + [200.0] * 2))

    assert excess(step, read_slo("p99<100ms")) == pytest.approx(2.0)
    assert is_within(step, read_slo("p95<100ms,p99<250ms"))
    assert latency_limit_ms(read_slo("p95<100ms,p99<250ms")) == 250


def test_answers_that_never_come_are_no_way_to_a_good_latency() -> None:
    step = tallied(rows([1.0] * 10, [0] * 8 + [RESET, RESET]))

    assert not is_within(step, read_slo("p99<50ms"))


def test_a_step_without_answers_is_infinitely_far_off() -> None:
    assert excess(tallied(rows([], [])), read_slo("p99<50ms")) == float("inf")


# Steps


def test_answers_that_come_after_the_last_request_was_due_are_not_in_the_rate() -> None:
    step = tallied(rows([100.0] * 9 + [5000.0]))

    assert (10, 9.0) == (step.answered, step.rate)


def test_good_answers_are_those_within_the_latency_of_the_objective() -> None:
    step = tallied(rows([10.0] * 6 + [90.0] * 2 + [10.0] * 2, [0] * 8 + [500, 1429]), "p99<50ms")

    assert 0.6 == step.goodput
    assert ({"500": 1}, 1) == (step.errors, step.refused)


def test_a_busy_client_is_said_to_be_the_limit() -> None:
    assert "--processes" in tallied(rows([1.0] * 9), cpu_share=0.97).problem


def test_late_requests_are_said_to_be_the_clients_fault() -> None:
    late = msgspec.structs.replace(rows([20.0] * 100), lag=np.full(100, 0.015))

    assert "late" in tallied(late).problem


# Profiles, texts, classes


def test_the_default_profile_is_built_in() -> None:
    assert DEFAULT in builtin()


@pytest.mark.parametrize(("name", "mean"), [("intents", 11.0), ("tweets", 26.0), ("reviews", 22.6)])
def test_a_built_in_profile_has_the_mean_length_of_its_texts(name: str, mean: float) -> None:
    lengths = find(name).sample_tokens(20_000, np.random.default_rng(0))

    assert lengths.mean() == pytest.approx(mean, rel=0.05)


def test_repeats_are_asked_for_and_some_texts_come_far_more_often() -> None:
    profile = msgspec.structs.replace(find("tweets"), repeats=0.8)
    texts = Texts(profile, seed=3)

    made = [texts.take().text for _ in range(2000)]

    assert len(set(made)) == pytest.approx(400, rel=0.2)
    assert max(map(made.count, set(made))) > 100


def test_texts_and_classes_of_a_file_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text('{"text": "a", "class": "bulk"}\n{"text": "b"}\n')

    assert (Given("a", "bulk"), Given("b")) == find(str(file)).texts


@pytest.mark.parametrize("content", ["", '{"text": 1}', '{"text": "a", "class": "urgent"}'])
def test_a_file_that_holds_no_texts_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "texts"
    file.write_text(content)

    with pytest.raises(ConfigError):
        find(str(file))


def test_a_profile_that_is_nowhere_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="tweets"):
        find("twets")


def test_a_mix_is_scaled_to_whole() -> None:
    assert {"interactive": 0.25, "bulk": 0.75} == read_mix("interactive=1,bulk=3")


@pytest.mark.parametrize(
    "text", ["", "urgent=1", "bulk", "bulk=x", "bulk=0", "bulk=-1", "bulk=nan"]
)
def test_a_mix_that_nobody_understands_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read_mix(text)


def test_recorded_arrivals_are_put_in_order_and_begin_at_nought(tmp_path: Path) -> None:
    file = tmp_path / "arrivals.jsonl"
    file.write_text(
        '{"at": "2026-01-01T10:00:02Z", "class": "bulk"}\n{"at": "2026-01-01T10:00:00Z"}\n'
    )

    recorded = read_recorded(file)

    assert [0.0, 2.0] == recorded.offsets.tolist()
    assert ["", "bulk"] == list(recorded.classes)
    assert recorded.faster(4).seconds == 0.5


@pytest.mark.parametrize("content", ["1", "1\nx", '{"at": 1}\n{"to": 2}', "1\nnan"])
def test_arrivals_that_nobody_understands_are_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "arrivals"
    file.write_text(content)

    with pytest.raises(ConfigError):
        read_recorded(file)


def test_a_spike_lasts_a_second_unless_it_says_otherwise() -> None:
    assert (Spike(5, 10, 1), Spike(2.5, 1, 3)) == (read_spike("5x@10s"), read_spike("2.5x@1s+3s"))


# Protocols

ANSWERS = {
    "classify": b'{"predictions": [[0.1], [0.2]]}',
    "openai": b'{"data": [{"embedding": [1]}, {"embedding": [2]}]}',
    "tei-embed": b"[[1], [2]]",
    "tei-predict": b'[[{"score": 1}], [{"score": 2}]]',
    "infinity-classify": b'{"data": [[{"score": 1}], [{"score": 2}]]}',
    "infinity-embed": b'{"data": [{"embedding": [1]}, {"embedding": [2]}]}',
}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_an_answer_has_a_row_for_every_text(name: str) -> None:
    asking = PROTOCOLS[name]

    assert asking.is_answer(ANSWERS[name], 2)
    assert not asking.is_answer(ANSWERS[name], 3)
    assert not asking.is_answer(b'{"error": {}}', 2)
    assert not asking.is_answer(b"", 2)


def test_a_request_is_written_whole() -> None:
    beginning = head(route="/classify", host="h:1")

    request = written(beginning, PROTOCOLS["classify"], Asked(["é"]))

    lines, _, body = request.partition(b"\r\n\r\n")
    assert lines.split(b"\r\n")[0] == b"POST /classify HTTP/1.1"
    assert b"Content-Length: %d" % len(body) in lines
    assert body == '{"text":"é"}'.encode()


# Courses


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"url": "ftp://x"}, "URL"),
        ({"url": "http://me:secret@x:1", "rates": (1.0,)}, "--key-env"),
        ({"url": "http://x:1/classify?key=secret", "rates": (1.0,)}, "path"),
        ({"url": "http://x:1"}, "--rate"),
        ({"url": "http://x:1", "spike": Spike(5, 1), "finds_max": True}, "--slo"),
        ({"url": "http://x:1", "spike": Spike(5, 1), "mode": "closed", "clients": (1,)}, "--spike"),
        ({"url": "http://x:1", "finds_max": True}, "--slo"),
        ({"url": "http://x:1", "mode": "closed", "clients": (1,), "rates": (1.0,)}, "--clients"),
        ({"url": "http://x:1", "ramps": True, "rates": (1.0,)}, "--ramp"),
        ({"url": "http://x:1", "rates": (1.0,), "max_connections": 0}, "--max-connections"),
        ({"url": "http://me:secret@x:99999", "rates": (1.0,)}, "x:99999"),
        ({"url": "http://[::1", "rates": (1.0,)}, "URL"),
        ({"url": "http://x:1", "rates": (float("nan"),)}, "nan"),
        ({"url": "http://x:1", "rates": (-5.0,)}, "-5"),
        ({"url": "http://x:1", "mode": "closed", "clients": (5000,)}, "4,096"),
        ({"url": "http://x:1", "rates": (1.0,), "spike": Spike(5, 10)}, "--seconds"),
    ],
)
def test_a_course_that_cannot_be_run_is_refused(wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refusal:
        check(Course(profile=find("sms"), **wanted))

    assert "secret" not in str(refusal.value)


def test_an_address_with_colons_keeps_its_brackets() -> None:
    course = Course(url="http://[::1]:8000", profile=find("sms"), rates=(1.0,))
    check(course)

    assert "http://[::1]:8000" == course.base


def test_only_this_machine_is_loaded_unasked() -> None:
    here = ("127.0.0.1", "127.8.9.1", "::1", "localhost")
    assert all(map(is_loopback, here))
    assert not any(map(is_loopback, ("10.0.0.1", "localhost.example.com", "example.com")))


# Reports


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    report = load_report()
    file = tmp_path / "report.json"

    write(report, file)

    assert report == read(file)


@pytest.mark.parametrize("content", ["", "{}", '{"format": 99}', '{"format": 1}'])
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(content)

    with pytest.raises(ConfigError):
        read(file)


def test_steps_that_warm_up_or_that_the_client_limited_do_not_count() -> None:
    good = step_of(rate=100.0)
    replace = msgspec.structs.replace
    steps = (replace(good, kind="warm-up"), good, replace(good, problem="too slow"))

    assert (good,) == msgspec.structs.replace(load_report(), steps=steps).counted


# The server's own figures

PAGE = b"""goldcrest_info{version="1"} 1
goldcrest_engine_busy_seconds_total{model="a"} %d
goldcrest_engine_cpu_seconds_total{model="a"} %d
goldcrest_requests_total{task="classify",model="a",outcome="ok"} %d
goldcrest_requests_total{task="classify",model="a",outcome="overloaded"} 7
goldcrest_dispatches_total{model="a",reason="knee"} %d
process_cpu_seconds_total %d
"""


def test_a_step_is_told_what_the_server_counted_meanwhile() -> None:
    before = read_metrics(PAGE % (1, 2, 10, 3, 5))
    after = read_metrics(PAGE % (3, 6, 110, 8, 12))

    step = watching.between(before, after, seconds=4.0)

    assert step is not None
    assert (2.0, 0.5, 4.0, 7.0, 100) == (
        step.busy_s,
        step.busy_share,
        step.engine_cpu_s,
        step.cpu_s,
        step.n_requests,
    )
    assert {"knee": 5} == step.reasons


def test_processor_time_outside_the_engine_is_reckoned_per_request() -> None:
    first, last = (read_metrics(PAGE % row) for row in ((1, 2, 10, 3, 5), (3, 6, 110, 8, 12)))
    step = watching.between(first, last, seconds=4.0)
    assert step is not None

    server = watching.describe(lambda _: None, (step,))

    assert server.outside_cpu_s_per_request == pytest.approx(0.03)
    assert server.engine_cpu_share == 2.0


def test_costs_are_read_from_the_debug_endpoint() -> None:
    page = b"""{"lanes": [{"name": "s#1", "model": "s", "seconds_per_token": 1e-4, "is_ready": true,
    "costs": {"1x16": 0.002}}], "slots": [{"lane": null}, {"lane": null}], "recent": []}"""

    lanes, n_slots = watching.lanes(lambda path: page if path == "/debug/batches" else None)

    assert 2 == n_slots
    assert ("s#1", 1e-4, {"1x16": 0.002}) == (
        lanes[0].lane,
        lanes[0].seconds_per_token,
        lanes[0].costs,
    )


def test_a_server_of_another_kind_says_nothing() -> None:
    assert watching.sample(lambda _: b"python_info 1\n") is None
    assert watching.sample(lambda _: b"<html>") is None
    assert watching.lanes(lambda _: b"<html>") == ((), 1)


# Constraints


@pytest.mark.parametrize(("text", "mib"), [("512M", 512), ("2G", 2048), ("1.5GiB", 1536)])
def test_sizes_are_read(text: str, mib: int) -> None:
    assert mib == read_mib(text)


@pytest.mark.parametrize("text", ["", "512", "1M", "lots"])
def test_sizes_that_nobody_understands_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read_mib(text)


def test_a_control_group_is_used_where_one_can_be_made(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("0::/us\n")
    (tmp_path / "us").mkdir()
    (tmp_path / "us" / "cgroup.subtree_control").write_text("cpu memory pids\n")

    held = hold(Limits(1.5, 512), usable=frozenset({0, 1, 2}), groups=tmp_path, own=own)

    group = tmp_path / "us" / f"goldcrest-loadtest-{os.getpid()}"
    assert (group,) == held.groups
    assert "150000 100000" == (group / "cpu.max").read_text()
    assert str(512 * 2**20) == (group / "memory.max").read_text()
    assert (frozenset({0, 1}), frozenset({2}), 0) == (
        held.cores,
        held.client_cores,
        held.data_bytes,
    )


def test_of_the_older_control_groups_one_is_used_for_each_limit(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("4:memory:/us\n1:cpu,cpuacct:/\n0::/\n")
    for folder in ("memory/us", "cpu"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "cgroup.procs").touch()

    held = hold(Limits(1.5, 512), usable=frozenset({0, 1, 2}), groups=tmp_path, own=own)

    cpu, memory = held.groups
    assert (tmp_path / "cpu", tmp_path / "memory" / "us") == (cpu.parent, memory.parent)
    assert "150000" == (cpu / "cpu.cfs_quota_us").read_text()
    assert str(512 * 2**20) == (memory / "memory.limit_in_bytes").read_text()
    assert 0 == held.data_bytes


def test_without_control_groups_the_means_are_lesser_and_the_report_says_so(tmp_path: Path) -> None:
    held = hold(Limits(1, 512), usable=frozenset({4, 7}), groups=tmp_path / "none")

    assert ((), frozenset({4}), frozenset({7})) == (held.groups, held.cores, held.client_cores)
    assert held.data_bytes > 512 * 2**20
    assert any("RLIMIT_DATA" in means for means in held.constraint.means)
    assert any("times as much" in caveat for caveat in held.constraint.caveats)


def test_a_client_without_a_core_of_its_own_is_said_to_compete(tmp_path: Path) -> None:
    held = hold(Limits(2, 0), usable=frozenset({0, 1}), groups=tmp_path / "none")

    assert held.client_cores is None
    assert any("competes" in caveat for caveat in held.constraint.caveats)


def test_nothing_is_held_where_nothing_is_asked(tmp_path: Path) -> None:
    held = hold(Limits(), usable=frozenset({0, 1}), groups=tmp_path)

    assert ((), None, 0) == (held.groups, held.cores, held.data_bytes)
    assert ((), ()) == (held.constraint.means, held.constraint.caveats)


def test_the_report_type_is_the_one_that_is_read() -> None:
    assert isinstance(
        msgspec.json.decode(msgspec.json.encode(load_report()), type=LoadReport), LoadReport
    )


# Requests made ahead


def test_a_long_step_makes_its_requests_as_it_goes() -> None:
    made: list[float] = []

    def make() -> Iterator[Request]:
        for number in range(1000):
            made.append(number)
            yield Request(b"", float(number), 0, 1)

    stock = Stock(make(), n_ahead=3)
    stock.begin(10.0)
    taken = [stock.take().due for _ in range(2)]

    assert [10.0, 11.0] == taken
    assert 12.0 == stock.due()
    assert 5 == len(made)


def test_a_stock_ends_with_its_last_request() -> None:
    stock = Stock(iter([Request(b"", 0.5, 0, 1)]))
    stock.take()

    assert stock.due() is None

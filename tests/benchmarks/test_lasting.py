"""Starts, memory over many requests, and processor time by thread."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.answers import Reference
from benchmarks.machine import this_machine
from benchmarks.measure import Bench
from benchmarks.peer import Peer, Site, builtin, goldcrest, guide
from benchmarks.process import BenchmarkError
from benchmarks.report import Results, as_json, as_markdown
from benchmarks.series import parts_of
from benchmarks.server import Server, free_port, serving
from benchmarks.soak import N_BEFORE, Moment, Soak, part_sizes, soak
from benchmarks.starting import Start, Starter, starts_table
from benchmarks.threads import Thread, grouped, ms_by_group, read_thread, threads_of
from benchmarks.workload import Size, Texts
from docs.measured import lasting
from tests.benchmarks.test_comparison import FAKE, ROOT, TEXTS

NAMES = {"tokenize": "tokenise", "slot-": "slots"}


def fake(temper: str = "well") -> Peer:
    return replace(goldcrest("int8"), command=("{python}", str(FAKE), "{port}", temper))


def site(home: Path) -> Site:
    python = Path(sys.executable)
    return Site(python, home, home, home, home, port=free_port())


@contextmanager
def running(home: Path, temper: str = "well") -> Iterator[Server]:
    with serving(fake(temper), site(home), probes=TEXTS.take(3), log=home / "log") as server:
        yield server


def starter(home: Path) -> Starter:
    return Starter(lambda _: site(home), TEXTS.take(3), lambda _: home / "log")


def bench(home: Path) -> Bench:
    return Bench(ROOT, home, Size(), Reference({}))


def thread(tid: int, name: str, cpu_s: float) -> Thread:
    return Thread(tid, name, started=tid, cpu_s=cpu_s)


def test_processor_time_is_told_by_thread() -> None:
    threads = [
        thread(7, "goldcrest", 1.0),
        thread(8, "slot-0", 2.0),
        thread(9, "goldcrest", 4.0),
        thread(10, "tokenize_0", 8.0),
    ]

    found = grouped(threads, 7, NAMES)

    assert {"event loop": 1.0, "tokenise": 8.0, "slots": 2.0, "engine": 4.0} == found


def test_a_thread_that_took_over_a_name_is_the_engines() -> None:
    threads = [thread(9, "slot-0", 4.0), thread(7, "main", 1.0), thread(8, "slot-0", 2.0)]

    found = grouped(threads, 7, NAMES)

    assert found is not None
    assert (2.0, 4.0) == (found["slots"], found["engine"])


def test_a_server_without_names_has_no_groups() -> None:
    assert grouped([thread(7, "main", 1.0), thread(8, "main", 2.0)], 7, NAMES) is None


def test_milliseconds_are_those_of_a_text() -> None:
    before, after = {"slots": 1.0}, {"slots": 3.0}

    assert {"slots": 20.0} == ms_by_group(before, after, 100)


@pytest.mark.parametrize(("before", "after"), [(None, {"slots": 1.0}), ({"slots": 1.0}, None)])
def test_without_groups_nothing_is_told(
    before: dict[str, float] | None, after: dict[str, float] | None
) -> None:
    assert {} == ms_by_group(before, after, 100)


def test_a_thread_may_have_brackets_in_its_name() -> None:
    line = "12 (a) b (c) S 1 1 1 0 -1 4 5 0 0 0 150 50 0 0 20 0 9 0 777 99 3"

    assert Thread(12, "a) b (c", 777, 2.0) == read_thread(line)


def test_the_main_thread_has_the_number_of_its_process() -> None:
    assert os.getpid() in {thread.tid for thread in threads_of(os.getpid())}


def test_a_server_with_a_cache_starts_twice_in_the_same_one(tmp_path: Path) -> None:
    first, second = starter(tmp_path).twice(fake())

    assert ("first", "second") == (first.which, second.which)
    assert 0 < second.cpu_s < second.seconds * 10


def test_a_server_without_a_cache_starts_once(tmp_path: Path) -> None:
    plain = replace(fake(), env={})

    assert ["second"] == [start.which for start in starter(tmp_path).twice(plain)]


@pytest.mark.parametrize(("peer", "expected"), [(builtin(), True), (guide(), False)])
def test_only_goldcrest_keeps_a_cache(peer: Peer, expected: bool) -> None:
    assert expected == any("{home}" in value for value in peer.env.values())


def test_starts_are_shown_as_medians_with_their_range() -> None:
    starts = [Start("a", "A", "second", seconds, 0.5) for seconds in (3.0, 1.0, 2.0)]

    assert "| A | - | - | 2.00 (1.00-3.00) | 0.50 | 3 |" in starts_table(starts)


def test_parts_make_up_the_whole() -> None:
    assert [10_000, 7] == [sum(part_sizes(10_000)), sum(part_sizes(7))]


def test_memory_is_read_after_every_part(tmp_path: Path) -> None:
    n_parts = 0

    def on_part() -> None:
        nonlocal n_parts
        n_parts += 1

    with running(tmp_path) as server:
        found = soak(server, bench(tmp_path), Texts(["a", "b", "c"] * 40, 1), 20, on_part)

    assert 11 == n_parts
    assert [0, N_BEFORE, N_BEFORE + 20] == [found.moments[index].n_requests for index in (0, 1, -1)]
    assert found.n_texts > N_BEFORE + 20
    assert all(5 < moment.resident_mib < 500 for moment in found.moments)


def test_errors_end_the_memory_test(tmp_path: Path) -> None:
    with running(tmp_path, "errors") as server, pytest.raises(BenchmarkError, match="status 500"):
        soak(server, bench(tmp_path), TEXTS, 0, lambda: None)


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="rest"):
        parts_of("load,rest")


def test_parts_keep_their_order() -> None:
    assert ("start", "soak") == parts_of("soak,start")


def results() -> Results:
    moments = (Moment(0, 300.0), Moment(1000, 310.0), Moment(11_000, 312.0))
    return Results(
        date="today",
        command="bench",
        machine=this_machine(),
        versions={},
        size=Size(),
        repeats=1,
        spread=0.2,
        peers=(fake(),),
        first_start_s={},
        runs=(),
        failures=(),
        starts=(Start("a", "A", "first", 2.5, 3.0), Start("a", "A", "second", 1.5, 1.25)),
        soak=Soak("A", moments, 15_000, {"event loop": 0.25}),
    )


def test_the_page_of_parts_alone_shows_only_them() -> None:
    page = as_markdown(results())

    assert "| A | 2.50 | 3.00 | 1.50 | 1.25 | 2 |" in page
    assert "| A | 300.0 | 310.0 | 312.0 | 2.0 |" in page
    assert "CPU ms/text by thread: event loop 0.250." in page
    assert "## Throughput" not in page


def test_the_readme_says_what_the_json_holds() -> None:
    found = "\n".join(lasting(as_json(results())))

    assert "| A | 2.50 | 1.50 |" in found
    assert "A held 310 MiB after 1,000 requests of mixed lengths and sizes" in found
    assert "312 MiB after 11,000." in found


def test_the_readme_says_nothing_of_what_was_not_measured() -> None:
    assert [] == list(lasting({"runs": []}))

"""The harness from end to end, against a server without a model."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.answers import Deviation, Reference, deviation
from benchmarks.machine import this_machine
from benchmarks.measure import Bench, Level, Run, measure, percentiles
from benchmarks.peer import (
    PEERS,
    Peer,
    Site,
    Tolerance,
    chosen,
    goldcrest,
    infinity_answer,
)
from benchmarks.process import BenchmarkError, run_to_end, started
from benchmarks.quick import check
from benchmarks.report import Failure, Results, as_json, as_markdown
from benchmarks.series import faults
from benchmarks.server import Server, exchange, free_port, read_metrics, serving
from benchmarks.stage import Stage, prepare
from benchmarks.workload import Script, Size, Texts, write_script
from rich.console import Console
from tests.benchmarks.fake_server import probabilities

ROOT = Path(__file__).parents[2]
FAKE = Path(__file__).with_name("fake_server.py")
QUIET = Console(quiet=True)
SIZE = Size(clients=(1, 4), requests=40, seconds=0.05, warm_up=8, checked=10, fastest=1000)
TEXTS = Texts([f"word{n}" for n in range(100)], seed=0)


def fake(temper: str = "well") -> Peer:
    return replace(
        goldcrest("int8"), command=("{python}", str(FAKE), "{port}", temper), name="fake"
    )


def site(home: Path) -> Site:
    return Site(
        python=Path(sys.executable),
        model=home,
        artifact=home,
        home=home,
        programs=home,
        port=free_port(),
    )


def bench(home: Path, script: Script) -> Bench:
    texts = script.checked(SIZE)
    return Bench(ROOT, home, SIZE, Reference({text: probabilities(text) for text in texts}))


def measured(home: Path, temper: str) -> Run:
    script = write_script(TEXTS, SIZE)
    return measure(
        fake(temper),
        site(home),
        bench=bench(home, script),
        script=script,
        repeat=0,
        on_level=lambda _: None,
    )


@contextmanager
def fake_server(home: Path, temper: str = "well") -> Iterator[Server]:
    with serving(fake(temper), site(home), probes=TEXTS.take(5), log=home / "log") as server:
        yield server


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return measured(tmp_path_factory.mktemp("run"), "well")


def test_a_good_server_has_no_faults(run: Run) -> None:
    assert [] == faults(fake(), run)
    assert [0, 0] == [level.n_errors for level in run.levels]
    assert 20 == run.deviation.n_texts


def test_every_level_is_measured(run: Run) -> None:
    for level in run.levels:
        assert level.throughput > 0
        assert 0 < level.p50_ms <= level.p95_ms <= level.p99_ms
        assert level.client_core > 0
        assert level.engine_cpu_ms is not None
        assert level.engine_busy is None


def test_start_and_memory_are_measured(run: Run) -> None:
    assert 0 < run.start_s < 60
    assert 5 < run.resident_start_mib < 500


def test_wrong_answers_are_a_fault(tmp_path: Path) -> None:
    found = faults(fake(), measured(tmp_path, "wrong"))

    assert ["tolerance" in failure.reason for failure in found] == [True]


def test_errors_are_a_fault(run: Run) -> None:
    level = replace(run.levels[0], n_errors=2, first_error="status 500: {}")

    found = faults(fake(), replace(run, levels=(level,)))

    assert [Failure("fake", "2 errors at 1 clients, first: status 500: {}")] == found


def test_errors_in_the_warm_up_end_a_measurement(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="errors in the warm-up: status 500"):
        measured(tmp_path, "errors")


def test_a_server_is_ended_when_its_measurement_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), fake_server(tmp_path) as server:
        raise KeyboardInterrupt

    assert not server.started.is_running


def test_a_server_that_ignores_the_question_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.process.GRACE_S", 0.2)

    with fake_server(tmp_path, "stubborn") as server:
        pass

    assert -signal.SIGKILL == server.started.process.returncode


def test_grandchildren_are_counted_and_ended(tmp_path: Path) -> None:
    command = ("sh", "-c", "sleep 60 & echo $!; wait")
    with started(command, env={}, folder=tmp_path, log=tmp_path / "log") as process:
        while not (tmp_path / "log").read_text().strip():
            time.sleep(0.01)
        child = int((tmp_path / "log").read_text())
        assert process.usage().resident_bytes > 0

    wait_until_gone(child)


def wait_until_gone(pid: int) -> None:
    """A killed orphan is a zombie until its new parent looks."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.01)
    pytest.fail(f"process {pid} is still there")


def test_a_server_that_ends_while_starting_shows_its_last_words(tmp_path: Path) -> None:
    peer = replace(fake(), command=("sh", "-c", "echo no such model; exit 1"))

    with (
        pytest.raises(BenchmarkError, match="no such model"),
        serving(peer, site(tmp_path), probes=["x"], log=tmp_path / "log"),
    ):
        pass


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="nonesuch"):
        run_to_end(["nonesuch"], folder=tmp_path, log=tmp_path / "log")


def test_a_failing_command_shows_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="out of luck"):
        run_to_end(("sh", "-c", "echo out of luck; exit 3"), folder=tmp_path, log=tmp_path / "log")


def test_the_quick_mode_accepts_a_good_server(tmp_path: Path) -> None:
    with fake_server(tmp_path) as server:
        check(server, bench(tmp_path, write_script(TEXTS, SIZE)), TEXTS.take(80), QUIET)


@pytest.mark.parametrize(("temper", "reason"), [("wrong", "differ under load"), ("errors", "500")])
def test_the_quick_mode_refuses(tmp_path: Path, temper: str, reason: str) -> None:
    with fake_server(tmp_path, temper) as server, pytest.raises(BenchmarkError, match=reason):
        check(server, bench(tmp_path, write_script(TEXTS, SIZE)), TEXTS.take(80), QUIET)


def test_other_statuses_than_200_are_errors_outside_the_load(tmp_path: Path) -> None:
    with (
        fake_server(tmp_path) as server,
        pytest.raises(ConnectionError, match="status 404"),
    ):
        exchange(server.port, "GET", "/nowhere")


def results(run: Run, *failures: Failure) -> Results:
    return Results(
        date="today",
        command="bench",
        machine=this_machine(),
        versions={"fake": {"goldcrest": "0"}},
        size=SIZE,
        repeats=1,
        spread=0.2,
        peers=(fake(),),
        first_start_s={"fake": 1.0},
        runs=(run,),
        failures=failures,
    )


def test_the_page_has_a_row_for_each_level_and_no_ratio_without_a_baseline(run: Run) -> None:
    page = as_markdown(results(run))

    assert 2 == page.count("| goldcrest int8 | 1 |")
    assert f"| {run.levels[1].throughput:.1f} | - | - |" in page
    assert "## Failed" not in page


def test_ratios_are_to_the_baseline_at_the_same_load(run: Run) -> None:
    slow = replace(run, peer="guide", levels=tuple(_halved(run)))
    both = replace(results(run), peers=(*chosen("guide"), fake()), runs=(run, slow))

    assert f"| {run.levels[0].throughput:.1f} | 2.00 | - |" in as_markdown(both)


def _halved(run: Run) -> Iterator[Level]:
    return (replace(level, throughput=level.throughput / 2) for level in run.levels)


def test_failures_are_on_the_page_and_in_the_json(run: Run) -> None:
    found = results(run, Failure("fake", "it broke"))

    assert "- **fake**: it broke" in as_markdown(found)
    assert [{"peer": "fake", "reason": "it broke"}] == list(as_json(found)["failures"])


def stage(home: Path, *peers: Peer) -> Stage:
    return Stage(
        peers=peers,
        pythons={peer.name: Path(sys.executable) for peer in peers},
        versions={},
        model=home,
        artifact=home / "artifact",
        bench=Bench(ROOT, home, SIZE, Reference({})),
        scripts=(),
        texts=TEXTS,
    )


def test_peers_are_prepared_anew_and_only_once(tmp_path: Path) -> None:
    make = ("sh", "-c", "mkdir {artifact} && echo made >> {home}/log.txt")
    first, second = (replace(fake(), name=name, prepare=make) for name in ("a", "b"))
    (tmp_path / "artifact" / "old").mkdir(parents=True)

    prepare(stage(tmp_path, first, second), QUIET)

    assert "made\n" == (tmp_path / "log.txt").read_text()
    assert not (tmp_path / "artifact" / "old").exists()


def test_an_artifact_is_left_alone_where_no_peer_needs_one(tmp_path: Path) -> None:
    (tmp_path / "artifact").mkdir()

    prepare(stage(tmp_path, replace(fake(), prepare=())), QUIET)

    assert (tmp_path / "artifact").is_dir()


def test_percentiles_of_a_known_series() -> None:
    assert (50.0, 95.0, 99.0) == percentiles(tuple(float(n) for n in range(101)))
    assert (0.0, 0.0, 0.0) == percentiles(())


def test_a_deviation_is_the_largest_and_the_mean_difference() -> None:
    found = deviation([[0.5, 0.5], [1.0, 0.0]], [[0.5, 0.5], [0.8, 0.2]])

    assert pytest.approx((2, 0.2, 0.1, 1.0)) == (
        found.n_texts,
        found.largest,
        found.mean,
        found.same_label,
    )


@pytest.mark.parametrize("answers", [[], [[0.1, 0.2, 0.7]]])
def test_no_answers_or_others_are_never_within_tolerance(answers: list[list[float]]) -> None:
    assert not deviation(answers, [[0.5, 0.5]][: len(answers)]).is_within(Tolerance(9, 9))


def test_the_mean_counts_as_well_as_the_largest() -> None:
    assert not Deviation(4, largest=0.1, mean=0.1, same_label=1.0).is_within(Tolerance(0.2, 0.05))


def test_metrics_are_summed_over_their_labels() -> None:
    text = '# HELP x y\nx_total{a="1"} 2\nx_total{a="2"} 3.5\ny 1e-3\n'

    assert {"x_total": 5.5, "y": 0.001} == read_metrics(text)


def test_infinity_answers_are_brought_back_in_the_order_of_the_labels() -> None:
    body = '{"data": [[{"label": "LABEL_10", "score": 0.7}, {"label": "LABEL_2", "score": 0.3}]]}'

    assert [0.3, 0.7] == infinity_answer(body)


def test_peers_keep_the_order_of_the_table() -> None:
    assert ["guide", "goldcrest-bf16"] == [p.name for p in chosen("goldcrest-bf16,guide")]
    assert PEERS == chosen(None)


def test_an_unknown_peer_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        chosen("guide,nobody")


def test_a_terminated_comparison_leaves_no_process(tmp_path: Path) -> None:
    """SIGTERM to the harness ends what it started, as Ctrl-C does."""
    code = (
        "import signal, sys, time; from pathlib import Path; from benchmarks import compare, process\n"
        "signal.signal(signal.SIGTERM, compare._interrupt)\n"
        "home = Path(sys.argv[1])\n"
        "with process.started(('sleep', '60'), env={}, folder=home, log=home / 'log') as run:\n"
        "    print(run.process.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(  # noqa: S603  # our own code
        (sys.executable, "-c", code, str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    ) as harness:
        assert harness.stdout is not None
        child = int(harness.stdout.readline())
        os.kill(harness.pid, signal.SIGTERM)
        harness.wait(20)

    wait_until_gone(child)

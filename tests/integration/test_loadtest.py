"""The load generator against a server of known latency and capacity."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.answering_late import GOOD, Behaviour, answering

from goldcrest.artifact import Artifact
from goldcrest.cli.main import main
from goldcrest.config import Config
from goldcrest.errors import ConfigError
from goldcrest.loadtest.arrivals import Spike
from goldcrest.loadtest.columns import Chunk
from goldcrest.loadtest.course import Course
from goldcrest.loadtest.crew import LoadTestFailed
from goldcrest.loadtest.objective import read_slo
from goldcrest.loadtest.profiles import Profile, find
from goldcrest.loadtest.replay import Recorded
from goldcrest.loadtest.result import LoadReport, Step, read
from goldcrest.loadtest.trial import Unwatched, load_test

pytestmark = pytest.mark.integration

INTENTS = find("intents")


def run(url: str, **wanted: Any) -> LoadReport:
    course: dict[str, Any] = {"profile": INTENTS, "warm_up_s": 0.0, "seconds": 1.0, **wanted}
    return load_test(Course(url=url, **course))


def only(report: LoadReport) -> Step:
    [step] = report.steps
    return step


def test_the_rate_and_the_latency_are_those_of_the_server() -> None:
    with answering(Behaviour(latency_s=0.05)) as url:
        step = only(run(url, rates=(200.0,)))

    assert (step.answered, step.refused, step.n_errors) == (step.sent, 0, 0)
    assert step.sent == pytest.approx(200, abs=60)
    assert 49.0 <= step.latency.p50 <= 65.0


def test_a_stall_is_in_the_quantiles_of_an_open_loop() -> None:
    """Coordinated omission: whoever waits for answers before sending hardly sees the stall."""
    with answering(Behaviour(stall=(0.5, 1.5))) as url:
        step = only(run(url, rates=(200.0,), seconds=2.0))

    assert step.n_errors == 0
    assert step.latency.p50 < 600  # half of all requests were due during the stall
    assert step.latency.p90 > 700
    assert step.latency.p99 > 900


def test_a_closed_loop_keeps_as_many_requests_under_way_as_it_has_clients() -> None:
    with answering(Behaviour(latency_s=0.05)) as url:
        step = only(run(url, mode="closed", clients=(4,)))

    assert step.mode == "closed"
    assert step.rate == pytest.approx(4 / 0.05, rel=0.2)


def test_several_processes_send_different_texts_and_share_the_rate() -> None:
    behaviour = Behaviour()
    with answering(behaviour) as url:
        report = run(url, rates=(300.0,), n_processes=2)

    texts = Counter(json.loads(body)["text"] for _, body in behaviour.seen)
    assert report.client.n_processes == 2
    assert only(report).sent == pytest.approx(300, abs=80)
    assert max(texts.values()) == 1


def test_refusals_are_not_errors() -> None:
    def answer(number: int) -> tuple[int, object]:
        return (429, {}) if number % 2 else GOOD

    with answering(Behaviour(answer=answer, headers="Retry-After: 1\r\n")) as url:
        step = only(run(url, rates=(200.0,)))

    assert step.n_errors == 0
    assert step.refused == pytest.approx(step.sent / 2, abs=1)
    assert step.refusal_ms is not None
    assert step.goodput == pytest.approx(0.5, abs=0.01)


def test_a_503_is_a_refusal_only_if_it_says_when_to_come_back() -> None:
    with answering(Behaviour(answer=lambda n: (503, {}))) as url:
        step = only(run(url, rates=(100.0,)))

    assert step.errors == {"503": step.sent}


def test_cut_connections_and_errors_are_counted_by_kind() -> None:
    def answer(number: int) -> tuple[int, object]:
        return (500, {}) if number % 4 == 0 else GOOD

    behaviour = Behaviour(answer=answer, hangs_up_on=lambda number: number % 4 == 1)
    with answering(behaviour) as url:
        step = only(run(url, rates=(200.0,)))

    assert set(step.errors) == {"500", "reset"}
    assert sum(step.errors.values()) == pytest.approx(step.sent / 2, abs=2)


def test_an_answer_of_the_wrong_shape_is_an_error() -> None:
    with answering(Behaviour(answer=lambda _: (200, {"predictions": []}))) as url:
        step = only(run(url, rates=(20.0,), seconds=0.5))

    assert step.errors.keys() == {"malformed"}


def test_what_is_late_is_given_up_at_its_timeout() -> None:
    with answering(Behaviour(latency_s=5.0)) as url:
        step = only(run(url, rates=(50.0,), seconds=0.5, timeout_ms=200.0, tells_timeout=True))

    assert step.errors == {"timeout": step.sent}


def test_a_server_that_is_not_there_fails_every_request() -> None:
    with answering(Behaviour()) as url:
        pass  # the port was free a moment ago

    step = only(run(url, rates=(50.0,), seconds=0.5))

    assert step.errors == {"connect": step.sent}


def test_a_warm_up_without_a_single_good_answer_ends_the_test() -> None:
    with (
        answering(Behaviour(answer=lambda _: (404, {}))) as url,
        pytest.raises(LoadTestFailed, match="404"),
    ):
        run(url, rates=(50.0,), warm_up_s=0.5)


def test_too_few_connections_are_said_to_be_the_limit() -> None:
    with answering(Behaviour(latency_s=0.2)) as url:
        step = only(run(url, rates=(100.0,), max_connections=2, seconds=0.5))

    assert step.lag.n_waited > 10
    assert "--max-connections" in step.problem
    assert step.latency.max > 400  # the wait for a connection counts


def test_a_spike_is_sent_on_time() -> None:
    with answering(Behaviour()) as url:
        report = run(url, rates=(100.0,), seconds=3.0, spike=Spike(5, 1.0, 1.0))

    answers = [n for _, n, _, _ in only(report).timeline]
    assert answers[1] > 3 * max(answers[0], answers[2])


def test_recorded_arrivals_are_replayed_with_their_texts_and_classes() -> None:
    recorded = Recorded(
        np.array([0.0, 0.2, 0.3]), ["one", "", "three"], [0, 12, 0], ["bulk", "", "interactive"]
    )
    behaviour = Behaviour()
    with answering(behaviour) as url:
        step = only(run(url, mode="replay", recorded=recorded))

    texts = [json.loads(body)["text"] for _, body in behaviour.seen]
    assert ("one", "three") == (texts[0], texts[2])
    assert 10 == len(texts[1].split())  # and two special tokens
    assert {"bulk": 1, "interactive": 1, "unnamed": 1} == {
        name: one.sent for name, one in step.by_class.items()
    }


def test_class_timeout_key_and_cache_are_told_to_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOAD_KEY", "s3cret")
    behaviour = Behaviour()
    profile = msgspec.structs.replace(INTENTS, classes={"bulk": 1.0}, texts_per_request=3)
    behaviour.answer = lambda _: (200, {"predictions": [[1.0]] * 3})
    with answering(behaviour) as url:
        report = run(
            url,
            rates=(20.0,),
            seconds=0.5,
            profile=profile,
            key_variable="LOAD_KEY",
            timeout_ms=2000.0,
            tells_timeout=True,
            is_kept_fine=False,
            model="m",
        )

    head, body = behaviour.seen[0]
    assert "x-goldcrest-priority: bulk" in head
    assert "x-goldcrest-timeout-ms: 2000" in head
    assert "Authorization: Bearer s3cret" in head
    assert "Cache-Control: no-cache" in head
    assert (3, "m") == (len(json.loads(body)["text"]), json.loads(body)["model"])
    assert b"s3cret" not in msgspec.json.encode(report)


def test_the_search_finds_a_known_capacity() -> None:
    """4 ms a request: 250 a second at most, and a wait that grows as that comes near."""
    with answering(Behaviour(service_s=0.004)) as url:
        report = run(
            url,
            finds_max=True,
            slo=read_slo("p99<60ms,errors<1%"),
            seconds=1.0,
            warm_up_s=1.0,
            max_steps=8,
        )

    assert report.found is not None
    assert 150 <= report.found.rate <= 260
    assert report.found.sureness > 0.5


def test_ctrl_c_ends_the_test_early_and_what_was_seen_is_reported() -> None:
    class Interrupting(Unwatched):
        def seen(self, chunk: Chunk) -> None:
            if not self.is_over:
                self.is_over = True
                os.kill(os.getpid(), signal.SIGINT)

        is_over = False

    with answering(Behaviour()) as url:
        course = Course(url=url, profile=INTENTS, rates=(100.0, 200.0), seconds=30.0, warm_up_s=0.0)
        report = load_test(course, Interrupting())

    assert not report.is_complete
    assert 1.0 > only(report).seconds > 0.2
    assert only(report).rate == pytest.approx(100, rel=0.5)


def test_what_the_server_counts_is_in_the_report() -> None:
    metrics = (
        'goldcrest_info{version="9"} 1\n'
        'goldcrest_memory_bytes{part="resident"} 1048576\n'
        "goldcrest_workers 2\n"
    )
    with answering(Behaviour(metrics=metrics)) as url:
        report = run(url, rates=(20.0,), seconds=0.5)

    assert report.server is not None
    assert ("goldcrest", "9", 1048576, 2) == (
        report.server.name,
        report.server.version,
        report.server.resident_bytes,
        report.server.n_workers,
    )


def test_a_server_is_started_held_loaded_and_ended(
    tiny: Artifact,
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GOLDCREST_CACHE__FOLDER", config.cache.folder)
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)  # the tests go on afterwards
    out = tmp_path / "report.html"
    serve = f"{tiny.folder} --precision f32"
    held = ("--limit-cpus", "1", "--limit-memory", "1G")
    load = ("--rate", "40", "--seconds", "1", "--warm-up", "1", "--profile", "sms")
    command = ["goldcrest", "loadtest", "--serve", serve, *held, *load, "--out", str(out)]
    monkeypatch.setattr(sys, "argv", command)

    with pytest.raises(SystemExit) as ended:
        main()

    report = read(out.with_suffix(".json"))
    assert 0 == ended.value.code
    assert "answers a second" in capsys.readouterr().out
    assert "Load test of" in out.read_text()
    assert report.server is not None
    assert report.server.constraint is not None
    assert (1.0, 1024) == (report.server.constraint.cpus, report.server.constraint.memory_mib)
    assert report.server.start_s > 0
    [lane] = report.server.lanes
    assert lane.seconds_per_token > 0
    step = report.counted[0]
    assert (step.sent, 0) == (step.answered, step.n_errors)
    assert step.server is not None
    assert step.sent == step.server.n_requests


@pytest.mark.parametrize(("slo", "status"), [("p99<5s", 0), ("p99<1ms", 1)])
def test_the_command_ends_with_whether_the_objective_was_met(
    slo: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = ("--rate", "40", "--seconds", "0.5", "--warm-up", "0", "--profile", "sms", "--slo", slo)
    with answering(Behaviour(latency_s=0.05)) as url:
        command = ["goldcrest", "loadtest", url, *load, "--out", str(tmp_path / "report.html")]
        monkeypatch.setattr(sys, "argv", command)

        with pytest.raises(SystemExit) as ended:
            main()

    assert status == (ended.value.code or 0)


def test_a_key_that_is_not_there_is_said_before_anything_is_sent() -> None:
    with pytest.raises(ConfigError, match="NO_SUCH_KEY"):
        run("http://127.0.0.1:9", rates=(1.0,), key_variable="NO_SUCH_KEY")


def test_texts_of_a_file_are_sent_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("first\nsecond\n")
    behaviour = Behaviour()
    profile: Profile = find(str(file))
    with answering(behaviour) as url:
        run(url, rates=(40.0,), seconds=0.5, profile=profile)

    assert {"first", "second"} == {json.loads(body)["text"] for _, body in behaviour.seen}

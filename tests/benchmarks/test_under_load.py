"""The harness that measures under load: it must find what it is there to find."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.process import started
from benchmarks.server import free_port
from benchmarks.under_load.accounting import Account, Judge, has_sentence
from benchmarks.under_load.driver import Driver
from benchmarks.under_load.figures import Bar, slope
from benchmarks.under_load.overload import level_of
from benchmarks.under_load.plan import Fate, Plan, Seen, Sight, Stream, read, write
from benchmarks.under_load.recycle import quiet, split
from benchmarks.under_load.result import Result, as_data, as_page
from benchmarks.under_load.result import write as write_results
from benchmarks.under_load.serving import Readings
from benchmarks.under_load.texts import Idle

IDLE = Idle({"good": (0.1, 0.9), "bad": (0.8, 0.2), "a marked one": (0.5, 0.5)}, tolerance=0.01)
TEXTS = [["good"], ["bad"], ["good", "bad"], ["a marked one"]]
GOOD = b'{"predictions":[[0.1,0.9]]}'
BAD = b'{"predictions":[[0.8,0.2]]}'
REFUSED = b'{"error":{"code":"overloaded","message":"too much waits already"}}'


def seen(*rows: tuple[int, Fate, int, bytes], sent: float = 1.0) -> Seen:
    """Requests: the index of the body, how it ended, the status, the answer."""
    n = len(rows)
    return Seen(
        name="s",
        sent_body=[body for body, *_ in rows],
        due=[float(number) for number in range(n)],
        sent=[sent] * n,
        done=[number + 0.1 for number in range(n)],
        fate=[fate for _, fate, *_ in rows],
        status=[status for _, _, status, _ in rows],
        server_ms=[1.0] * n,
        retry_after=[2.0] * n,
        body=[answer for *_, answer in rows],
    )


def account(*rows: tuple[int, Fate, int, bytes], sent: float = 1.0) -> Account:
    return Judge(TEXTS, IDLE, poison="marked").account(seen(*rows, sent=sent))


def test_an_answer_to_another_text_is_wrong() -> None:
    found = account((0, Fate.ANSWERED, 200, GOOD), (1, Fate.ANSWERED, 200, GOOD))

    assert {"right": 1, "wrong": 1} == dict(found.counts)


def test_answers_in_another_order_are_wrong() -> None:
    assert 1 == account((2, Fate.ANSWERED, 200, BAD[:-2] + b",[0.1,0.9]]}")).faults["wrong"]
    assert 0 == account((2, Fate.ANSWERED, 200, GOOD[:-2] + b",[0.8,0.2]]}")).n_faults


def test_an_answer_with_a_row_too_many_is_wrong() -> None:
    assert 1 == account((0, Fate.ANSWERED, 200, GOOD[:-2] + b",[0.1,0.9]]}")).faults["wrong"]


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"predictions":7}', b'{"predictions":[[]]}'])
def test_an_answer_without_rows_is_wrong(answer: bytes) -> None:
    assert 1 == account((0, Fate.ANSWERED, 200, answer)).faults["wrong"]


def test_a_request_that_never_ends_is_lost() -> None:
    assert {"lost": 1} == dict(account((0, Fate.SILENT, 0, b"")).counts)


def test_a_request_that_the_driver_never_sent_is_not_the_servers_fault() -> None:
    assert {"unsent": 1} == dict(account((0, Fate.SILENT, 0, b""), sent=0.0).counts)


def test_more_than_one_answer_is_a_fault() -> None:
    stray = Judge(TEXTS, IDLE).account(seen((0, Fate.ANSWERED, 200, GOOD)), n_stray=1)

    assert 1 == account((0, Fate.DOUBLED, 200, GOOD)).faults["doubled"]
    assert 1 == stray.faults["doubled"]


@pytest.mark.parametrize("status", [429, 503, 504])
def test_a_refusal_in_a_sentence_is_honest(status: int) -> None:
    found = account((0, Fate.ANSWERED, status, REFUSED))

    assert (1, 0) == (found.n_refused, found.n_faults)


@pytest.mark.parametrize(("status", "answer"), [(429, b""), (500, REFUSED), (200, REFUSED)])
def test_what_is_neither_an_answer_nor_a_refusal_in_a_sentence_is_a_fault(
    status: int, answer: bytes
) -> None:
    assert 1 == account((0, Fate.ANSWERED, status, answer)).n_faults


def test_a_poisonous_text_must_fail() -> None:
    failed = account((3, Fate.ANSWERED, 500, REFUSED))
    answered = account((3, Fate.ANSWERED, 200, b'{"predictions":[[0.5,0.5]]}'))

    assert ({"poisoned": 1}, 0) == (dict(failed.counts), failed.n_faults)
    assert 1 == answered.faults["wrong"]


def test_a_broken_connection_is_visible_and_no_fault() -> None:
    ends = (Fate.BROKEN, Fate.UNCONNECTED, Fate.VANISHED)

    found = account(*((0, fate, 0, b"") for fate in ends))

    assert ({"broken": 1, "unconnected": 1, "vanished": 1}, 0) == (
        dict(found.counts),
        found.n_faults,
    )


def test_accounts_add_up() -> None:
    both = account((0, Fate.ANSWERED, 200, GOOD)) + account((0, Fate.ANSWERED, 200, BAD))

    assert (2, {"right": 1, "wrong": 1}) == (both.n, dict(both.counts))


def test_a_code_alone_is_no_sentence() -> None:
    assert not has_sentence(b'{"error":{"code":"overloaded"}}')
    assert has_sentence(REFUSED)


def test_the_slope_is_not_moved_by_an_outlier() -> None:
    values = [100.0 + 2 * x for x in range(50)]
    values[20] = 5000.0

    assert pytest.approx(2.0) == slope(list(range(50)), values)


def test_a_missing_figure_meets_no_bar() -> None:
    assert not Bar("b", float("nan"), 1, "ms").is_met
    assert not Bar("b", 1, float("nan"), "ms", is_floor=True).is_met


def test_goodput_counts_right_answers_that_came_in_time() -> None:
    rows = [(0, Fate.ANSWERED, 200, GOOD)] * 8 + [(0, Fate.ANSWERED, 200, BAD)]
    rows.append((0, Fate.ANSWERED, 429, REFUSED))
    found = seen(*rows)
    found.done[7] = found.due[7] + 3.0
    sight = Sight(streams=(found,), began=0, wall_s=10, cpu_s=1, n_stray=0, n_connections=1)

    level = level_of(sight, "s", deadline_s=1.0, judge=Judge(TEXTS, IDLE))

    assert pytest.approx(6 / 8) == level.goodput
    assert (1, (1.0,)) == (level.n_429, level.refused_ms)


def test_latencies_while_engines_are_made_and_at_other_times_are_told_apart() -> None:
    """A row is due every second; one engine was begun at 3 and took over at 5, the next begun at 25."""
    rows = [(0, Fate.ANSWERED, 200, GOOD)] * 30

    apart, beside = split(seen(*rows), quiet([5.0], 2.0))

    assert (30 - 8, 8) == (len(apart), len(beside))


def test_readings_are_summed_over_the_labels_that_are_left_open() -> None:
    text = "\n".join(('goldcrest_x_total{a="1",b="1"} 2', 'goldcrest_x_total{a="1",b="2"} 3', ""))

    readings = Readings.parse(text)

    assert (5.0, 3.0) == (readings.total("x_total", a="1"), readings.total("x_total", b="2"))


def test_a_plan_survives_the_way_to_its_driver(tmp_path: Path) -> None:
    plan = Plan(port=1, streams=(Stream(name="s", bodies=("b",), order=(0,), rate=2.0),))

    write(tmp_path / "plan", plan)

    assert plan == read(tmp_path / "plan", Plan)


def test_a_result_becomes_a_page() -> None:
    result = Result("hit", "a model", bars=[Bar("a bar", 2, 1, "ms")])
    result.accounts["all"] = account((0, Fate.SILENT, 0, b""))

    page = as_page([as_data(result, "a command")])

    assert "| a bar | 2.00 | <= 1.00 | ms | **no** |" in page


Answering = Callable[[bytes], bytes]


def http(status: int, answer: bytes, *headers: str) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(answer)}\r\n{lines}\r\n".encode() + answer


async def driven(answering: Answering, **options: object) -> Sight:
    """What a driver sees of a server that answers each request with these bytes, or hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                n = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                answer = answering(await reader.readexactly(n))
                if not answer:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    port = free_port()
    async with await asyncio.start_server(serve, "127.0.0.1", port):
        stream = Stream(
            **{"name": "s", "bodies": ("b",), "clients": 2, "n_most": 20, "seconds": 5, **options}  # type: ignore[arg-type]
        )
        return await Driver(Plan(port=port, streams=(stream,), patience_s=0.3)).run()


async def test_the_driver_reads_what_an_answer_tells() -> None:
    told = ("Server-Timing: total;dur=1.25", "Retry-After: 3")

    sight = await driven(lambda _: http(429, REFUSED, *told), n_most=1, clients=1)

    one = sight.stream("s")
    assert (429, 1.25, 3.0, REFUSED) == (
        one.status[0],
        one.server_ms[0],
        one.retry_after[0],
        one.body[0],
    )


async def test_the_driver_sees_a_second_answer() -> None:
    sight = await driven(lambda _: http(200, GOOD) * 2)

    assert {Fate.DOUBLED} == {Fate(fate) for fate in sight.stream("s").fate}


async def test_the_driver_sees_connections_that_close() -> None:
    sight = await driven(lambda _: b"", n_most=3)

    assert [Fate.BROKEN] * 3 == sight.stream("s").fate


async def test_the_driver_sees_what_never_comes() -> None:
    sight = await driven(lambda _: b"HTTP/1.1 200 OK\r\n", n_most=2, seconds=0.1)

    assert [Fate.SILENT] * 2 == sight.stream("s").fate


async def test_clients_vanish_as_they_are_told_to() -> None:
    sight = await driven(
        lambda _: http(200, GOOD), rate=400.0, clients=0, n_most=60, vanishing=1.0, vanish_s=0.0
    )

    fates = sight.stream("s").fate
    assert 60 == len(fates)
    assert {Fate.VANISHED, Fate.ANSWERED} >= set(fates)
    assert Fate.VANISHED in fates


async def test_an_open_loop_sends_at_its_rate_whatever_comes_back() -> None:
    sight = await driven(lambda _: b"HTTP/1.1", rate=200.0, clients=0, n_most=0, seconds=0.5)

    assert 60 <= sight.stream("s").n <= 150


def test_the_poison_stays_outside_until_it_is_asked_for(tmp_path: Path) -> None:
    hook = Path(__file__).parents[2] / "benchmarks" / "under_load" / "poison"
    (tmp_path / "goldcrest" / "engine").mkdir(parents=True)
    (tmp_path / "goldcrest" / "__init__.py").touch()
    (tmp_path / "goldcrest" / "engine" / "openvino.py").write_text(
        "class OpenVinoEngine:\n    def run(self, grid):\n        return 'ran'\n"
    )
    code = (
        "import numpy as np; from types import SimpleNamespace as N;"
        "from goldcrest.engine.openvino import OpenVinoEngine as E\n"
        "for token in (6, 7):\n"
        "    try: print(E().run(N(input_ids=np.array([[token]]))))\n"
        "    except RuntimeError as error: print(error)"
    )
    environment = {"PYTHONPATH": f"{hook}:{tmp_path}", "UNDER_LOAD_POISON": "7"}
    log = tmp_path / "log"

    with started((sys.executable, "-c", code), env=environment, folder=tmp_path, log=log) as run:
        run.process.wait(20)

    assert ["ran", "the engine chokes on token 7"] == log.read_text().splitlines()


def test_the_page_and_the_data_hold_the_same(tmp_path: Path) -> None:
    write_results([as_data(Result("hit", "one"), "c")], tmp_path)
    page = write_results([as_data(Result("flood", "two"), "c")], tmp_path)

    assert ["flood: two", "hit: one"] == list(
        json.loads((tmp_path / "under_load.json").read_text())
    )
    assert page.index("flood") < page.index("hit")

"""What a supervisor decides: shares of the machine, who is lost, who may take connections."""

from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldcrest.app.workers import supervisor
from goldcrest.app.workers.child import Child
from goldcrest.app.workers.messages import (
    Beat,
    Channel,
    Order,
    Told,
    ToSupervisor,
    ToWorker,
    framed,
    opened,
    read_order,
)
from goldcrest.app.workers.ports import reserved
from goldcrest.app.workers.shares import Share, share_out
from goldcrest.app.workers.watch import START_S, Gaps, Losses, Pulse, next_to_listen
from goldcrest.config import CacheConfig, Config, KeyConfig, load
from goldcrest.config.machine import Processor, processors
from goldcrest.errors import ConfigError


def machine(n_cores: int, *, n_threads: int = 1, n_packages: int = 1) -> list[Processor]:
    """As Linux numbers them: first one processor of every core, then their siblings."""
    return [
        Processor(core * n_packages // n_cores, core, core + thread * n_cores)
        for thread in range(n_threads)
        for core in range(n_cores)
    ]


# Shares ---------------------------------------------------------------------------------------


@given(st.integers(1, 32), st.sampled_from([1, 2]), st.sampled_from([1, 2]), st.integers(1, 40))
def test_everything_is_shared_out_once_and_evenly(n_cores, n_threads, n_packages, n_workers):
    found = machine(n_cores, n_threads=n_threads, n_packages=n_packages)

    shares = share_out(found, n_usable=len(found), n_workers=n_workers)

    dealt = [number for share in shares for number in share.processors]
    sizes = [share.n_threads for share in shares]
    assert n_workers == len(shares)
    assert min(sizes) >= 1
    if n_workers <= len(found):
        assert sorted(dealt) == sorted(one.number for one in found)
        assert max(sizes) - min(sizes) <= n_threads


def test_the_siblings_of_a_core_stay_together():
    shares = share_out(machine(4, n_threads=2), n_usable=8, n_workers=2)

    assert [(0, 4, 1, 5), (2, 6, 3, 7)] == [share.processors for share in shares]


def test_a_core_is_split_only_where_there_are_more_workers_than_cores():
    shares = share_out(machine(2, n_threads=2), n_usable=4, n_workers=4)

    assert [(0,), (2,), (1,), (3,)] == [share.processors for share in shares]


def test_a_worker_stays_within_one_package():
    found = machine(4, n_threads=2, n_packages=2)

    shares = share_out(found, n_usable=8, n_workers=2)

    packages = [{one.package for one in found if one.number in s.processors} for s in shares]
    assert [{0}, {1}] == packages


def test_nobody_is_pinned_where_workers_outnumber_processors():
    assert (Share(1), Share(1), Share(1)) == share_out(machine(2), n_usable=2, n_workers=3)


def test_nobody_is_pinned_where_a_quota_lends_processors_that_others_use_too():
    assert (Share(1), Share(2)) == share_out(machine(64), n_usable=3, n_workers=2)


def test_cores_are_read_where_the_system_describes_them(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 5})
    folder = tmp_path / "cpu5" / "topology"
    folder.mkdir(parents=True)
    (folder / "physical_package_id").write_text("1\n")
    (folder / "core_id").write_text("2\n")

    assert (Processor(0, 0, 0), Processor(1, 2, 5)) == processors(folder=tmp_path)


# Who is lost ----------------------------------------------------------------------------------


def test_a_worker_that_was_ready_is_given_up_after_the_heartbeat():
    pulse = Pulse(0.0, 5.0)
    pulse.beat(10.0, is_ready=True)

    assert [False, True] == [pulse.is_silent(15.0), pulse.is_silent(15.1)]


def test_a_worker_that_starts_may_be_silent_for_longer():
    pulse = Pulse(0.0, 5.0)
    pulse.beat(1.0, is_ready=False)

    assert [False, True] == [pulse.is_silent(START_S), pulse.is_silent(START_S + 1.1)]


def test_who_looks_rarely_blames_nobody_for_it():
    gaps = Gaps(0.0, 1.0)

    assert [False, False, True, False] == [gaps.slept(now) for now in (1.0, 2.5, 60.0, 61.0)]


def test_a_first_loss_is_replaced_at_once_and_those_that_follow_ever_later():
    losses, pauses = Losses(), []

    for _ in range(10):
        losses.note(soon=True)
        pauses.append(losses.pause_s)

    assert [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0] == pauses


def test_a_loss_after_long_service_begins_anew():
    losses = Losses()
    for soon in (True, True, True, False):
        losses.note(soon=soon)

    assert 0.0 == losses.pause_s


def test_five_crashes_at_the_start_are_hopeless():
    losses, hopeless = Losses(), []

    for _ in range(5):
        losses.note(soon=True)
        hopeless.append(losses.is_hopeless(-11))

    assert [False, False, False, False, True] == hopeless


def test_an_error_at_the_start_is_hopeless_at_once():
    losses = Losses()

    losses.note(soon=True)

    assert losses.is_hopeless(2)


# Who takes connections ------------------------------------------------------------------------


@dataclass
class Worker:
    may_listen: bool = False
    is_ready: bool = False
    was_ready: bool = False


NEW, READY = Worker(), Worker(is_ready=True, was_ready=True)
LOADING = Worker(may_listen=True)
SERVING = Worker(may_listen=True, is_ready=True, was_ready=True)
STUCK = Worker(may_listen=True, was_ready=True)


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        ([NEW, NEW], [NEW]),
        ([LOADING, NEW], []),
        ([LOADING, READY], []),
        ([SERVING, READY], [READY]),
        ([SERVING, NEW], []),
        ([STUCK, READY], [READY]),
        ([NEW, READY], [READY]),
        ([], []),
    ],
    ids=[
        "the first one says that it loads",
        "one does so",
        "the port gives one answer while it loads",
        "a ready one joins",
        "another does not",
        "unless all others are stuck",
        "a ready one rather than the first",
        "nobody",
    ],
)
def test_who_may_take_connections(workers, expected):
    assert expected == next_to_listen(workers)


# Ports ----------------------------------------------------------------------------------------


def test_who_shares_ports_may_listen_on_one_that_is_held():
    with reserved("127.0.0.1", 0) as held:
        port = held.getsockname()[1]

        with (
            socket.create_server(("127.0.0.1", port), reuse_port=True),
            socket.create_server(("127.0.0.1", port), reuse_port=True) as other,
        ):
            assert port == other.getsockname()[1]


def test_a_held_port_takes_no_connections():
    with (
        reserved("127.0.0.1", 0) as held,
        pytest.raises(ConnectionRefusedError),
        socket.create_connection(held.getsockname()),
    ):
        pass


def test_a_port_that_somebody_shares_among_his_own_is_not_taken():
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        port = other.getsockname()[1]

        with pytest.raises(ConfigError, match=f"127.0.0.1 port {port}: Address already in use"):
            reserved("127.0.0.1", port)


# Settings -------------------------------------------------------------------------------------


def test_several_workers_and_callers_that_load_models_do_not_go_together():
    loaded = load({"workers.count": 2, "web.repository_control": True}, environ={})

    with pytest.raises(
        ConfigError, match=r"workers\.count = 2 does not go with web\.repository_control"
    ):
        supervisor.supervise(loaded)


@pytest.mark.parametrize(
    ("threads", "expected"), [(None, [2, 2]), (0, [2, 2]), (1, [1, 1])], ids=repr
)
def test_the_engine_of_a_worker_has_a_thread_for_each_of_its_processors(threads, expected):
    loaded = load({"workers.count": 2, "engine.threads": threads}, environ={}, n_processors=4)
    shares = [Share(2, (0, 1)), Share(2, (2, 3))]

    orders = supervisor.orders(loaded, shares)

    assert expected == [order.config.engine.threads for order in orders]
    assert [(0, 1), (2, 3)] == [order.processors for order in orders]


# Words between them ---------------------------------------------------------------------------

ORDER = Order(
    number=2,
    config=Config(
        cache=CacheConfig(redis_url="redis://:secret@host"),
        keys=(KeyConfig(name="k", sha256="0" * 64, priority="bulk"),),
    ),
    processors=(0, 4),
    opened=1,
)


def test_an_order_arrives_as_it_was_given():
    ours, its = socket.socketpair()

    with ours, its:
        ours.sendall(framed(ORDER))

        assert ORDER == read_order(its)


def test_a_worker_whose_supervisor_is_gone_has_no_order():
    ours, its = socket.socketpair()
    ours.close()

    with its, pytest.raises(EOFError):
        read_order(its)


async def _idle_child() -> tuple[Child, Channel[ToWorker]]:
    """A process that does nothing; the test speaks in its place."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=-1)
    ours, its = socket.socketpair()
    channel: Channel[ToSupervisor] = await opened(ours, ToSupervisor)
    voice: Channel[ToWorker] = await opened(its, ToWorker)
    return Child(process, channel, ORDER), voice


async def test_a_worker_whose_engine_hangs_is_killed():
    child, voice = await _idle_child()

    voice.send(Beat(is_ready=True, is_engine_alive=False))
    await child.over
    await voice.close()

    assert "engine" == child.lost_by


async def test_what_a_worker_said_before_it_was_killed_is_kept():
    child, voice = await _idle_child()

    voice.send(Told({"batches": {("m",): (3.0,)}}))
    child.kill("silent")
    await voice.close()
    await child.over

    assert {"batches": {("m",): (3.0,)}} == child.figures

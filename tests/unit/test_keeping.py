"""Memory: what is done before the kernel kills, in which order, and when it ends."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldcrest.app.budget import Tenant, to_close
from goldcrest.app.keeping import Keeper, Reliefs, limit_of, pressure
from goldcrest.app.memory import MIB, resident_bytes
from goldcrest.app.upkeep import Upkeep
from goldcrest.config import Config, MemoryConfig, WorkersConfig, usable_memory
from goldcrest.errors import Overloaded


class Process:
    """A process whose memory is what one says; notes what is done about it."""

    def __init__(self, limit: int = 100) -> None:
        self.resident = 0
        self.done: list[str] = []
        reliefs = Reliefs(
            shrink_cache=lambda share: self.done.append(f"cache {share:.0%}"),
            shrink_grids=lambda: self.done.append("fewer grids"),
            restore_grids=lambda: self.done.append("all grids"),
            close_idle=lambda: self.done.append("close idle"),
            give_back=lambda: self.done.append("give back"),
        )
        self.keeper = Keeper(limit * MIB, reliefs, resident=lambda: self.resident * MIB)

    def holds(self, mib: int) -> list[str]:
        self.resident, self.done = mib, []
        self.keeper.look()
        return self.done


def test_with_room_nothing_is_done() -> None:
    assert [] == Process().holds(79)


def test_first_the_cache_shrinks() -> None:
    assert ["cache 50%", "give back"] == Process().holds(81)


def test_then_the_grids_and_the_models_that_are_idle() -> None:
    assert ["cache 10%", "close idle", "fewer grids", "give back"] == Process().holds(89)


def test_in_the_end_work_is_refused() -> None:
    process = Process()
    process.holds(95)

    with pytest.raises(Overloaded, match="holds 95 MiB of the 100 MiB"):
        process.keeper.check()

    assert ("refusals", ("memory", "any"), 1) in list(process.keeper.samples())


def test_work_is_taken_again_when_memory_has_fallen() -> None:
    process = Process()
    process.holds(95)
    process.holds(91)
    assert 3 == process.keeper.level

    process.holds(89)

    process.keeper.check()


def test_what_was_given_up_comes_back() -> None:
    process = Process()
    process.holds(89)

    assert ["cache 100%", "all grids"] == process.holds(50)


def test_a_level_that_stays_is_acted_on_once_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    process = Process()
    process.holds(81)

    assert [] == process.holds(82)
    assert 1 == len([one for one in caplog.records if one.levelno == logging.WARNING])


@given(st.lists(st.integers(0, 120), min_size=1))
def test_no_level_comes_and_goes_within_its_slack(resident: list[int]) -> None:
    level = 0
    for n in resident:
        previous, level = level, pressure(n, 100, level)
        assert level >= pressure(n, 100, 0)
        if level < previous:
            assert n < (80, 88, 94)[level] - 3


def test_without_a_limit_there_is_no_pressure() -> None:
    assert 0 == pressure(10**15, 0, 3)


def test_workers_share_what_the_machine_leaves() -> None:
    assert usable_memory() // 4 == limit_of(Config(workers=WorkersConfig(count=4)))


def test_a_limit_in_the_settings_is_that_of_each_process() -> None:
    config = Config(workers=WorkersConfig(count=4), memory=MemoryConfig(limit_mib=512))

    assert 512 * MIB == limit_of(config)


@pytest.mark.parametrize(
    ("files", "group"),
    [
        ({"memory.max": "1000"}, "0::/"),
        ({"a/b/memory.max": "max", "a/memory.max": "1000"}, "0::/a/b"),
        ({"memory.max": "max", "a/memory.high": "1000"}, "0::/a"),
        ({"memory/a/memory.limit_in_bytes": "1000"}, "4:cpu,memory:/a"),
        ({"memory/memory.limit_in_bytes": "1000"}, "4:memory:/not/mounted\n0::/"),
    ],
)
def test_control_groups_bound_the_memory(tmp_path: Path, files, group: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    (tmp_path / "own").write_text(group + "\n")

    assert 1000 == usable_memory(groups=tmp_path, own=tmp_path / "own")


def test_without_control_groups_it_is_the_machine_that_bounds_it(tmp_path: Path) -> None:
    found = usable_memory(groups=tmp_path, own=tmp_path / "none")

    assert found > resident_bytes() > MIB


def test_those_used_least_recently_make_room_and_no_more_than_must() -> None:
    tenants = [Tenant(name, 10, turn, may_go=True) for turn, name in enumerate("abc")]

    assert ("a",) == to_close(10, tenants, limit=30)


def test_those_that_must_stay_are_left_out() -> None:
    tenants = [Tenant("fixed", 10, 1, may_go=False), Tenant("idle", 10, 2, may_go=True)]

    assert ("idle",) == to_close(10, tenants, limit=20)


def test_what_would_not_fit_even_then_closes_nothing() -> None:
    assert to_close(30, [Tenant("idle", 10, 1, may_go=True)], limit=20) is None


@given(
    st.lists(
        st.builds(Tenant, st.uuids().map(str), st.integers(0, 50), st.integers(), st.booleans())
    ),
    st.integers(0, 50),
    st.integers(0, 100),
)
def test_whatever_closes_makes_enough_room(tenants: list[Tenant], n_bytes: int, limit: int) -> None:
    names = to_close(n_bytes, tenants, limit)

    stay = sum(one.n_bytes for one in tenants if names is not None and one.name not in names)
    least = sum(one.n_bytes for one in tenants if not one.may_go)
    assert least + n_bytes > limit if names is None else stay + n_bytes <= limit


def test_a_duty_that_fails_keeps_no_other_from_its_turn(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def fails() -> None:
        raise RuntimeError("again")

    upkeep = Upkeep((fails, lambda: done.append("done")))
    upkeep.look()
    upkeep.look()

    assert (["done", "done"], 1) == (done, len(caplog.records))

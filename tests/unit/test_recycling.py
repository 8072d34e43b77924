"""Fresh engines beside old ones: nobody notices, a broken one never takes over, a hung one goes."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from goldcrest.app.aging import Growth, due
from goldcrest.app.budget import Headroom
from goldcrest.app.catalogue import OpenModels
from goldcrest.app.recycling import rehearse, succeed
from goldcrest.app.site import Threads, open_site
from goldcrest.artifact import Artifact
from goldcrest.batching.lane import Lane
from goldcrest.config import BatchConfig, CacheConfig, Config, EngineConfig, ModelConfig
from goldcrest.engine import Engine
from goldcrest.errors import EngineHung, Loading, Unavailable
from goldcrest.packing.cost import CostTable
from goldcrest.packing.ladder import ladder
from goldcrest.serving.routing import Routed
from goldcrest.tasks import Classify, Reply, Request
from goldcrest.testing import FakeEngine, ManualClock, tiny_artifact
from goldcrest.values import Floats, Shape

TEXTS = ["a short text", "another text that is a little longer than that", "the end"]


class House:
    """One model in a folder of its own, under settings of the engine; ``stall`` hangs its engines."""

    def __init__(self, folder: Path, artifact: Artifact, **engine) -> None:
        self.folder = folder / "model"
        shutil.copytree(artifact.folder, self.folder)
        config = Config(
            cache=CacheConfig(folder=str(folder / "cache")),
            batch=BatchConfig(max_grid_tokens=64),  # few shapes
            engine=EngineConfig(threads=1, precision="f32", **engine),
            models=(ModelConfig(source=str(self.folder), name="a", max_length=64),),
        )
        self.room, self.is_refusing = float("inf"), False
        headroom = Headroom(room=lambda: self.room, is_refusing=lambda: self.is_refusing)
        self.routed, self.clock = Routed(("a",)), ManualClock()
        self.catalogue = OpenModels(
            config, self.routed, lambda _: None, headroom=headroom, clock=self.clock
        )
        self.may_run = threading.Event()
        self.may_run.set()
        self.n_open, self.n_open_before = 0, list[int]()
        self.is_disk_full = False
        site = open_site(config, Threads())
        self.site = replace(site, open_engine=self._stallable(site.open_engine))
        self.catalogue.open_all(self.site)

    def _stallable(self, open_engine: Callable[..., Engine]) -> Callable[..., Engine]:
        house = self

        class Stallable:
            def __init__(self, engine: Engine) -> None:
                self._engine, self.precision = engine, engine.precision
                house.n_open_before.append(house.n_open)
                house.n_open += 1

            def run(self, grid):
                house.may_run.wait()
                return self._engine.run(grid)

            def copy(self, folder: Path, rest: Callable[[float], object]) -> Stallable:
                if house.is_disk_full:
                    raise OSError("no space left on device")
                return Stallable(self._engine.copy(folder, rest))

            def close(self) -> None:
                self._engine.close()
                house.n_open -= 1

        return lambda *args: Stallable(open_engine(*args))

    async def ask(self, texts: list[str] = TEXTS) -> Reply[Floats]:
        return await self.routed(Request(Classify(), texts))

    @property
    def lane(self) -> str:
        version = self.catalogue.places["a"].version
        return "" if version is None else version.lane.name

    def changes(self) -> dict[str, float]:
        told = self.catalogue.samples()
        return {labels[1]: n for key, labels, n in told if key == "model_changes"}

    async def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():  # noqa: ASYNC110  # other threads: there is nothing to wait on
            await asyncio.sleep(0.01)

    def close(self) -> None:
        self.may_run.set()
        self.site.batcher.close()
        assert self.catalogue.close(30)
        self.site.aside.shutdown()


@pytest.fixture
def house(tmp_path: Path, tiny: Artifact) -> Iterator[Callable[..., House]]:
    built: list[House] = []

    def build(**engine) -> House:
        built.append(House(tmp_path, tiny, **engine))
        return built[-1]

    yield build
    for one in built:
        one.close()


async def test_a_fresh_engine_takes_over_under_load_and_nobody_notices(house) -> None:
    built = house()
    alone = (await built.ask()).outputs
    old, is_over = built.lane, False
    replies: list[Reply[Floats]] = []

    async def client() -> None:
        while not is_over:
            replies.append(await built.ask())

    clients = [asyncio.create_task(client()) for _ in range(4)]
    for _ in range(3):
        await built.catalogue.renew("a")
    is_over = True
    await asyncio.gather(*clients)

    assert old != built.lane
    assert {"opened": 1, "replaced": 3} == built.changes()
    for reply in replies:
        np.testing.assert_allclose(reply.outputs, alone, rtol=1e-4)


async def test_a_fresh_engine_has_warm_what_the_old_one_had(house) -> None:
    built = house()
    await built.ask(["word " * 60])
    old = built.catalogue.places["a"].version.lane
    await built.until(lambda: old.is_ready)

    await built.catalogue.renew("a")

    fresh = built.catalogue.places["a"].version.lane
    assert set(old.shapes.warm) <= set(fresh.shapes.warm)


async def test_a_fresh_engine_keeps_the_costs(house) -> None:
    built = house()
    old = built.catalogue.places["a"].version.lane
    await built.until(lambda: old.is_ready)
    old.costs.put(next(iter(old.shapes.warm)), 123.0)

    await built.catalogue.renew("a")

    fresh = built.catalogue.places["a"].version.lane
    assert old.costs.measured <= fresh.costs.measured


async def test_where_the_disk_has_no_room_for_a_copy_the_engine_is_compiled_anew(
    house, caplog: pytest.LogCaptureFixture
) -> None:
    built = house()
    before, old = (await built.ask()).outputs, built.lane
    built.is_disk_full = True

    await built.catalogue.renew("a")

    assert old != built.lane
    assert "compiled anew: no space left" in caplog.text
    np.testing.assert_allclose((await built.ask()).outputs, before, rtol=1e-4)


class Machine:
    """Opens lanes of one graph, whose engines take as long as is set, and longer for new kernels."""

    LADDER = ladder(128, max_tokens=256)

    def __init__(self, *, kernels_s: float = 0.0) -> None:
        self.clock, self.kernels_s = ManualClock(), kernels_s
        self.ran: list[str] = []

    def lane(self) -> Lane:
        engine = FakeEngine(spend=lambda shape: self.spend(engine, shape))
        costs = CostTable({shape: self.cost_s(shape) for shape in self.LADDER})
        return Lane(
            "m",
            lambda grid: engine.run(grid)["logits"],
            ladder=self.LADDER,
            costs=costs,
            objective_s=0.05,
            n_first=2,
        )

    def warm_lane(self) -> Lane:
        lane = self.lane()
        rehearse(lane, rest=self.rest, clock=self.clock)
        return lane

    def cost_s(self, shape: Shape) -> float:
        return 1e-3 + 1e-5 * shape.n_slots

    def spend(self, engine: FakeEngine, shape: Shape) -> None:
        is_new = engine.shapes.count(str(shape)) == 1
        self.clock.advance(self.cost_s(shape) + is_new * self.kernels_s)
        self.ran.append(str(shape))

    def rest(self, _seconds: float) -> bool:
        return False


@pytest.mark.parametrize(("kernels_s", "n_ran"), [(0.005, 3), (0.1, len(Machine.LADDER))])
def test_kernels_are_left_to_those_who_need_them_if_they_take_little(
    kernels_s: float, n_ran: int
) -> None:
    machine = Machine(kernels_s=kernels_s)
    old, fresh = machine.warm_lane(), machine.lane()
    machine.ran.clear()

    succeed(fresh, old, rest=machine.rest, clock=machine.clock)

    assert fresh.is_warm
    assert pytest.approx(old.shapes.warm) == fresh.shapes.warm
    assert set(machine.ran) == set(map(str, machine.LADDER[:n_ran]))


def test_the_first_run_of_an_inherited_shape_says_nothing_of_its_cost() -> None:
    machine = Machine()
    old, fresh = machine.warm_lane(), machine.lane()
    fresh.inherit(old)
    shape = machine.LADDER[-1]
    known_s = fresh.predicted_s(shape)

    assert fresh.is_cold(shape)
    fresh.observe(shape, 10 * known_s)

    assert not fresh.is_cold(shape)
    assert known_s == fresh.predicted_s(shape)
    for _ in range(5):
        fresh.observe(shape, 10 * known_s)
    assert fresh.predicted_s(shape) > 5 * known_s


def test_a_lane_counts_as_warmed_when_all_that_it_inherited_has_run() -> None:
    machine = Machine()
    old, fresh = machine.warm_lane(), machine.lane()
    said = list[str]()
    fresh.warmed = lambda: said.append("warmed")
    fresh.inherit(old)

    for shape in machine.LADDER:
        assert [] == said
        fresh.observe(shape, 0.01)

    assert ["warmed"] == said


def test_what_an_heir_gives_up_is_cold_again_when_it_comes_back() -> None:
    machine = Machine()
    old, fresh = machine.warm_lane(), machine.lane()
    fresh.inherit(old)

    fresh.shrink()
    fresh.restore()

    assert not fresh.is_warm
    assert fresh.is_cold(machine.LADDER[-1])


async def test_an_engine_is_replaced_at_its_age(house) -> None:
    built = house(recycle_s=100.0)
    built.catalogue.look()
    old = built.lane

    built.clock.advance(100)
    built.catalogue.look()
    await built.until(lambda: built.lane != old)

    assert 1 == built.changes()["replaced"]


async def test_a_fresh_engine_that_has_no_room_is_not_made(house) -> None:
    built = house()
    built.room, old = 1.0, built.lane

    with pytest.raises(Unavailable, match="the process may grow by 0 MiB"):
        await built.catalogue.renew("a")

    assert old == built.lane


async def test_where_no_work_is_taken_the_old_engine_goes_before_the_fresh_one_comes(
    house,
) -> None:
    built = house()
    built.room, built.is_refusing = 1.0, True

    await built.catalogue.renew("a")

    assert [0, 0] == built.n_open_before
    assert 3 == len((await built.ask()).outputs)


async def test_another_artifact_on_the_disk_takes_over(house, tmp_path: Path) -> None:
    built = house()
    before = (await built.ask()).outputs
    shutil.rmtree(built.folder)
    tiny_artifact(built.folder, n_labels=3, seed=7)

    await built.catalogue.reload("a")

    assert 1 == built.changes()["replaced"]
    assert not np.allclose(before, (await built.ask()).outputs)


async def test_the_same_artifact_on_the_disk_changes_nothing(house) -> None:
    built = house()
    old = built.lane

    await built.catalogue.reload("a")

    assert old == built.lane


@pytest.mark.parametrize("file", ["manifest.json", "model.f32.onnx", "tokenizer.json"])
async def test_a_corrupt_artifact_on_the_disk_never_takes_over(house, file: str) -> None:
    built = house()
    before = (await built.ask()).outputs
    shutil.rmtree(built.folder)
    tiny_artifact(built.folder, n_labels=3, seed=7)
    (built.folder / file).write_bytes(b"{torn")

    with pytest.raises(Unavailable, match="stays as it was"):
        await built.catalogue.reload("a")

    assert 1 == built.changes()["broken"]
    np.testing.assert_allclose((await built.ask()).outputs, before, rtol=1e-4)


async def test_an_engine_that_hangs_is_replaced(house) -> None:
    built = house(hang_s=1.0)
    await built.ask()
    old = built.lane
    await built.until(lambda: built.catalogue.places["a"].version.lane.is_warm)
    built.may_run.clear()

    with pytest.raises((EngineHung, Loading)):
        await built.ask()
    built.may_run.set()
    await built.until(lambda: built.lane not in ("", old))

    assert 3 == len((await built.ask()).outputs)
    assert built.catalogue.is_alive


def test_three_hangs_in_a_row_are_the_end(house) -> None:
    built = house()
    place = built.catalogue.places["a"]
    alive = [built.catalogue.is_alive]

    for _ in range(3):
        built.catalogue._recycling.rebuild(place, built.lane)
        alive.append(built.catalogue.is_alive)
    built.clock.advance(1000)

    assert [True, True, True, False] == alive
    assert built.catalogue.is_alive


def test_engines_are_due_by_age_oldest_first() -> None:
    ages = {"young": 5.0, "old": 20.0, "older": 30.0}

    assert ("older", "old") == due(ages, 0, limit_s=20, limit_bytes=0)


def test_all_engines_are_due_when_the_process_has_grown() -> None:
    assert ("b", "a") == due({"a": 1.0, "b": 2.0}, 100, limit_s=0, limit_bytes=100)


def test_nothing_is_due_where_nothing_is_set() -> None:
    assert () == due({"a": 1e9}, 10**12, limit_s=0, limit_bytes=0)


def test_growth_counts_from_the_least_since_the_models_were_warm() -> None:
    growth = Growth()

    seen = [
        growth.observe(n_bytes, event=1, is_settled=is_settled)
        for n_bytes, is_settled in ((50, False), (100, True), (130, True), (90, True), (120, True))
    ]

    assert [0, 0, 30, 0, 30] == seen


def test_whatever_opens_or_closes_begins_growth_anew() -> None:
    growth = Growth()
    growth.observe(100, event=1, is_settled=True)

    assert 0 == growth.observe(500, event=2, is_settled=True)

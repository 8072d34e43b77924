"""The plan that a report of a load test leads to, and what is said of it."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from goldcrest.cli.main import app
from goldcrest.errors import ConfigError
from goldcrest.loadtest import result, subject
from goldcrest.loadtest.arrivals import level, poisson
from goldcrest.loadtest.capacity import Replicas
from goldcrest.loadtest.day import usual_day
from goldcrest.loadtest.load import Mix
from goldcrest.loadtest.measured import Measured
from goldcrest.loadtest.objective import read_slo
from goldcrest.loadtest.plan import CapacityPlan, Wish, make
from goldcrest.loadtest.planned import html, paragraph
from goldcrest.loadtest.simulate import simulate
from goldcrest.loadtest.sizing import Wanted
from goldcrest.loadtest.statistics import histogram, quantiles

SLO = "p99<80ms,errors<0.1%"
LADDER = {"1x16": 0.002, "1x32": 0.003, "1x64": 0.005, "4x64": 0.013, "8x64": 0.023}
LENGTHS = (8, 12, 20, 24, 40, 64)
SERVER = Measured(costs=LADDER, request_s=100e-6, answer_s=60e-6, cores=2, threads=2)
NONE = np.array([])


def step(rate: float, *, faster: float = 1.0) -> result.Step:
    """What a load test would see of the server above, which the simulator plays here."""
    times = poisson(level(rate, 2000 / rate), np.random.default_rng(5))
    costs = {shape: cost / faster for shape, cost in LADDER.items()}
    measured = msgspec.structs.replace(SERVER, costs=costs)
    load = Mix(lengths=LENGTHS).load(times, seed=5)
    seen = simulate(measured, load)
    n_tokens = sum(sum(texts) for texts in load.texts)
    return result.Step(
        kind="step",
        mode="poisson",
        asked_rate=rate,
        seconds=seen.seconds,
        sent=seen.sent,
        answered=seen.answered,
        refused=0,
        rate=rate,
        goodput=1.0,
        latency=quantiles(seen.latencies_s * 1e3),
        histogram=histogram(seen.latencies_s * 1e3),
        lag=result.Lag(p50_ms=0, p99_ms=0, max_ms=0, cpu_share=0.0, n_waited=0),
        server=result.ServerStep(
            busy_s=seen.engine_s,
            busy_share=seen.busy_share,
            engine_cpu_s=1.0,
            cpu_s=2.0 + seen.loop_s,
            loop_cpu_s=seen.loop_s,
            n_requests=seen.sent,
            n_batches=seen.n_grids,
            n_tokens=n_tokens,
            n_slots=n_tokens,
            resident_bytes=300 * 2**20,
        ),
    )


def report(*, cores: int = 2, faster: float = 1.0, rates=(50, 300)) -> result.LoadReport:
    costs = {shape: cost / faster for shape, cost in LADDER.items()}
    machine = subject.Machine(cores=cores)
    return result.LoadReport(
        target=subject.Target(url="http://h", protocol="classify", route="/classify"),
        client=subject.Client(machine=machine, n_processes=1, max_connections=9, version="0"),
        server=subject.Server(
            machine=machine,
            lanes=(subject.LaneCost(lane="a#1", model="a", seconds_per_token=1e-4, costs=costs),),
            tokens_per_request=28.0,
            start_s=4.0,
        ),
        profile=result.ProfileSummary(
            name="made", tokens=histogram(np.array(LENGTHS, float)), characters=histogram(NONE)
        ),
        steps=tuple(step(rate, faster=faster) for rate in rates),
    )


@pytest.fixture(scope="module")
def small() -> result.LoadReport:
    return report()


@pytest.fixture(scope="module")
def planned(small) -> CapacityPlan:
    day = tuple(usual_day(2000, swing=8))
    wanted = Wanted(rate=2000, mean_rate=sum(day) / len(day))
    return make({"small": small}, Wish(wanted, read_slo(SLO), (0.17,), day=day, n=800))


def test_planned_replicas_bear_the_peak_without_one_of_them(planned):
    laid = planned.chosen.sized
    assert laid is not None
    assert laid.n_replicas >= 2400 / laid.size.sustainable + 1
    assert planned.at_worst.p99_ms <= 80
    assert planned.at_rate.p99_ms <= planned.at_worst.p99_ms


def test_sustainable_rate_is_where_the_objective_is_about_to_break():
    replicas = Replicas(SERVER, Mix(lengths=LENGTHS), n=1000)
    slo = read_slo(SLO)

    rate = replicas.sustainable(slo)

    assert replicas.point(rate).p99_ms <= 80 < replicas.point(1.15 * rate).p99_ms
    assert rate < replicas.most()


def test_objective_below_a_single_grid_is_kept_at_no_rate(small):
    wish = Wish(Wanted(rate=10), read_slo("p99<1ms"), (0.17,), n=500)

    with pytest.raises(ConfigError, match="as in small keeps p99<1ms at no rate"):
        make({"small": small}, wish)


@pytest.mark.parametrize(
    ("rate", "problem", "found"), [(50.0, "", 50.0), (50.0, "the client was the limit", None)]
)
def test_what_the_client_was_the_limit_of_bounds_no_plan(small, rate, problem, found):
    first, last = small.steps
    steps = (first, msgspec.structs.replace(last, is_within=False, problem=problem))
    answer = result.Found(rate=rate, broke_at=300.0, n_confirmed=3, sureness=0.8, note="")
    seen = msgspec.structs.replace(small, steps=steps, slo=read_slo(SLO), found=answer)

    made = make({"small": seen}, Wish(Wanted(rate=100), read_slo(SLO), (0.17,), n=500))

    assert found == made.chosen.found


def test_larger_replicas_win_where_they_cost_less(small):
    reports = {"small": small, "large": report(cores=4, faster=3, rates=(50, 500))}
    wish = Wish(Wanted(rate=2000), read_slo(SLO), (0.17, 0.20), n=500)

    made = make(reports, wish)

    assert "large" == made.chosen.label
    assert "(large)" in made.why
    assert "the others: " in made.why


def test_one_price_for_several_sizes_goes_by_cores(small):
    reports = {"small": small, "large": report(cores=4, rates=(50, 300))}

    made = make(reports, Wish(Wanted(rate=500), read_slo(SLO), (0.17,), n=500))

    prices = [option.sized.size.price for option in made.options if option.sized]
    assert [0.17, 0.34] == pytest.approx(prices)


def test_prices_must_be_one_or_one_for_each(small):
    with pytest.raises(ConfigError, match="--price was given 3 times for 1 reports"):
        make({"a": small}, Wish(Wanted(rate=1), read_slo(SLO), (1.0, 2.0, 3.0)))


def test_day_costs_less_with_an_autoscaler_and_keeps_the_objective(planned):
    assert planned.day is not None
    assert planned.day_cost_per_million < planned.chosen.sized.cost_per_million
    assert planned.day.within_share > 0.999
    assert 0 == planned.day.refused_share


def test_autoscaler_aims_below_what_a_replica_sustains(planned):
    assert 0 < planned.scaling.busy <= 0.85
    assert planned.scaling.waiting_tokens >= 28
    assert 9.0 == planned.scaling.start_s


def test_report_without_a_cost_table_is_refused(small):
    bare = msgspec.structs.replace(small, server=None)

    with pytest.raises(ConfigError, match="no cost table"):
        make({"a": bare}, Wish(Wanted(rate=1), read_slo(SLO), (1.0,)))


def test_report_without_a_steady_step_is_refused(small):
    late = tuple(msgspec.structs.replace(step, rate=1.0) for step in small.steps)

    with pytest.raises(ConfigError, match="no step with open-loop load"):
        make({"a": msgspec.structs.replace(small, steps=late)}, WISH)


WISH = Wish(Wanted(rate=1), read_slo(SLO), (1.0,))


def test_page_and_paragraph_say_how_many(planned):
    n = planned.chosen.sized.n_replicas

    page = html(planned, made_by="a test")

    assert paragraph(planned).startswith(f"{n} replicas answer 2000 requests a second")
    assert f"{n} replicas of 2 cores keep p99&lt;80ms" in page
    assert all(word in page for word in ("HorizontalPodAutoscaler", "ScaledObject", "p95 real"))


def test_test_on_a_busy_machine_is_told(planned):
    unrest = msgspec.structs.replace(planned.chosen, unrest=3.0)

    assert "something else was using that machine" not in paragraph(planned)
    assert "something else was using that machine" in paragraph(
        msgspec.structs.replace(planned, chosen=unrest)
    )


def test_plan_survives_json(planned):
    assert planned == msgspec.json.decode(msgspec.json.encode(planned), type=CapacityPlan)


def test_command_prints_a_table_json_or_triggers(small, tmp_path):
    file = tmp_path / "small.json"
    result.write(small, file)
    asked = ["plan", "--from", str(file), "--rate", "500", "--slo", SLO, "--sample", "500"]

    table, as_json, hpa = (
        CliRunner().invoke(app, [*asked, *more])
        for more in (["-o", str(tmp_path / "plan.html")], ["--json"], ["--yaml", "hpa"])
    )

    assert (0, 0, 0) == (table.exit_code, as_json.exit_code, hpa.exit_code), table.output
    made = msgspec.json.decode(as_json.output, type=CapacityPlan)
    assert made.chosen.sized is not None
    assert f"{made.chosen.sized.n_replicas} replicas answer 500" in table.output
    spec = yaml.safe_load(hpa.output)["spec"]
    aim = spec["metrics"][0]["pods"]["target"]["averageValue"]
    assert f"{round(made.scaling.busy * 1000)}m" == aim
    assert (tmp_path / "plan.html").read_text().startswith("<!doctype html>")


def test_command_needs_a_rate_or_a_day(small, tmp_path):
    file = tmp_path / "small.json"
    result.write(small, file)

    ran = CliRunner().invoke(app, ["plan", "--from", str(file), "--slo", SLO])

    assert "give --rate, or --day" in str(ran.exception)

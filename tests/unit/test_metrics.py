"""What a scrape says after what was recorded."""

import dataclasses
import threading
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from goldcrest.metrics import SPECS, Metrics, Readings
from goldcrest.metrics.figures import Figures, lasting, merged, risen
from goldcrest.metrics.text import rendered
from goldcrest.records import BatchReport, RequestRecord
from goldcrest.serving.observing import Observed
from goldcrest.tasks import Classify, Reply, Request, ZeroShot
from goldcrest.values import ServedModel, Shape

RECORD = RequestRecord(
    task="classify",
    model="m",
    outcome="ok",
    n_items=3,
    n_tokens=40,
    n_truncated=1,
    seconds=0.012,
    lengths=(16, 17, 600),
)
REPORT = BatchReport(
    lane="m#1",
    model="m",
    reason="knee",
    shape=Shape(4, 64),
    n_jobs=3,
    n_tokens=200,
    predicted_s=0.02,
    run_s=0.03,
    idle_s=0.001,
    cpu_s=0.05,
    waited_s=(0.0, 0.004, 40.0),
    priorities=("default",) * 3,
)


def _sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    families = text_string_to_metric_families(metrics.render().decode())
    samples = (sample for family in families for sample in family.samples)
    return next((s.value for s in samples if s.name == name and labels == s.labels), None)


def test_a_request_is_counted_by_its_outcome():
    metrics = Metrics(version="1")

    metrics.record(RECORD)

    assert 1 == _sample(
        metrics, "goldcrest_requests_total", task="classify", model="m", outcome="ok"
    )


def test_a_request_adds_its_items_tokens_and_truncations():
    metrics = Metrics(version="1")

    metrics.record(RECORD)
    metrics.record(RECORD)

    assert (6, 80, 2) == (
        _sample(metrics, "goldcrest_items_total", task="classify", model="m"),
        _sample(metrics, "goldcrest_tokens_total", model="m"),
        _sample(metrics, "goldcrest_truncated_items_total", model="m"),
    )


def test_every_text_counts_by_the_tokens_that_it_had():
    metrics = Metrics(version="1")

    metrics.record(RECORD)

    bucket = "goldcrest_text_tokens_bucket"
    assert (1, 2, 2, 3, 633) == (
        _sample(metrics, bucket, model="m", le="16.0"),
        _sample(metrics, bucket, model="m", le="24.0"),
        _sample(metrics, bucket, model="m", le="512.0"),
        _sample(metrics, bucket, model="m", le="1024.0"),
        _sample(metrics, "goldcrest_text_tokens_sum", model="m"),
    )


def test_a_request_without_an_answer_has_no_lengths():
    metrics = Metrics(version="1")

    metrics.record(dataclasses.replace(RECORD, model="", outcome="overloaded", lengths=()))

    assert b"goldcrest_text_tokens" not in metrics.render()


@pytest.mark.parametrize(
    ("task", "lengths"),
    [(Classify(), (10, 600)), (ZeroShot(labels=("a", "b")), (5, 344))],
    ids=["as it comes", "in two pairs"],
)
async def test_a_length_is_what_ran_and_what_was_cut_off(task, lengths):
    async def predict(request: Request[Any]) -> Reply[Any]:
        return Reply("m", (), (), (10, 512), (0, 88), (1, 1))

    records: list[RequestRecord] = []
    await Observed(predict, records.append, lambda: 0.0)(Request(task, ["a", "b"]))

    assert [lengths] == [record.lengths for record in records]


def test_a_batch_tells_how_full_its_grid_was():
    metrics = Metrics(version="1")

    metrics.report(REPORT)

    assert (200, 256) == (
        _sample(metrics, "goldcrest_grid_tokens_total", model="m"),
        _sample(metrics, "goldcrest_grid_slots_total", model="m"),
    )


def test_a_batch_adds_its_times():
    metrics = Metrics(version="1")

    metrics.report(REPORT)

    names = ("busy", "cpu", "idle_while_waiting", "predicted")
    assert [0.03, 0.05, 0.001, 0.02] == [
        _sample(metrics, f"goldcrest_engine_{name}_seconds_total", model="m") for name in names
    ]


def test_every_text_of_a_batch_counts_in_the_histogram_of_waiting():
    metrics = Metrics(version="1")

    metrics.report(REPORT)

    bucket = "goldcrest_queue_seconds_bucket"
    assert (1, 2, 3, 40.004) == (
        _sample(metrics, bucket, model="m", priority="default", le="0.0005"),
        _sample(metrics, bucket, model="m", priority="default", le="0.005695"),
        _sample(metrics, bucket, model="m", priority="default", le="+Inf"),
        _sample(metrics, "goldcrest_queue_seconds_sum", model="m", priority="default"),
    )


def test_a_grid_counts_for_its_reason():
    metrics = Metrics(version="1")

    metrics.report(REPORT)

    assert 1 == _sample(metrics, "goldcrest_dispatches_total", model="m", reason="knee")


def test_a_value_on_a_bound_belongs_below_it():
    metrics = Metrics(version="1")

    metrics.report(REPORT)

    assert 1 == _sample(metrics, "goldcrest_batch_jobs_bucket", model="m", le="4.0")


def test_gauges_are_read_at_the_scrape():
    waiting = [0]
    metrics = Metrics(version="1", readings=Readings(waiting_jobs=lambda: waiting[0]))

    waiting[0] = 7

    assert 7 == _sample(metrics, "goldcrest_waiting_jobs")


def test_a_model_is_reported_with_its_precision_and_readiness():
    model = ServedModel(
        name="m",
        task="classify",
        tasks=("classify",),
        labels=("a",),
        dimensions=0,
        pooling="",
        precision="int8",
        max_length=512,
        digest="d",
        source="s",
        family="bert",
        is_ready=False,
        defaults=("classify",),
    )
    metrics = Metrics(version="1", readings=Readings(models=lambda: (model,)))

    assert 0 == _sample(metrics, "goldcrest_model_ready", model="m", precision="int8")


def test_the_version_is_a_label():
    assert 1 == _sample(Metrics(version="1.2.3"), "goldcrest_info", version="1.2.3")


def test_the_process_is_measured():
    assert _sample(Metrics(version="1"), "process_resident_memory_bytes")


def test_everything_described_is_rendered_and_nothing_else():
    figures = {
        key: {("x",) * len(spec.labels): (1.0,) * (len(spec.bounds) + 2 if spec.bounds else 1)}
        for key, spec in SPECS.items()
    }

    families = text_string_to_metric_families(rendered(figures).decode())

    assert {spec.name.removesuffix("_total"): spec.kind for spec in SPECS.values()} == {
        family.name: family.type for family in families
    }


def test_what_nobody_has_counted_is_absent():
    assert b"goldcrest_cache_lookups" not in Metrics(version="1").render()


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb", "ä", ""], ids=repr)
def test_a_label_is_read_back_as_it_was(value: str):
    metrics = Metrics(version="1")

    metrics.report(dataclasses.replace(REPORT, model=value))

    assert 1 == _sample(metrics, "goldcrest_batches_total", model=value)


@pytest.mark.parametrize("value", [0, 3, 0.1, 1e-7, 2.0**60, float("inf"), float("nan")], ids=repr)
def test_a_figure_is_read_back_as_it_was(value: float):
    metrics = Metrics(version="1", readings=Readings(waiting_jobs=lambda: value))  # type: ignore[arg-type,return-value]  # any number will do

    assert repr(float(value)) == repr(float(_sample(metrics, "goldcrest_waiting_jobs") or 0))


def test_what_parts_count_themselves_is_added_up():
    samples = [("refusals", ("tokens", "bulk"), 2), ("refusals", ("tokens", "bulk"), 3)]
    metrics = Metrics(version="1", readings=Readings(samples=lambda: samples))

    assert 5 == _sample(metrics, "goldcrest_refusals_total", reason="tokens", priority="bulk")


def test_two_processes_count_as_one():
    one, other = Metrics(version="1"), Metrics(version="1")
    one.report(REPORT)
    other.report(REPORT)
    other.record(RECORD)
    together = Metrics(version="1")
    together.report(REPORT)
    together.report(REPORT)
    together.record(RECORD)

    both = merged((one.figures(), other.figures()))

    for key in ("batches", "requests", "queue_seconds", "request_seconds", "text_tokens"):
        for labels, numbers in together.figures()[key].items():
            assert list(numbers) == pytest.approx(both[key][labels])


@pytest.mark.parametrize(
    ("key", "labels", "expected"),
    [
        ("waiting_jobs", (), 3.0),
        ("memory_pressure", (), 2.0),
        ("model_ready", ("m", "int8"), 1.0),
        ("info", ("1",), 2.0),
        ("process_start_time_seconds", (), 1.0),
    ],
)
def test_a_gauge_of_two_processes_is_what_its_meaning_demands(key, labels, expected):
    both = merged([{key: {labels: (1.0,)}}, {key: {labels: (2.0,)}}])

    assert expected == both[key][labels][0]


def test_only_totals_outlive_their_process():
    metrics = Metrics(version="1")
    metrics.report(REPORT)

    left = lasting(metrics.figures())

    assert {"batches", "queue_seconds", "process_cpu_seconds"} <= set(left)
    assert set() == {"waiting_jobs", "info", "process_open_fds"} & set(left)


def _cpu(seconds: float) -> Figures:
    return {"process_cpu_seconds": {(): (seconds,)}}


def test_a_sum_in_another_order_is_no_fall():
    key = "process_cpu_seconds"
    first, second, third = (_cpu(seconds) for seconds in (0.1, 0.2, 0.3))
    before = merged([merged([first, second]), third])
    after = merged([first, merged([second, third])])
    assert after[key][()][0] < before[key][()][0]

    assert before[key][()][0] == risen(after, before)[key][()][0]


def test_nothing_is_lost_when_threads_report_at_once():
    metrics = Metrics(version="1")

    def report() -> None:
        for _ in range(200):
            metrics.report(REPORT)
            metrics.render()

    threads = [threading.Thread(target=report) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 400 == _sample(metrics, "goldcrest_batches_total", model="m")

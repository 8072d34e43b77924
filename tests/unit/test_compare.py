"""How contenders are named, limited, weighed and picked, and what is said of that."""

from __future__ import annotations

import re
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.asking import classifier
from tests.comparisons import chosen, comparison, contender, limit, one_round

from goldcrest.artifact import Artifact
from goldcrest.cli.main import main
from goldcrest.compare.contender import Contender, read_contenders
from goldcrest.compare.drawing import LATENCY, PARAMETERS, RATE, on_front, worth
from goldcrest.compare.judging import Judge
from goldcrest.compare.limit import read_bytes, read_limit, read_seconds, read_share
from goldcrest.compare.memory import memory
from goldcrest.compare.noise import Moment, others_cores
from goldcrest.compare.page import html
from goldcrest.compare.parameters import n_parameters
from goldcrest.compare.probe import latencies, spread, throughput
from goldcrest.compare.result import Failure, read, write
from goldcrest.compare.summary import measured
from goldcrest.compare.texts import made_up
from goldcrest.compare.trial import check_tasks
from goldcrest.errors import ArtifactCorrupt, ConfigError
from goldcrest.evaluate import Row, TextSet
from goldcrest.testing import ManualClock, tiny_artifact


class Asked:
    """A subject that takes the same time for every item, on a clock that others read."""

    precision = arithmetic = "f32"

    def __init__(self, seconds: float, clock: ManualClock) -> None:
        self.seconds, self.clock, self.lock = seconds, clock, threading.Lock()

    def ask(self, items) -> None:
        with self.lock:
            self.clock.advance(self.seconds * len(items))

    def settle(self, patience_s: float) -> None: ...

    def swap(self) -> float:
        return 1.0

    def close(self) -> None: ...


# Limits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "n_bytes"), [("300MB", 300e6), ("2GiB", 2**31), ("1.5 gb", 1.5e9), ("64KiB", 65536)]
)
def test_a_size_is_read_in_its_unit(text: str, n_bytes: float) -> None:
    assert n_bytes == read_bytes(text)


@pytest.mark.parametrize(("text", "seconds"), [("20ms", 0.02), ("1.5s", 1.5), ("2min", 120.0)])
def test_a_time_is_read_in_its_unit(text: str, seconds: float) -> None:
    assert pytest.approx(seconds) == read_seconds(text)


@pytest.mark.parametrize(("text", "share"), [("0.9", 0.9), ("90%", 0.9), ("1", 1.0)])
def test_a_share_is_a_number_or_a_percentage(text: str, share: float) -> None:
    assert pytest.approx(share) == read_share(text)


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        ("memory", "300"),
        ("memory", "0MB"),
        ("memory", "20ms"),
        ("p99", "20"),
        ("p99", "fast"),
        ("quality", "90"),
        ("quality", "-1"),
        ("quality", "101%"),
    ],
)
def test_a_limit_that_is_not_written_so_is_refused_with_its_flag_and_an_example(
    measure, text: str
) -> None:
    with pytest.raises(ConfigError, match=rf"--flag '{re.escape(text)}' .*write"):
        read_limit(measure, text, "--flag")


# Contenders -------------------------------------------------------------------------------------


def test_what_stands_behind_the_last_colon_is_a_precision_only_if_there_is_one_of_that_name() -> (
    None
):
    found = read_contenders(["org/name@v1", "sentiment:int8", "http://host:80", "a:int8-weights"])

    assert [
        Contender("org/name@v1", "org/name@v1", "auto"),
        Contender("sentiment:int8", "sentiment", "int8"),
        Contender("http://host:80", "http://host:80", "auto"),
        Contender("a:int8-weights", "a", "int8-weights"),
    ] == list(found)


def test_a_folder_is_called_by_its_last_part_unless_another_is_called_the_same(
    tmp_path: Path,
) -> None:
    folders = [tmp_path / name for name in ("one/model", "two/model", "three/other")]
    for folder in folders:
        folder.mkdir(parents=True)

    names = [one.name for one in read_contenders([f"{folder}:f32" for folder in folders])]

    assert [f"{folders[0]}:f32", f"{folders[1]}:f32", "other:f32"] == names


def test_a_contender_that_is_named_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="a:f32 is named twice"):
        read_contenders(["a:f32", "b", "a:f32"])


def test_only_models_of_one_task_are_compared(tiny: Artifact, tiny_embedder: Artifact) -> None:
    with pytest.raises(ConfigError, match="a for classify, b for embed"):
        check_tasks({"a": tiny, "b": tiny_embedder})


# Quality ----------------------------------------------------------------------------------------


def test_without_labels_it_is_said_with_whom_quality_compares(tiny: Artifact) -> None:
    texts = TextSet("texts.txt", (Row("one"), Row("two")))
    said = {"a": lambda _: "x", "b": lambda item: "x" if item == "one" else "y"}
    judge = Judge(
        texts, None, lambda _, one: nullcontext(classifier("x", "y", says=said[one.name]))
    )

    found = [judge(one, tiny, lambda _: None) for one in read_contenders(list(said))]

    assert [1.0, 0.5] == [one.value for one in found if one]
    assert judge.notes == [
        "There are no labels to go by: quality is agreement with a, whose own is therefore 1."
    ]


@pytest.mark.parametrize("metric", [(), ("--metric", "agreement")])
def test_a_limit_of_quality_needs_labels(
    metric: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "texts.txt").write_text("one\ntwo\n")
    words = ["compare", "sentiment", "--data", "texts.txt", "--min-quality", "0.9", *metric]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["goldcrest", *words])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert "--min-quality needs labels: without them" in capfd.readouterr().err


# The pick ---------------------------------------------------------------------------------------


def test_the_sentence_names_the_leading_figure_the_limited_ones_and_their_limits() -> None:
    fast = contender("fast:int8", 0.91, texts_per_s=400.0, p99_ms=14.0, resident_bytes=210_000_000)
    slow = contender("slow:f32", 0.92, p99_ms=18.0, resident_bytes=290_000_000)
    large = contender("large:f32", 0.93, resident_bytes=900_000_000)
    limits = (
        limit("memory", 300e6, "--max-memory"),
        limit("p99", 0.02, "--max-p99"),
        limit("quality", 0.9, "--min-accuracy"),
    )

    choice = chosen(large, slow, fast, limits=limits)

    assert (
        "fast:int8 is the pick for cpu: of the 2 that keep every limit, its figures are the best by "
        "the weights of cpu, with 400 texts/s (the best of them), accuracy 0.910 (at least 0.9), "
        "210 MB of memory (limit 300 MB) and a p99 of 14 ms (limit 20 ms)."
    ) == choice.reason


def test_a_pick_that_is_not_the_first_in_the_leading_figure_says_so() -> None:
    good = contender("good", 0.95, texts_per_s=100.0)
    fast = contender("fast", 0.60, texts_per_s=120.0)

    assert "100 texts/s (number 2 of them)" in chosen(good, fast).reason


def test_one_that_alone_keeps_every_limit_is_picked_whatever_else() -> None:
    small = contender("small", resident_bytes=100, texts_per_s=1.0)
    large = contender("large")

    choice = chosen(small, large, limits=(limit("memory", 1000),))

    assert "small" == choice.chosen
    assert "it alone keeps every limit" in choice.reason
    assert [("large", "memory")] == [(one.name, one.limit.measure) for one in choice.broken]


def test_where_nothing_fits_the_limit_that_excludes_most_and_the_nearest_are_named() -> None:
    one = contender("one", p99_ms=25.0, resident_bytes=400_000_000)
    two = contender("two", p99_ms=80.0, resident_bytes=200_000_000)
    limits = (limit("memory", 300e6), limit("p99", 0.02))

    choice = chosen(one, two, limits=limits)

    assert ("", "one") == (choice.chosen, choice.nearest)
    assert (
        "None of the 2 contenders keeps every limit: --max-p99 (limit 20 ms) excludes most, 2 of "
        "them, and the nearest is one with 400 MB of memory (limit 300 MB) and a p99 of 25 ms "
        "(limit 20 ms)."
    ) == choice.reason


def test_a_limit_is_broken_by_what_was_not_measured() -> None:
    choice = chosen(contender("a"), limits=(limit("quality", 0.5),))

    assert "" == choice.chosen
    assert "no quality measured" in choice.reason


def test_a_value_at_the_limit_keeps_it() -> None:
    one = contender("one", 0.9, p99_ms=20.0)

    assert "one" == chosen(one, limits=(limit("p99", 0.02), limit("quality", 0.9))).chosen


def test_the_target_decides_between_a_fast_one_and_a_small_one() -> None:
    fast = contender("fast", texts_per_s=300.0, resident_bytes=480_000_000)
    small = contender("small", texts_per_s=150.0, resident_bytes=200_000_000)

    assert ("fast", "small") == (
        chosen(fast, small).chosen,
        chosen(fast, small, target="edge").chosen,
    )


def test_frequent_updates_prefer_the_one_that_is_swapped_in_sooner() -> None:
    slow = contender("slow to swap", swap_s=60.0, texts_per_s=150.0)
    quick = contender("quick to swap", swap_s=20.0, texts_per_s=100.0)

    assert ("slow to swap", "quick to swap") == (
        chosen(slow, quick).chosen,
        chosen(slow, quick, updates="hourly").chosen,
    )


def test_a_limit_of_the_target_gives_way_to_one_that_is_given() -> None:
    large = contender("large", artifact_bytes=400_000_000)

    refused = chosen(large, target="serverless")
    allowed = chosen(large, target="serverless", limits=(limit("artifact", 500e6),))

    assert ("", "large") == (refused.chosen, allowed.chosen)
    assert "--target serverless (limit 250 MB)" in refused.reason


# Figures ----------------------------------------------------------------------------------------


def test_figures_are_medians_and_noise_is_the_worst_of_the_rounds(tiny: Artifact) -> None:
    rounds = [
        one_round(p99_ms=p99, texts_per_s=rate, others_cores=others)
        for p99, rate, others in ((10.0, 90.0, 0.0), (99.0, 100.0, 0.5), (12.0, 20.0, 0.1))
    ]

    found = measured(Contender("tiny", "tiny"), tiny, [*rounds], None)

    assert (12.0, 90.0, 0.5, 300) == (
        found.p99_ms,
        found.texts_per_s,
        found.others_cores,
        found.n_timed,
    )


def test_parameters_are_those_of_the_checkpoint_each_counted_once(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    from goldcrest.checkpoint import read as read_checkpoint
    from goldcrest.compile import build_artifact
    from goldcrest.testing import random_checkpoint

    folder = random_checkpoint(tmp_path / "source", family="albert")
    artifact = build_artifact(read_checkpoint(folder, "tiny"), tmp_path / "artifact")

    stored = sum(tensor.size for tensor in load_file(folder / "model.safetensors").values())
    assert stored == n_parameters(artifact.variant("f32"))


def test_a_graph_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("no graph")

    with pytest.raises(ArtifactCorrupt, match=r"model\.onnx"):
        n_parameters(tmp_path / "model.onnx")


def test_one_client_is_timed_until_the_time_is_up_and_there_are_enough() -> None:
    clock = ManualClock()

    quick = latencies(Asked(0.125, clock), ("a", "b", "c"), 5.0, clock)
    slow = latencies(Asked(2.0, clock), ("a", "b", "c"), 5.0, clock)

    assert (40, 20) == (len(quick), len(slow))
    assert pytest.approx([2.0] * 20) == slow


def test_throughput_counts_answers_that_came_in_time() -> None:
    clock = ManualClock()

    assert pytest.approx(100.0, rel=0.05) == throughput(Asked(0.01, clock), ("a",), 10.0, clock)


def test_every_length_is_met_before_anything_is_timed() -> None:
    items = tuple("x" * n for n in range(1, 101))

    found = [len(text) for text in spread(items, 10)]

    assert (100, 10, 10) == (found[0], found[-1], len(found))


def test_made_up_texts_are_the_same_for_a_seed_and_of_the_lengths_that_are_told() -> None:
    texts = made_up(512, task="classify", seed=3)

    lengths = sorted(len(str(text).split()) + 2 for text in texts)
    assert made_up(512, task="classify", seed=3) == texts
    assert made_up(512, task="classify", seed=4) != texts
    assert (18, 512) == (lengths[256], lengths[-1])


def test_made_up_items_are_such_as_the_task_takes() -> None:
    assert all(str(text).startswith("<mask> ") for text in made_up(9, task="fill", mask="<mask>"))
    assert all(len(item) == 2 for item in made_up(9, task="span") if isinstance(item, tuple))


def test_others_are_what_the_machine_did_and_we_did_not() -> None:
    before, after = Moment(0.0, 10.0, 1.0), Moment(4.0, 17.0, 6.0)

    assert 0.5 == others_cores(before, after)
    assert others_cores(Moment(0.0, None, 0.0), after) is None


def test_memory_is_read_as_the_system_writes_it(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmHWM:\t  300 kB\nVmRSS:\t  178 kB\n")

    found = memory(status)

    assert (178 * 1024, 300 * 1024) == (found.resident, found.peak)
    assert 0 == memory(tmp_path / "nowhere").resident


# The report -------------------------------------------------------------------------------------


def test_the_front_is_of_quality_where_it_is_known_else_of_parameters() -> None:
    known = comparison(
        contender("slow", 0.9, p99_ms=40.0),
        contender("fast", 0.9, p99_ms=10.0),
        contender("good", 0.95, p99_ms=50.0),
    )
    unknown = comparison(contender("large", n_parameters=9), contender("small", n_parameters=3))

    assert ("fast", "good") == on_front(known, LATENCY, worth(known))
    assert PARAMETERS is worth(unknown)
    assert ("large",) == on_front(unknown, RATE, PARAMETERS)


def test_the_page_names_every_contender_and_fetches_nothing() -> None:
    contenders = [
        contender(f"model <{n}>", 0.9, p99_ms=10.0 + n, others_cores=1.5) for n in range(5)
    ]
    choice = chosen(*contenders, limits=(limit("p99", 0.0115),))
    seen = comparison(*contenders, choice=choice, failures=(Failure("gone", "it would not open"),))

    page = html(seen)

    assert not re.search(r"<script|https?://|@import|url\(", page)
    assert all(page.count(f"model &lt;{n}&gt;") >= 3 for n in range(5))
    assert "gone is left out: it would not open" in page
    assert "others on the machine kept up to 1.5 cores busy" in page


def test_a_comparison_that_was_written_is_read_again(tmp_path: Path) -> None:
    contenders = [contender("a", 0.9), contender("b", 0.8)]
    seen = comparison(*contenders, choice=chosen(*contenders))

    write(seen, tmp_path / "seen.json")

    assert seen == read(tmp_path / "seen.json")


def test_a_file_that_is_no_comparison_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("[]")

    with pytest.raises(ConfigError, match=r"other\.json is not a report"):
        read(tmp_path / "other.json")


def test_an_artifact_is_as_large_as_what_a_machine_needs_of_it(tmp_path: Path) -> None:
    from goldcrest.compare.parameters import artifact_bytes

    artifact = tiny_artifact(tmp_path / "tiny")

    files = ("model.f32.onnx", "tokenizer.json", "manifest.json")
    expected = sum((artifact.folder / name).stat().st_size for name in files)
    assert expected == artifact_bytes(artifact, "f32")

"""Distillation: students learn, go on where they were interrupted, and open everywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

import goldcrest
from goldcrest.cli.main import app
from goldcrest.config import Config
from goldcrest.distill.config import Stage
from goldcrest.distill.watch import Unwatched
from goldcrest.errors import NoTrainedHead, TrainingEnded, TrainingError
from goldcrest.evaluate import Row, TextSet
from goldcrest.testing import random_checkpoint
from goldcrest.values import Floats

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from goldcrest.distill.device import choose  # noqa: E402
from goldcrest.distill.judging import judge, kept_neighbours, to_be_found  # noqa: E402
from goldcrest.distill.lessons import Classroom, prepare  # noqa: E402  # needs torch
from goldcrest.distill.material import gather  # noqa: E402
from goldcrest.distill.stages import Finished, Order, begin, run  # noqa: E402

pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("one_thread")]

GOOD = [
    "good",
    "great",
    "love",
    "like",
    "friendly",
    "happy",
    "wonderful",
    "recommend",
    "fast",
    "calm",
]
BAD = ["bad", "awful", "hate", "rude", "terrible", "slow", "never", "angry", "sad", "again"]
FILLERS = [
    "the",
    "a",
    "film",
    "book",
    "food",
    "service",
    "staff",
    "place",
    "was",
    "is",
    "very",
    "it",
    "and",
    "i",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts whose words tell their labels."""
    rng = np.random.default_rng(0)
    lines = []
    for index in range(200):
        words = GOOD if index % 2 else BAD
        chosen = [*rng.choice(words, 2), *rng.choice(FILLERS, rng.integers(2, 9))]
        text = " ".join(rng.permutation(chosen))
        lines.append(json.dumps({"text": text, "label": "good" if index % 2 else "bad"}))
    file = tmp_path_factory.mktemp("texts") / "texts.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("teachers")
    return {
        "labels": random_checkpoint(folder / "bert", family="bert", n_layers=4, n_labels=3),
        "task": random_checkpoint(folder / "judge", family="bert", n_layers=4),
        "embedding": random_checkpoint(folder / "embed", family="bert", pooling="mean", n_layers=4),
        "masked-lm": random_checkpoint(folder / "words", family="bert", task="fill", n_layers=4),
    }


@pytest.fixture(scope="module")
def labelled(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same texts with the labels of the teacher of `task`."""
    file = tmp_path_factory.mktemp("labelled") / "texts.jsonl"
    rows = [json.loads(line) for line in data.read_text("utf-8").splitlines()]
    names = {"good": "label 0", "bad": "label 1"}
    lines = [json.dumps({**row, "label": names[row["label"]]}) for row in rows]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


QUICK: dict[str, Any] = {
    "epochs": 3,
    "batch_tokens": 256,
    "learning_rate": 2e-3,
    "held_back_share": 0.2,
    "precision": "f32",
}
STUDENTS: dict[str, dict[str, Any]] = {
    "labels": {"kind": "labels", "epochs": 6, "learning_rate": 1e-2, "dropout": 0.0},
    "task": {"kind": "task", "family": "distilbert", "layers": 2, "freeze_tokens": True},
    "task, narrower": {"kind": "task", "layers": 2, "width": 16},
    "embedding": {
        "kind": "embedding",
        "family": "distilbert",
        "layers": 2,
        "trim_vocabulary": 0,
        "cosine": 1.0,
    },
    "embedding, cut": {"kind": "embedding", "layers": 2, "width": 16, "trim_vocabulary": 40},
    "masked-lm": {"kind": "masked-lm", "family": "distilbert", "layers": 2, "trim_vocabulary": 0},
    "masked-lm, narrower": {"kind": "masked-lm", "layers": 2, "width": 16},
}


class World:
    """Where the stages of these tests are run."""

    def __init__(self, folder: Path, teachers: dict[str, Path], texts: dict[str, Path]) -> None:
        self.folder, self._teachers, self._texts = folder, teachers, texts
        self._finished: dict[str, Finished] = {}

    def stage(self, name: str, **keys: Any) -> Stage:
        made = {**QUICK, **STUDENTS[name], **keys}
        kind = made["kind"]
        given = {
            "teacher": str(self._teachers[kind]),
            "data": [str(self._texts["task" if kind == "task" else "other"])],
        }
        return msgspec.convert({**given, **made}, Stage)

    def finished(self, name: str) -> Finished:
        """The stage, run once for all tests."""
        if name not in self._finished:
            order = Order(self.stage(name), self.folder / name)
            self._finished[name] = run(order, Unwatched())
        return self._finished[name]


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
    teachers: dict[str, Path],
    data: Path,
    labelled: Path,
) -> World:
    texts = {"task": labelled, "other": data}
    return World(tmp_path_factory.mktemp("students"), teachers, texts)


every_student = pytest.mark.parametrize("name", STUDENTS)


@every_student
def test_a_student_lowers_its_loss(world: World, name: str) -> None:
    curve = world.finished(name).training.curve

    def mean(points: Sequence[Mapping[str, float]]) -> float:
        return float(np.mean([sum(point.values()) - point["step"] for point in points]))

    assert mean(curve[-4:]) < 0.95 * mean(curve[:4])


def vectors(folder: Path, texts: list[str]) -> Floats:
    """What transformers makes of a folder: logits of texts, or pooled vectors."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    kind = json.loads((folder / "config.json").read_text())["architectures"][0]
    model = getattr(transformers, kind).from_pretrained(folder).eval()
    inputs = {name: inputs[name] for name in tokenizer.model_input_names if name in inputs}
    with torch.inference_mode():
        out = model(**inputs)
    if not kind.endswith("Model"):
        return out.logits.numpy()  # type: ignore[no-any-return]  # torch is not typed here
    mask = inputs["attention_mask"][:, :, None]
    pooled = (out.last_hidden_state * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(pooled).numpy()  # type: ignore[no-any-return]


TEXTS = ["the food was great", "never again", "a very rude and slow place , it was awful"]


@pytest.mark.parametrize("name", ["labels", "task", "task, narrower"])
def test_a_classifier_answers_alike_everywhere(world: World, config: Config, name: str) -> None:
    folder = world.finished(name).order.out

    with goldcrest.load(str(folder), config, precision="f32") as served:
        ours = np.array([list(found.scores.values()) for found in served.classify(TEXTS)])

    theirs = torch.tensor(vectors(folder, TEXTS)).softmax(-1).numpy()
    np.testing.assert_allclose(theirs, ours, atol=1e-4)


@pytest.mark.parametrize("name", ["embedding", "embedding, cut"])
def test_an_embedder_answers_alike_everywhere(world: World, config: Config, name: str) -> None:
    folder = world.finished(name).order.out

    with goldcrest.load(str(folder), config, precision="f32") as served:
        ours = served.embed(TEXTS)

    np.testing.assert_allclose(vectors(folder, TEXTS), ours, atol=1e-4)


def test_a_language_model_answers_alike_everywhere(world: World, config: Config) -> None:
    folder = world.finished("masked-lm").order.out
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    with goldcrest.load(str(folder), config, precision="f32") as served:
        best = served.fill(["the food was [MASK]"], top_k=1)[0][0][0]

    logits = vectors(folder, ["the food was [MASK]"])[0, 4]
    assert tokenizer.convert_ids_to_tokens(int(logits.argmax())) == best.token
    assert torch.tensor(logits).softmax(-1).max().item() == pytest.approx(best.score, abs=1e-4)


class After:
    """Says after so many steps that a run must end."""

    def __init__(self, n_steps: int) -> None:
        self._left = n_steps

    def __call__(self) -> bool:
        self._left -= 1
        return self._left <= 0


@pytest.mark.parametrize("name", ["labels", "task, narrower", "masked-lm"])
def test_a_run_that_goes_on_ends_in_the_same_weights(
    world: World, name: str, tmp_path: Path
) -> None:
    stage = world.stage(name, dropout=0.1)
    whole = run(Order(stage, tmp_path / "whole"), Unwatched())
    parts = tmp_path / "parts"

    for n_steps in (9, 11):  # neither is the end of an epoch
        order = Order(stage, parts, resumes=True, must_end=After(n_steps))
        with pytest.raises(TrainingEnded):
            run(order, Unwatched())
    run(Order(stage, parts, resumes=True), Unwatched())

    expected, found = (
        load_file(folder / "model.safetensors") for folder in (whole.order.out, parts)
    )
    assert all((expected[tensor] == found[tensor]).all() for tensor in expected)
    assert not (parts / "run").exists()


def interrupted(world: World, folder: Path) -> Path:
    with pytest.raises(TrainingEnded):
        run(Order(world.stage("labels"), folder, must_end=After(3)), Unwatched())
    return folder


def test_a_run_does_not_go_on_with_other_settings(world: World, tmp_path: Path) -> None:
    folder = interrupted(world, tmp_path / "run")
    other = world.stage("labels", learning_rate=1e-3)

    with pytest.raises(TrainingError, match="other settings, texts or weights"):
        run(Order(other, folder, resumes=True), Unwatched())


def test_a_run_goes_on_only_if_it_is_asked_to(world: World, tmp_path: Path) -> None:
    folder = interrupted(world, tmp_path / "run")

    with pytest.raises(TrainingError, match="--resume goes on with it"):
        run(Order(world.stage("labels"), folder), Unwatched())


def test_a_result_is_not_overwritten(world: World) -> None:
    order = world.finished("task").order

    with pytest.raises(TrainingError, match="holds a finished run"):
        run(order, Unwatched())


def test_a_student_begins_as_alternate_layers_of_its_teacher(
    world: World, teachers: dict[str, Path]
) -> None:
    student, _ = begin(gather(world.stage("task")))
    teacher = load_file(teachers["task"] / "model.safetensors")
    state = student.model.state_dict()

    for number, layer in enumerate((1, 3)):
        ours = state[f"distilbert.transformer.layer.{number}.ffn.lin1.weight"].numpy()
        assert (teacher[f"bert.encoder.layer.{layer}.intermediate.dense.weight"] == ours).all()
    assert {"pre_classifier.weight", "classifier.weight"} < set(student.fresh)


def test_a_trimmed_student_begins_with_the_rows_of_its_tokens(
    world: World, teachers: dict[str, Path]
) -> None:
    material = gather(world.stage("embedding"))
    student, _ = begin(material)
    table = load_file(teachers["embedding"] / "model.safetensors")[
        "embeddings.word_embeddings.weight"
    ]

    assert material.kept is not None
    assert len(material.kept) < len(table)
    ours = student.model.get_input_embeddings().weight.detach().numpy()
    assert (table[material.kept] == ours).all()


def test_a_trimmed_tokenizer_cuts_as_before_in_transformers(
    world: World, teachers: dict[str, Path]
) -> None:
    before, after = (
        transformers.AutoTokenizer.from_pretrained(folder)
        for folder in (teachers["embedding"], world.finished("embedding").order.out)
    )
    texts = [str(item) for item in gather(world.stage("embedding")).divided.train.items]

    assert [before.tokenize(text) for text in texts] == [after.tokenize(text) for text in texts]
    assert len(after) < len(before)


def test_a_teacher_without_a_head_is_refused(
    world: World, teachers: dict[str, Path], tmp_path: Path
) -> None:
    stage = world.stage("masked-lm", teacher=str(teachers["embedding"]))

    with pytest.raises(NoTrainedHead, match="never trained to fill"):
        run(Order(stage, tmp_path / "none"), Unwatched())


def test_a_frozen_token_table_stays(world: World, teachers: dict[str, Path]) -> None:
    before = load_file(teachers["task"] / "model.safetensors")
    after = load_file(world.finished("task").order.out / "model.safetensors")

    expected = before["bert.embeddings.word_embeddings.weight"]
    assert (expected == after["distilbert.embeddings.word_embeddings.weight"]).all()


def test_vectors_that_are_cut_keep_most_of_their_cosines(world: World) -> None:
    stage = world.stage("embedding, cut")
    material = gather(stage)
    student, config = begin(material)
    room = Classroom(material, student, config, choose("f32"), Unwatched(), lambda: False)

    made = prepare(room)

    targets, whole = made.objective.targets, made.objective.lesson.said.outputs  # type: ignore[attr-defined]
    assert targets.shape[1] == 16
    assert (targets @ targets.T - whole @ whole.T).abs().mean() < 0.05


def test_hidden_states_are_computed_anew_where_they_do_not_fit(world: World) -> None:
    losses = []
    for keep_mib in (100, 0):
        material = gather(world.stage("task", keep_mib=keep_mib, dropout=0.0))
        student, config = begin(material)
        room = Classroom(material, student, config, choose("f32"), Unwatched(), lambda: False)
        made = prepare(room)
        torch.manual_seed(0)
        loss = made.objective.losses(np.arange(8), 0)["cosine"]
        loss.backward()
        losses.append(loss.item())

    assert losses[0] == pytest.approx(losses[1], rel=1e-2)  # those that are kept are in bf16


def test_a_student_may_begin_from_another_one(world: World, tmp_path: Path) -> None:
    first = world.finished("embedding").order.out
    stage = world.stage("task", start=str(first), freeze_tokens=True)

    finished = run(Order(stage, tmp_path / "second"), Unwatched())

    expected = load_file(first / "model.safetensors")["embeddings.word_embeddings.weight"]
    found = load_file(finished.order.out / "model.safetensors")
    assert (expected == found["distilbert.embeddings.word_embeddings.weight"]).all()


@pytest.mark.parametrize("name", ["labels", "task", "embedding, cut", "masked-lm"])
def test_teacher_and_student_are_judged_on_what_was_held_back(
    world: World, config: Config, name: str
) -> None:
    finished = world.finished(name)

    judged = judge(
        finished, Unwatched(), lambda folder: goldcrest.load(str(folder), config, precision="f32")
    )

    student, served = judged[-2:]
    assert ["student", "student, served at f32"] == [student.model, served.model]
    assert student.value == pytest.approx(served.value, abs=1e-3)
    assert (name == "labels") == (len(judged) == 2)


def test_what_is_held_back_of_a_language_model_is_a_word_to_be_found() -> None:
    part = TextSet("a", (Row("Was it Good ?"), Row("42 !")))

    found = to_be_found(part, {"good": 7}, "[MASK]", seed=0)

    assert (Row("Was it [MASK] ?", "good"),) == found.rows


def test_neighbours_that_stay_are_counted() -> None:
    angles = np.linspace(0, 3, 20)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    assert kept_neighbours(circle, circle * 3, 2) == 1.0
    assert kept_neighbours(circle, circle[::-1].copy(), 2) == 1.0
    assert kept_neighbours(circle, np.random.default_rng(0).permutation(circle), 2) < 0.6


RECIPE = """
[variables]
base = ""

[[stages]]
name = "teacher"
kind = "labels"
teacher = "${base}"
data = ["texts.jsonl"]
epochs = 4
learning_rate = 2e-3
batch_tokens = 256
held_back_share = 0.2

[[stages]]
name = "student"
kind = "task"
teacher = "stage:teacher"
data = ["texts.jsonl"]
family = "distilbert"
layers = 2
trim_vocabulary = 0
batch_tokens = 256
held_back_share = 0.2
"""


def test_a_recipe_makes_a_student_by_one_command(
    data: Path, teachers: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (data.parent / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    out = tmp_path / "out"
    command = ["distill", "--config", str(data.parent / "recipe.toml"), "--out", str(out)]
    command += ["--set", f"base={teachers['labels']}"]

    made = CliRunner().invoke(app, command, catch_exceptions=False)
    again = CliRunner().invoke(app, [*command, "--resume"], catch_exceptions=False)

    assert made.exit_code == again.exit_code == 0
    report = json.loads((out / "student" / "report.json").read_bytes())
    assert ["teacher", "student"] == [one["model"] for one in report["judged"]][:2]
    assert "Losses" in (out / "student" / "report.html").read_text("utf-8")
    assert "student: finished before" in again.stderr

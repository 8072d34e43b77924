"""Classifiers of which several outputs may fit, cross-encoders and scores: distilled and fine-tuned."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import goldcrest
from goldcrest.config import Config
from goldcrest.distill.config import Stage
from goldcrest.distill.watch import Unwatched
from goldcrest.errors import DataProblem, TrainingEnded, TrainingError
from goldcrest.names import ProblemType
from goldcrest.tasks import Classify
from goldcrest.testing import random_checkpoint

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from goldcrest.distill import losses  # noqa: E402
from goldcrest.distill.answering import open_torch  # noqa: E402
from goldcrest.distill.judging import judge  # noqa: E402
from goldcrest.distill.material import gather  # noqa: E402
from goldcrest.distill.stages import Finished, Order, run  # noqa: E402

pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("one_thread")]

WORDS = ["good", "bad", "fast", "slow", "happy", "sad"]
FILLERS = ["the", "a", "film", "food", "staff", "was", "is", "very", "it", "and"]
LONG = {"epochs": 30, "learning_rate": 3e-3, "dropout": 0.0}
"""Until they know the words."""
IDENTITY = "torch.nn.modules.linear.Identity"
PROBLEMS: tuple[ProblemType, ...] = (
    "single_label_classification",
    "multi_label_classification",
    "regression",
)


def written(file: Path, label: Callable[[list[str]], Any], *, second: str = "") -> Path:
    """Texts of words and fillers; the label is made of the words."""
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(240):
        said = [word for word in WORDS if rng.random() < 0.4]
        text = " ".join(rng.permutation([*said, *rng.choice(FILLERS, rng.integers(2, 6))]))
        pair = {"text_pair": second} if second else {}
        lines.append(json.dumps({"text": text, "label": label(said), **pair}))
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def teacher(folder: Path, *, n_labels: int, **says: Any) -> Path:
    """A checkpoint whose ``config.json`` says more than it must."""
    random_checkpoint(folder, family="bert", n_layers=2, n_labels=n_labels)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **says}))
    return folder


def stage(teaching: Path, data: Path, **keys: Any) -> Stage:
    given = {"kind": "task", "teacher": str(teaching), "data": [str(data)], "epochs": 3}
    usual = {"batch_tokens": 256, "learning_rate": 2e-3, "held_back_share": 0.2, "precision": "f32"}
    return msgspec.convert({**given, **usual, **keys}, Stage)


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Finished]:
    """Of a teacher of each kind."""
    folder = tmp_path_factory.mktemp("labels")
    multi = teacher(folder / "m", n_labels=3, problem_type="multi_label_classification")
    scored = teacher(folder / "s", n_labels=1, problem_type="regression")
    given = {
        "several": (
            multi,
            written(folder / "m.jsonl", lambda said: ["label 0", "2"][: len(said) % 3]),
        ),
        "cross-encoder": (
            teacher(folder / "c", n_labels=1),
            written(folder / "c.jsonl", lambda said: len(said) / 6, second="was it good"),
        ),
        "bare cross-encoder": (
            teacher(folder / "b", n_labels=1, sentence_transformers={"activation_fn": IDENTITY}),
            folder / "c.jsonl",
        ),
        "score": (scored, written(folder / "s.jsonl", lambda said: 1.5 * len(said))),
        "several, unlabelled": (multi, written(folder / "u.jsonl", lambda _: None)),
    }
    return {
        name: run(
            Order(
                stage(*pair, layers=1, family="distilbert" if "," in name else ""), folder / name
            ),
            Unwatched(),
        )
        for name, pair in given.items()
    }


every_student = pytest.mark.parametrize(
    "name", ["several", "cross-encoder", "bare cross-encoder", "score", "several, unlabelled"]
)


@every_student
def test_a_student_lowers_its_loss(students: Mapping[str, Finished], name: str) -> None:
    curve = students[name].training.curve
    first, last = (
        np.mean([sum(point.values()) - point["step"] for point in part])
        for part in (curve[:4], curve[-4:])
    )

    assert last < 0.95 * first
    assert ("unlabelled" in name) == (curve[-1]["hard"] == 0)


@every_student
def test_a_student_is_served_as_what_its_teacher_is(
    students: Mapping[str, Finished], config: Config, name: str
) -> None:
    folder = students[name].order.out
    text = ("the food was good", "was it good") if "cross-encoder" in name else "the food was good"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    pair = text if isinstance(text, tuple) else (text,)
    with torch.inference_mode():
        logits = model(**tokenizer(*pair, return_tensors="pt")).logits[0]

    with goldcrest.load(str(folder), config, precision="f32") as served:
        (ours,) = served.classify([text])

    is_bare = name in ("score", "bare cross-encoder")
    expected = logits if is_bare else logits.sigmoid()
    np.testing.assert_allclose(expected.numpy(), list(ours.scores.values()), atol=1e-4)


@every_student
def test_teacher_student_and_served_are_judged_by_what_fits(
    students: Mapping[str, Finished], config: Config, name: str
) -> None:
    judged = judge(
        students[name],
        Unwatched(),
        lambda folder: goldcrest.load(str(folder), config, precision="f32"),
    )

    metrics = {"several": "f1", "several, unlabelled": "agreement"}
    assert {metrics.get(name, "spearman")} == {one.metric for one in judged}
    assert judged[1].value == pytest.approx(judged[2].value, abs=1e-3)


def test_several_labels_are_learnt_from_lists(tmp_path: Path) -> None:
    data = written(tmp_path / "d.jsonl", lambda said: [w for w in said if w in WORDS[:3]])
    base = teacher(tmp_path / "base", n_labels=2)

    finished = run(
        Order(
            stage(base, data, kind="labels", **LONG),
            tmp_path / "out",
        ),
        Unwatched(),
    )

    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert ("bad", "fast", "good") == finished.training.labels
    assert "multi_label_classification" == config["problem_type"]
    (judged,) = judge(finished, Unwatched())
    assert judged.metric == "f1"
    assert judged.value > 0.85


@pytest.mark.parametrize("least", [0, 1000])
def test_scores_are_learnt_wherever_they_lie(tmp_path: Path, least: float) -> None:
    data = written(tmp_path / "d.jsonl", lambda said: least + len(said))
    base = teacher(tmp_path / "base", n_labels=2)
    finished = run(
        Order(
            stage(base, data, kind="labels", problem_type="regression", **LONG), tmp_path / "out"
        ),
        Unwatched(),
    )

    assert ("score",) == finished.training.labels
    (judged,) = judge(finished, Unwatched())
    assert judged.metric == "spearman"
    assert judged.value > 0.7
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert {"activation_fn": IDENTITY} == config["sentence_transformers"]
    said = open_torch(tmp_path / "out", "classify", max_length=64).predict(
        Classify("none"), ["the film", "good bad fast slow happy sad film"]
    )
    assert [least, least + 6] == pytest.approx(said.outputs[:, 0].tolist(), abs=2)


def test_a_head_that_is_taken_over_says_as_before_until_it_learns(tmp_path: Path) -> None:
    base = teacher(tmp_path / "base", n_labels=1, problem_type="regression")
    data = written(tmp_path / "d.jsonl", lambda _: None)
    still = {"layers": 2, "learning_rate": 1e-12, "max_steps": 1, "dropout": 0.0}

    run(Order(stage(base, data, **still), tmp_path / "out"), Unwatched())

    before, after = (
        open_torch(folder, "classify", max_length=64).predict(Classify("none"), ["good food"])
        for folder in (base, tmp_path / "out")
    )
    np.testing.assert_allclose(before.outputs, after.outputs, rtol=1e-4)


def test_a_student_of_several_labels_is_judged_by_all_of_them(tmp_path: Path) -> None:
    base = teacher(tmp_path / "m", n_labels=3, problem_type="multi_label_classification")
    data = written(tmp_path / "d.jsonl", lambda said: f"label {len(said) % 3}")

    finished = run(Order(stage(base, data, layers=1), tmp_path / "out"), Unwatched())

    assert {"f1"} == {judged.metric for judged in judge(finished, Unwatched())}


def test_a_run_does_not_go_on_with_other_outputs(tmp_path: Path) -> None:
    data = written(tmp_path / "d.jsonl", lambda said: ["good"][: len(said) % 2])
    base, held_back = teacher(tmp_path / "base", n_labels=2), tmp_path / "h.jsonl"
    keys = {"kind": "labels", "epochs": 1, "held_back": [str(held_back)]}
    left = iter([False, False, True])
    held_back.write_text('{"text": "a new film", "label": ["good"]}')
    with pytest.raises(TrainingEnded):
        run(
            Order(stage(base, data, **keys), tmp_path / "out", must_end=lambda: next(left)),
            Unwatched(),
        )

    held_back.write_text('{"text": "a new film", "label": ["bad"]}')

    with pytest.raises(TrainingError, match="other settings, texts or weights"):
        run(Order(stage(base, data, **keys), tmp_path / "out", resumes=True), Unwatched())


def test_scores_without_labels_are_refused_before_any_work(tmp_path: Path) -> None:
    data = written(tmp_path / "d.jsonl", lambda _: None)
    base = teacher(tmp_path / "base", n_labels=2)

    with pytest.raises(DataProblem, match=r"line 1 of d.jsonl has no label"):
        gather(stage(base, data, kind="labels", problem_type="regression"))


def test_a_teacher_of_several_scores_is_refused(tmp_path: Path) -> None:
    data = written(tmp_path / "d.jsonl", lambda _: None)
    base = teacher(tmp_path / "base", n_labels=2, problem_type="regression")

    with pytest.raises(TrainingError, match="the teacher gives 2 scores; a student learns one"):
        gather(stage(base, data))


def test_a_teacher_is_what_it_is(tmp_path: Path) -> None:
    data = written(tmp_path / "d.jsonl", lambda _: None)
    base = teacher(tmp_path / "base", n_labels=2)

    with pytest.raises(TrainingError, match="problem_type = regression is not that of the teacher"):
        gather(stage(base, data, problem_type="regression"))


@pytest.mark.parametrize("problem", PROBLEMS)
def test_who_says_what_the_teacher_says_has_nothing_to_learn(problem: ProblemType) -> None:
    said = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ours = said.clone().requires_grad_()

    loss = losses.learnt(ours, said, problem, 2.0)
    loss.backward()

    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert ours.grad.abs().max().item() == pytest.approx(0, abs=1e-6)
    assert losses.learnt(ours + torch.arange(3), said, problem, 2.0).item() > 0.1


@pytest.mark.parametrize("problem", PROBLEMS)
def test_labels_teach_as_they_do_in_transformers(tmp_path: Path, problem: ProblemType) -> None:
    folder = teacher(tmp_path / "t", n_labels=1 if problem == "regression" else 3)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, problem_type=problem
    ).eval()
    ids = torch.arange(5, 25).view(4, 5)
    generator = torch.Generator().manual_seed(0)
    labels = {
        "single_label_classification": torch.tensor([0, 2, 1, 1]),
        "multi_label_classification": torch.rand(4, 3, generator=generator).round(),
        "regression": torch.randn(4, 1, generator=generator),
    }[problem]

    with torch.no_grad():
        out = model(input_ids=ids, labels=labels)

    unknown = torch.full_like(labels[:1], -100 if labels.dtype == torch.int64 else torch.nan)
    found = losses.hard(
        torch.cat([out.logits, out.logits[:1]]), torch.cat([labels, unknown]), problem
    )
    assert out.loss.item() == pytest.approx(found.item(), rel=1e-5)
    assert losses.hard(out.logits[:1], unknown, problem).item() == 0

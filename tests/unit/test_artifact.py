"""Artifacts: whole or refused, and never half written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from goldcrest.app.source import builtins
from goldcrest.artifact import Artifact, Draft, open_artifact
from goldcrest.checkpoint import read
from goldcrest.compile import build_artifact
from goldcrest.errors import (
    ArtifactCorrupt,
    ArtifactError,
    NoVariant,
    QuantizeFailed,
    UnsupportedModel,
)
from goldcrest.testing import random_checkpoint, tiny_artifact


@pytest.fixture
def copy(tiny: Artifact, scratch: Path) -> Artifact:
    shutil.copytree(tiny.folder, scratch)
    return open_artifact(scratch)


def test_a_whole_artifact_verifies(copy: Artifact) -> None:
    copy.verify("f32")

    assert ("classify", ("label 0", "label 1", "label 2")) == (
        copy.manifest.task,
        copy.manifest.labels,
    )


@pytest.mark.parametrize("file", ["model.f32.onnx", "tokenizer.json"])
def test_one_altered_byte_is_found_and_the_file_named(copy: Artifact, file: str) -> None:
    content = bytearray((copy.folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copy.folder / file).write_bytes(content)

    with pytest.raises(ArtifactCorrupt, match=file) as refusal:
        copy.verify("f32")

    assert file == refusal.value.file


def test_a_file_cut_short_says_how_many_bytes_are_there(copy: Artifact) -> None:
    file = copy.variant("f32")
    file.write_bytes(file.read_bytes()[:1000])

    with pytest.raises(ArtifactCorrupt, match="has 1000 bytes, not"):
        copy.verify("f32")


def test_a_missing_file_is_named(copy: Artifact) -> None:
    copy.tokenizer.unlink()

    with pytest.raises(ArtifactCorrupt, match=r"tokenizer\.json is missing"):
        copy.verify()


def test_a_manifest_that_is_no_json_is_named(copy: Artifact) -> None:
    (copy.folder / "manifest.json").write_text("{")

    with pytest.raises(ArtifactCorrupt, match=r"manifest\.json cannot be read"):
        open_artifact(copy.folder)


def test_a_later_format_is_refused_with_both_numbers(copy: Artifact) -> None:
    manifest = json.loads((copy.folder / "manifest.json").read_text())
    (copy.folder / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))

    with pytest.raises(ArtifactError, match="format 99, this version reads 1"):
        open_artifact(copy.folder)


def test_a_manifest_cannot_reach_outside_its_folder(copy: Artifact) -> None:
    text = (copy.folder / "manifest.json").read_text()
    (copy.folder / "manifest.json").write_text(text.replace("tokenizer.json", "../outside.json"))

    with pytest.raises(ArtifactCorrupt, match="outside the artifact"):
        open_artifact(copy.folder).verify()


def test_a_variant_that_is_not_there_lists_those_that_are(copy: Artifact) -> None:
    with pytest.raises(NoVariant, match="no variant 'int8'; there are: f32"):
        copy.variant("int8")


def test_the_same_checkpoint_gives_the_same_artifact(tmp_path: Path) -> None:
    checkpoint = read(random_checkpoint(tmp_path / "checkpoint"), "same")

    first, second = (build_artifact(checkpoint, tmp_path / name) for name in ("a", "b"))

    assert first.digest == second.digest


def test_a_draft_that_is_not_published_leaves_nothing(scratch: Path) -> None:
    with Draft(scratch) as draft:
        (draft.folder / "half").write_text("written")

    assert [] == list(scratch.parent.iterdir())


def test_a_place_that_cannot_be_written_is_told() -> None:
    with pytest.raises(ArtifactError, match="/proc/tiny cannot be written: No such file"):
        Draft(Path("/proc/tiny"))


def test_a_folder_that_is_no_artifact_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    checkpoint = read(random_checkpoint(tmp_path / "c"), "c")

    with pytest.raises(ArtifactError, match="not an artifact"):
        build_artifact(checkpoint, tmp_path)

    assert "precious" == (tmp_path / "thesis.txt").read_text()


def test_an_artifact_is_replaced_whole(copy: Artifact, tmp_path: Path) -> None:
    checkpoint = read(random_checkpoint(tmp_path / "c", n_labels=5), "c")

    replaced = build_artifact(checkpoint, copy.folder)

    assert 5 == len(replaced.manifest.labels)
    replaced.verify("f32")


def test_a_manifest_from_before_there_were_masks_and_prompts_is_read() -> None:
    manifest = open_artifact(builtins()["sentiment"]).manifest

    assert ("classify", "", {}, "") == (
        manifest.task,
        manifest.mask_token,
        manifest.prompts,
        manifest.default_prompt,
    )


@pytest.mark.parametrize("task", ["tokens", "span", "fill", "embed"])
def test_the_manifest_says_what_the_checkpoint_was_trained_for(tmp_path: Path, task: str) -> None:
    assert task == tiny_artifact(tmp_path / "artifact", task=task).manifest.task


def test_another_task_can_be_asked_for(tmp_path: Path) -> None:
    checkpoint = read(random_checkpoint(tmp_path / "c", task="fill"), "c")

    manifest = build_artifact(checkpoint, tmp_path / "artifact", task="embed").manifest

    assert ("embed", "mean", "") == (manifest.task, manifest.pooling, manifest.mask_token)


@pytest.mark.parametrize(
    ("family", "mask"),
    [("bert", "[MASK]"), ("roberta", "<mask>"), ("albert", "[MASK]"), ("mpnet", "<mask>")],
)
def test_the_manifest_names_the_mask(tmp_path: Path, family: str, mask: str) -> None:
    artifact = tiny_artifact(tmp_path / "artifact", family=family, task="fill")

    assert mask == artifact.manifest.mask_token


def test_masks_cannot_be_filled_without_a_mask_token(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "c", task="fill")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["added_tokens"] = [t for t in tokenizer["added_tokens"] if t["content"] != "[MASK]"]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))

    with pytest.raises(UnsupportedModel, match="no mask token"):
        build_artifact(read(folder, "c"), tmp_path / "artifact")


def test_the_manifest_keeps_the_prompts_of_sentence_transformers(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "c", pooling="mean")
    prompts = {"query": "query: ", "document": ""}
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": prompts, "default_prompt_name": "query"})
    )

    manifest = build_artifact(read(folder, "c"), tmp_path / "artifact").manifest

    assert (prompts, "query") == (manifest.prompts, manifest.default_prompt)


def test_a_family_that_int8_does_not_suit_is_refused_before_anything_is_built(
    tmp_path: Path,
) -> None:
    checkpoint = read(random_checkpoint(tmp_path / "c", family="mobilebert"), "c")

    with pytest.raises(QuantizeFailed, match="MobileBERT cannot be quantised"):
        build_artifact(checkpoint, tmp_path / "artifact", variants=("f32", "int8"))

    assert not (tmp_path / "artifact").exists()


_AT_ONCE = """
import sys, threading
from pathlib import Path

from goldcrest.artifact import open_artifact

sys.setswitchinterval(1e-6)
start = threading.Barrier(8)


def read() -> None:
    start.wait()
    open_artifact(Path(sys.argv[1]))


threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_may_be_the_first_to_open_one_at_the_same_moment(tmp_path: Path) -> None:
    tiny_artifact(tmp_path)

    for _ in range(5):
        subprocess.run([sys.executable, "-c", _AT_ONCE, str(tmp_path)], check=True, timeout=30)  # noqa: S603  # ours

"""Where graphs lie while they are tried, and how artifacts are put together from them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from goldcrest.artifact import Artifact, Draft, entry
from goldcrest.compile.variants import write_graph
from goldcrest.engine.choice import Candidate


class Workbench:
    """A folder beside the one that will be written, gone at the end; use as a context.

    Args:
        out: where the artifact will go.
        base: what is optimised; its f32 graph is read in place.
    """

    def __init__(self, out: Path, base: Artifact) -> None:
        out.parent.mkdir(parents=True, exist_ok=True)
        self._holder = TemporaryDirectory(prefix=f".{out.name}-trying-", dir=out.parent)
        self._folder, self._base = Path(self._holder.name), base

    def __enter__(self) -> Workbench:
        return self

    def __exit__(self, *_: object) -> None:
        self._holder.cleanup()

    def put(self, model: Any, name: str) -> Path:
        """Write a graph under a name, in place of an older one."""
        file = self._folder / f"{name}.onnx"
        file.unlink(missing_ok=True)  # a trial may share the older one
        return write_graph(model, file)

    def log(self, name: str) -> Path:
        """A file for what a process says."""
        return self._folder / f"{name}.log"

    def trial(self, candidate: Candidate, graph: Path) -> Artifact:
        """An artifact that runs as this candidate and in no other way."""
        target = self._folder / f"trial-{candidate}"
        return assembled(target, self._base, {candidate.variant: graph}, [str(candidate)])


def assembled(
    target: Path,
    base: Artifact,
    graphs: Mapping[str, Path],
    passed: Sequence[str],
    *,
    is_apart: bool = False,
) -> Artifact:
    """Put an artifact together from graphs, with all else as in another.

    Args:
        target: a folder that does not exist, is empty, or is an artifact, which is replaced.
        base: the other.
        graphs: by variant.
        passed: the candidates that may run.
        is_apart: whether files are copied rather than shared with those they come from.

    Raises:
        ArtifactError: the target is in the way.
    """
    place = shutil.copyfile if is_apart else _share
    with Draft(target) as draft:
        place(base.tokenizer, draft.folder / "tokenizer.json")
        variants = {}
        for variant, graph in graphs.items():
            file = draft.folder / f"model.{variant}.onnx"
            place(graph, file)
            variants[variant] = entry(file)
        manifest = msgspec.structs.replace(
            base.manifest,
            tokenizer=entry(draft.folder / "tokenizer.json"),
            variants=variants,
            passed=tuple(passed),
        )
        return draft.publish(manifest)


def _share(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)

"""An artifact of a few kilobytes, with random weights."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from goldcrest.artifact import Artifact
from goldcrest.checkpoint import read
from goldcrest.compile import build_artifact
from goldcrest.testing.checkpoint import random_checkpoint


def tiny_artifact(target: Path, **sizes: Any) -> Artifact:
    """Compile a random checkpoint of a few small layers.

    Args:
        target: where the artifact goes.
        sizes: as for `random_checkpoint`: family, task, n_labels, pooling, seed ...
    """
    with TemporaryDirectory() as folder:
        checkpoint = random_checkpoint(Path(folder) / "tiny", **sizes)
        return build_artifact(read(checkpoint, "tiny"), target)

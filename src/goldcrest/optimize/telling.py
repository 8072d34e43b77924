"""Puts together what an optimisation found, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from goldcrest.artifact import Artifact
from goldcrest.optimize.judging import Judge
from goldcrest.optimize.parts import Parts
from goldcrest.optimize.result import Machine, Report, Texts
from goldcrest.optimize.timing import Timed
from goldcrest.optimize.trying import Found
from goldcrest.optimize.watch import Tools
from goldcrest.optimize.wish import Wish


@dataclass(slots=True)
class Telling:
    """All that a report is made of.

    Attributes:
        timed: None until speed was measured.
    """

    began: datetime
    wish: Wish
    base: Artifact
    tools: Tools
    parts: Parts
    judge: Judge
    found: Found
    timed: Timed | None = None

    def report(
        self, *, fastest: str = "", artifact: Artifact | None = None, refusal: str = ""
    ) -> Report:
        """The report of this moment.

        Args:
            fastest: of the candidates that were written.
            artifact: that was written.
            refusal: why none was.
        """
        return Report(
            version=version("goldcrest"),
            began_at=f"{self.began:%Y-%m-%d %H:%M} UTC",
            model=self.wish.model,
            task=self.base.manifest.task,
            metric=self.judge.gate.metric,
            max_drop=self.wish.max_drop,
            demanded=self.wish.demanded,
            machine=self._machine(),
            texts=self._texts(),
            tried=tuple(self.found.tried),
            schemes=tuple(self.found.schemes),
            scheme=self.found.scheme,
            kept=self.found.kept,
            fastest=fastest,
            artifact="" if artifact is None else str(artifact.folder),
            artifact_bytes=0 if artifact is None else _n_bytes(artifact),
            refusal=refusal,
            command=self.wish.command,
        )

    def _machine(self) -> Machine:
        processor = self.tools.processor
        return Machine(
            processor=processor.name,
            features=processor.noteworthy,
            threads=self.tools.n_threads,
            runtime=self.tools.runtime,
        )

    def _texts(self) -> Texts:
        rows, held_back, timed = self.parts.held_back, self.wish.held_back, self.timed
        return Texts(
            data=self.wish.data.name,
            held_back=held_back.name if held_back else "",
            is_labelled=rows.is_labelled,
            n_held_back=len(rows),
            n_calibration=len(self.parts.calibration),
            n_truncated=self.judge.n_truncated,
            n_timed=timed.n_texts if timed else 0,
            mean_tokens=timed.mean_tokens if timed else 0.0,
        )


def _n_bytes(artifact: Artifact) -> int:
    manifest = artifact.manifest
    return sum(entry.n_bytes for entry in (manifest.tokenizer, *manifest.variants.values()))

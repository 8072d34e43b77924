"""What the system says of this process, as the client library reads it."""

from __future__ import annotations

from prometheus_client import ProcessCollector

from goldcrest.metrics.figures import Figures
from goldcrest.metrics.specs import PROCESS


class Process:
    """Reads processor time, memory and open files; nothing where there is no ``/proc``."""

    def __init__(self) -> None:
        self._collector = ProcessCollector(registry=None)

    def figures(self) -> Figures:
        samples = [sample for family in self._collector.collect() for sample in family.samples]
        found = {sample.name.removesuffix("_total"): float(sample.value) for sample in samples}
        return {key: {(): (value,)} for key, value in found.items() if key in PROCESS}

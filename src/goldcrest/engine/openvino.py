"""OpenVINO on CPUs: the only module that knows it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import openvino as ov

from goldcrest.values import Arrays, Grid

VERSION: str = ov.__version__


class OpenVinoEngine:
    """One variant of an artifact, compiled for this processor.

    Args:
        file: the ONNX graph.
        precision: the name under which this combination of variant and hint goes.
        hint: the arithmetic of whatever the graph itself does not quantise, "f32" or "bf16".
        n_threads: threads that one run may use.
    """

    def __init__(self, file: Path, *, precision: str, hint: str, n_threads: int) -> None:
        self.precision = precision
        self._compiled = ov.Core().compile_model(file, "CPU", _properties(hint, n_threads))
        self._inputs = tuple(port.get_any_name() for port in self._compiled.inputs)
        self._outputs = tuple(port.get_names() for port in self._compiled.outputs)
        self._local = threading.local()

    def run(self, grid: Grid) -> Arrays:
        request = self._request()
        feed = {name: getattr(grid, name) for name in self._inputs}
        results = request.infer(feed, share_inputs=True, share_outputs=True)
        return {name: results[index] for index, names in enumerate(self._outputs) for name in names}

    def close(self) -> None:
        self._local = threading.local()
        self._compiled = None

    def _request(self) -> Any:
        """An infer request of the calling thread's own: its buffers are not shared."""
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        return self._local.request


def _properties(hint: str, n_threads: int) -> dict[str, Any]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": n_threads,
        "INFERENCE_PRECISION_HINT": hint,
    }

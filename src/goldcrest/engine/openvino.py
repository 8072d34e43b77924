"""OpenVINO on CPUs: the only module that knows it."""

from __future__ import annotations

import mmap
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldcrest.engine.processor import processor
from goldcrest.errors import EngineFailed
from goldcrest.values import Arrays, Floats, Grid, Ints

# Without its model converter, which the runtime can do without and nothing here uses: importing it
# takes as long as all the rest, forks the process and tells the maker of every start.
_CONVERTER = "openvino.tools.ovc"
_is_left_out = sys.modules.setdefault(_CONVERTER, None) is None  # type: ignore[arg-type]
import openvino as ov  # noqa: E402  # after the line above

if _is_left_out:  # who asks for it by its name still finds it
    del sys.modules[_CONVERTER]

_LIMIT = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
_NO_INT8 = {"SSE41", "AVX", "AVX2", "AVX512_CORE"}
"""Limits that leave out the instructions for products of 8-bit numbers."""
_NARROW = _NO_INT8 | {"AVX2_VNNI", "AVX512_CORE_VNNI"}
"""Limits that leave out those for bf16, and for half precision."""

RUNTIME = f"openvino {ov.__version__} {_LIMIT}".rstrip()
"""What a measurement depends on beside the processor: a limit on the instruction set counts too."""

_GROUP_SIZE = 128
"""Activations that share a scale where they are quantised on the fly."""


_making = threading.Lock()


def core() -> ov.Core:
    """The only core of the process, which is never freed.

    The CPU plugin gives the thread that makes it a stack for signals and, when it is freed, puts
    back the one before. With several cores freed in any other order than the last one first, a
    thread is left with a stack that is gone, and its next signal kills the process.
    """
    with _making:  # a cache alone lets threads that come at once make one each
        return _core()


@cache
def _core() -> ov.Core:
    return ov.Core()


def has_bf16() -> bool:
    """Whether the runtime offers bf16 here, be it native or emulated."""
    return _offers("BF16")


def has_f16() -> bool:
    """Whether the runtime offers half precision here."""
    return _offers("FP16")


def has_int8_products() -> bool:
    """Whether the runtime may use the processor's products of 8-bit numbers, if it has any."""
    return _LIMIT not in _NO_INT8


def _offers(capability: str) -> bool:
    offered: list[str] = core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return capability in offered and _LIMIT not in _NARROW


@dataclass(frozen=True, slots=True)
class _Graph:
    """A graph that is compiled.

    Attributes:
        compiled: what the runtime made of it.
        properties: how.
        inputs, outputs: their names, in order; of outputs, all that they go by.
        exported: the same in a form that is opened anew in a fraction of the time; None until it
            was asked for.
    """

    compiled: Any
    properties: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[set[str], ...]
    exported: NDArray[np.uint8] | None = None

    @classmethod
    def of(cls, compiled: Any, properties: Mapping[str, Any]) -> _Graph:
        inputs = tuple(port.get_any_name() for port in compiled.inputs)
        outputs = tuple(port.get_names() for port in compiled.outputs)
        return cls(compiled, properties, inputs, outputs)


class OpenVinoEngine:
    """One variant of an artifact, compiled for this processor; `compile` makes the first of them.

    Args:
        graph: that runs.
        precision: the name under which this combination of variant and hint goes.
    """

    def __init__(self, graph: _Graph, precision: str) -> None:
        self.precision = precision
        self._graph: _Graph | None = graph
        self._local = threading.local()

    @classmethod
    def compile(cls, file: Path, *, precision: str, hint: str, n_threads: int) -> OpenVinoEngine:
        """Compile a graph.

        Args:
            file: in ONNX.
            precision: the name under which this combination of variant and hint goes.
            hint: the arithmetic of whatever the graph itself does not quantise: "f32", "bf16",
                "f16".
            n_threads: threads that one run may use.

        Raises:
            EngineFailed: the graph cannot be compiled with this hint on this processor.
        """
        try:
            properties = _properties(hint, n_threads)
            if precision == "int8-weights":  # else they are widened, which always runs
                is_fast = has_int8_products() and processor().has_int8_products
                properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = _GROUP_SIZE if is_fast else 0
            compiled = core().compile_model(file, "CPU", properties)
        except RuntimeError as error:
            raise EngineFailed(
                f"OpenVINO cannot compile {file.name} for {hint}: {error}"
            ) from error
        return cls(_Graph.of(compiled, properties), precision)

    def copy(self, folder: Path, rest: Callable[[float], object]) -> OpenVinoEngine:
        graph = self._running()
        try:
            if graph.exported is None:
                graph = replace(graph, exported=_exported(graph.compiled, folder, rest))
            begun = time.perf_counter()
            blob = ov.Tensor(graph.exported, shared_memory=True)
            compiled = core().import_model(blob, "CPU", graph.properties)
        except RuntimeError as error:
            raise EngineFailed(f"OpenVINO cannot copy what it compiled: {error}") from error
        rest(time.perf_counter() - begun)
        # the names of the first: outputs come without some of theirs
        return OpenVinoEngine(replace(graph, compiled=compiled), self.precision)

    def run(self, grid: Grid) -> Arrays:
        graph = self._running()
        feed = {name: getattr(grid, name) for name in graph.inputs}
        try:
            results = self._request().infer(feed)
        except Exception:  # what is left of a request that failed cannot be trusted
            self._local = threading.local()
            raise
        return {
            name: array
            for array, names in zip(results, graph.outputs, strict=True)
            for name in names
        }

    def close(self) -> None:
        self._local = threading.local()
        self._graph = None

    def _running(self) -> _Graph:
        if self._graph is None:
            raise EngineFailed("the engine was closed")
        return self._graph

    def _request(self) -> _Request:
        """A request of the calling thread's own: its buffers are not shared."""
        if not hasattr(self._local, "request"):
            self._local.request = _Request(self._running().compiled.create_infer_request())
        request: _Request = self._local.request
        return request


class _Request:
    """An infer request that never passes off what it put out before for an answer.

    Where memory ran out, OpenVINO 2026.4 was seen to come back at once, without an exception, and
    with the arrays of the run before. So these are marked before each run.
    """

    def __init__(self, request: Any) -> None:
        self._request = request
        self._fed: dict[str, Ints] = {}
        self._outputs: list[Floats] = []

    def infer(self, feed: Mapping[str, Ints]) -> list[Floats]:
        """Run, and return the outputs in order.

        Raises:
            EngineFailed: the runtime came back without having run.
        """
        for array in self._outputs:
            array.reshape(-1)[:1] = np.nan
        # Not `infer`, which takes part in the arithmetic itself: threads of the runtime may give way
        # to others, but this one is to be back at once, and may hold the interpreter's lock.
        for name, numbers in feed.items():
            self._put(name, numbers)
        self._request.start_async()
        self._request.wait()
        self._outputs = [tensor.data for tensor in self._request.output_tensors]
        if any(np.isnan(array.reshape(-1)[:1]).any() for array in self._outputs):
            raise EngineFailed("the runtime came back without having run the grid")
        return self._outputs

    def _put(self, name: str, array: Ints) -> None:
        """Let an input be read from an array; where it is the memory of the run before, it is already.

        To be given the same again costs the runtime a tenth of a millisecond between two grids.
        """
        fed = self._fed.get(name)
        if fed is None or fed.__array_interface__ != array.__array_interface__:
            self._request.set_tensor(name, ov.Tensor(array, shared_memory=True))
            self._fed[name] = array  # which stays while the runtime may read it


def _properties(hint: str, n_threads: int) -> dict[str, Any]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": n_threads,
        "INFERENCE_PRECISION_HINT": hint,
    }


def _exported(compiled: Any, folder: Path, rest: Callable[[float], object]) -> NDArray[np.uint8]:
    """What a graph was compiled to, mapped from a file without a name.

    So weights that kernels read as they are take memory only once, and only as long as there is
    enough of it. What a copy would export the runtime cannot read, so all have this one.
    """
    begun = time.perf_counter()
    exported = compiled.export_model().getbuffer()
    rest(time.perf_counter() - begun)
    begun = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder) as file:
        file.write(exported)
        file.flush()
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    rest(time.perf_counter() - begun)
    return np.frombuffer(mapped, np.uint8)

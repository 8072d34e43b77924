"""What a start may not bring in: each would cost time, memory or more."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from goldcrest.app import server

_LIST = "import json, sys; print(json.dumps(sorted(sys.modules)))"


def modules_after(statement: str) -> set[str]:
    """The modules in a fresh process that ran a statement."""
    ran = subprocess.run(  # noqa: S603  # our own code
        (sys.executable, "-c", f"{statement}; {_LIST}"), capture_output=True, check=True, timeout=60
    )
    return set(json.loads(ran.stdout))


@pytest.fixture(scope="module")
def serving() -> set[str]:
    """What `goldcrest serve` imports to serve an artifact."""
    return modules_after(
        "import goldcrest.cli.main, goldcrest.cli.serve, goldcrest.app.server, "
        "goldcrest.engine.openvino, goldcrest.web.app, goldcrest.web.server"
    )


@pytest.mark.parametrize("heavy", ["onnx", "huggingface_hub", "nncf", "rich", "torch"])
def test_an_artifact_is_served_without(serving: set[str], heavy: str) -> None:
    assert heavy not in serving


@pytest.mark.parametrize("module", ["openvino_telemetry", "openvino.tools.ovc", "multiprocessing"])
def test_the_runtime_neither_forks_nor_calls_home(module: str) -> None:
    assert module not in modules_after("import goldcrest.engine.openvino")


def test_who_asks_for_the_converter_by_its_name_still_finds_it() -> None:
    found = modules_after(
        "import goldcrest.engine.openvino, importlib.util as u; "
        "assert u.find_spec('openvino.tools.ovc')"
    )

    assert "goldcrest.engine.openvino" in found


def test_the_command_line_brings_no_engine_and_no_web() -> None:
    assert set() == modules_after("import goldcrest.cli.main") & {"openvino", "fastapi", "numpy"}


@pytest.mark.parametrize("heavy", ["openvino", "numpy", "fastapi", "tokenizers", "uvicorn"])
def test_workers_are_supervised_without(heavy: str) -> None:
    assert heavy not in modules_after("import goldcrest.cli.main, goldcrest.app.workers.supervisor")


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="names are read from Linux's /proc"
)
def test_the_system_knows_our_threads_by_their_names() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait, name="slot-7")
    thread.start()
    try:
        server._name_threads()
        named = Path(f"/proc/self/task/{thread.native_id}/comm").read_text()
    finally:
        over.set()
        thread.join()

    assert "slot-7\n" == named

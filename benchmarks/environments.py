"""Environments for the servers that are compared, made on first use."""

import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from benchmarks.peer import Peer
from benchmarks.process import BenchmarkError, run_to_end

SHOWN = (
    *("goldcrest", "openvino", "onnxruntime", "infinity_emb", "torch", "transformers"),
    *("tokenizers", "numpy", "fastapi", "uvicorn", "pydantic", "optimum"),
)
VERSIONS_CODE = """
import importlib.metadata, json, sys
found = {d.metadata["Name"].lower().replace("-", "_"): d.version
         for d in importlib.metadata.distributions()}
print(json.dumps({n: found[n] for n in sys.argv[1:] if n in found}))
"""


def python_for(peer: Peer, *, home: Path, requirements: Path, console: Console) -> Path:
    """The interpreter that runs this peer; its environment is made when it is missing or old."""
    if peer.requirements is None:
        return Path(sys.executable)
    wanted = requirements / peer.requirements
    folder = home / wanted.stem
    if not _is_made(folder, wanted):
        with console.status(f"installing {wanted.name} into {folder} (once; some minutes)"):
            _make(folder, wanted, log=home / "logs" / f"install-{wanted.stem}.log")
    return folder / "bin" / "python"


def _marker(folder: Path) -> Path:
    return folder / "installed.txt"


def _is_made(folder: Path, wanted: Path) -> bool:
    marker = _marker(folder)
    return marker.is_file() and marker.read_text() == wanted.read_text()


def _make(folder: Path, wanted: Path, *, log: Path) -> None:
    """Installs torch first, so that nothing else has a say in which build of it is taken."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    torch = [line for line in wanted.read_text().splitlines() if line.startswith("torch==")]
    make = (sys.executable, "-m", "venv", "--clear", str(folder))
    install = (str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet")
    for command in (make, (*install, *torch), (*install, "-r", str(wanted))):
        run_to_end(command, folder=folder.parent, log=log)
    _marker(folder).write_text(wanted.read_text())


def versions(python: Path) -> dict[str, str]:
    """The versions of the packages that matter."""
    command = (str(python), "-c", VERSIONS_CODE, *SHOWN)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise BenchmarkError(f"cannot read the versions of {python}: {done.stderr[-500:]}")
    found: dict[str, str] = json.loads(done.stdout)
    return found

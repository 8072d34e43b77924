"""Makes Goldcrest's engine fail on a marked token: for the chaos run, from outside the product.

Python imports this by itself where this folder is on its path, in every process that the server
starts, however it starts them. Without the variable it does nothing.
"""

from __future__ import annotations

import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_ENGINE = "goldcrest.engine.openvino"


class _Poisoning(MetaPathFinder):
    """Finds one module as Python would, and changes it once it is loaded."""

    def __init__(self, token: int) -> None:
        self._token = token

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != _ENGINE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            _change_after(spec.loader, self._token)
        return spec


def _change_after(loader: Loader, token: int) -> None:
    load = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        load(module)
        _poison(module.OpenVinoEngine, token)

    loader.exec_module = exec_module  # type: ignore[method-assign]  # that is the point


def _poison(engine: Any, token: int) -> None:
    run = engine.run

    def poisoned(self: Any, grid: Any) -> Any:
        if (grid.input_ids == token).any():
            raise RuntimeError(f"the engine chokes on token {token}")
        return run(self, grid)

    engine.run = poisoned


if _token := os.environ.get("UNDER_LOAD_POISON"):
    sys.meta_path.insert(0, _Poisoning(int(_token)))

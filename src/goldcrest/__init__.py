"""Goldcrest: lightweight encoder transformers in production."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from goldcrest import errors

if TYPE_CHECKING:
    from goldcrest import tasks
    from goldcrest.app.library import AsyncModel, Classification, Model, load
    from goldcrest.tasks import Entity, Filling, Passage

__all__ = [
    "AsyncModel",
    "Classification",
    "Entity",
    "Filling",
    "Model",
    "Passage",
    "errors",
    "load",
    "tasks",
]

_LIBRARY = ("AsyncModel", "Classification", "Model", "load")
_TASKS = ("Entity", "Filling", "Passage")


def __getattr__(name: str) -> Any:
    """Import the engine and all else only when it is asked for."""
    if name in _LIBRARY:
        return getattr(import_module("goldcrest.app.library"), name)
    if name == "tasks" or name in _TASKS:
        tasks = import_module("goldcrest.tasks")
        return tasks if name == "tasks" else getattr(tasks, name)
    raise AttributeError(f"module 'goldcrest' has no attribute {name!r}")

"""Goldcrest: lightweight encoder transformers in production."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldcrest import errors

if TYPE_CHECKING:
    from goldcrest.app.library import Classification, Model, load

__all__ = ["Classification", "Model", "errors", "load"]


def __getattr__(name: str) -> Any:
    """Import the engine and all else only when it is asked for."""
    if name in {"Classification", "Model", "load"}:
        from goldcrest.app import library

        return getattr(library, name)
    raise AttributeError(f"module 'goldcrest' has no attribute {name!r}")

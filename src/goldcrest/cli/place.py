"""Where files are to be written: refused before the work rather than after it."""

from __future__ import annotations

import os
from pathlib import Path

from goldcrest.errors import ConfigError


def check_files(*files: Path) -> None:
    """Refuse places where a file cannot be written.

    Raises:
        ConfigError: one is a folder, or lies in none that may be written to.
    """
    for file in files:
        if file.is_dir() or not os.access(file.parent, os.W_OK):
            raise ConfigError(f"{file} cannot be written: it must be a file in a folder of yours")

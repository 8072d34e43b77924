"""Settings as they may be shown: without passwords; pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

SECRETS = ("cache.redis_url",)
"""Settings that may hold a password."""

HIDDEN = "***"


def shown(key: str, value: Any) -> Any:
    """The value of a setting as it may be printed or logged."""
    return without_secrets(value) if key in SECRETS and value else value


def without_secrets(url: Any) -> str:
    """A URL with its user, password and parameters hidden; whole, if it cannot be taken apart."""
    try:
        parts = urlsplit(str(url))
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    if not parts.scheme or "@" in parts.path + parts.query + parts.fragment:
        return HIDDEN  # a password with such a character in it was not taken for one
    who = f"{HIDDEN}@" if "@" in parts.netloc else ""
    rest = f"?{HIDDEN}" if parts.query or parts.fragment else ""
    return f"{parts.scheme}://{who}{parts.hostname or ''}{port}{parts.path}{rest}"

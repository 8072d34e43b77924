"""Who may come in: keys that callers show, known here by their digests alone."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256

from goldcrest.config import KeyConfig
from goldcrest.errors import Unauthorized
from goldcrest.names import Priority

_SCHEME = "bearer "


class Keys:
    """The keys of a server, by name; none at all lets everybody in.

    Args:
        digests: name -> SHA-256 of the key, in hexadecimal.
        ceilings: name -> the most urgent class that the key may ask for; others may ask for any.
    """

    def __init__(
        self, digests: Mapping[str, str], ceilings: Mapping[str, Priority] | None = None
    ) -> None:
        self._digests = {name: bytes.fromhex(digest) for name, digest in digests.items()}
        self._ceilings = dict(ceilings or {})

    @classmethod
    def of(cls, entries: Iterable[KeyConfig]) -> Keys:
        """The keys of the settings."""
        found = tuple(entries)
        ceilings = {entry.name: entry.priority for entry in found if entry.priority != ""}
        return cls({entry.name: entry.sha256 for entry in found}, ceilings)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def caller(self, authorization: str, api_key: str = "") -> str:
        """Say who asks.

        Args:
            authorization: the header of that name, "Bearer KEY"; empty where there is none.
            api_key: the header "x-api-key", which is looked at where there is no other.

        Returns:
            The name of the key; empty where none is asked for.

        Raises:
            Unauthorized: no key was shown, or one that is not known here.
        """
        if not self._digests:
            return ""
        is_bearer = authorization[: len(_SCHEME)].lower() == _SCHEME
        presented = authorization[len(_SCHEME) :].strip() if is_bearer else api_key.strip()
        if not presented:
            raise Unauthorized("a key is needed; send it as 'Authorization: Bearer KEY'")
        name = self.name_of(presented)
        if name is None:
            raise Unauthorized("the key that was sent is not known here")
        return name

    def ceiling(self, caller: str) -> Priority | None:
        """The most urgent class that a caller may ask for; None where it may ask for any."""
        return self._ceilings.get(caller)

    def name_of(self, presented: str) -> str | None:
        """The name of a key, or None for one that is not known here.

        Every digest is compared, each in the same time, so that the time taken tells nothing.
        """
        shown = sha256(presented.encode("utf-8", "surrogateescape")).digest()
        found = None
        for name, digest in self._digests.items():
            if hmac.compare_digest(shown, digest):
                found = name
        return found


def fresh_key() -> tuple[str, str]:
    """A new key of 256 random bits, and its digest; the prefix lets a search for leaks find it."""
    key = f"gc_{secrets.token_urlsafe(32)}"
    return key, sha256(key.encode()).hexdigest()

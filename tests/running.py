"""``goldcrest serve`` in a process of its own, as the integration tests meet it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class Server:
    """A running ``goldcrest serve``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.log = process, ""
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log += line
            if "listening on http" in line:
                self._listening.set()
        self._listening.set()

    def close(self) -> None:
        assert self.process.stderr is not None
        self._reader.join(5)
        self.process.stderr.close()

    @property
    def url(self) -> str:
        assert self._listening.wait(60)
        found = re.search(r"http://127\.0\.0\.1:\d+", self.log)
        assert found, self.log
        return found.group()

    def call(
        self, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and body of a GET, or of a POST where there is something to send."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, dict(headers or {}))  # noqa: S310  # our own server
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
                return reply.status, _read_json(reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _read_json(error.read())

    def until_ready(self) -> Server:
        deadline = time.monotonic() + 60
        while self.call("/health/ready")[0] != 200:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)  # another process: there is nothing to wait on
        return self

    def logged(self, pattern: str) -> str:
        """The first line of the log with this in it; waits for it."""
        deadline = time.monotonic() + 10
        while not (found := [line for line in self.log.splitlines() if re.search(pattern, line)]):
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)  # another process: there is nothing to wait on
        return found[0]


def _read_json(text: bytes) -> Any:
    return json.loads(text) if text else None


@contextmanager
def serving(
    *args: str, cache: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Start a server on a free port, and end it.

    Args:
        args: models and flags of ``goldcrest serve``.
        cache: a folder for compiled models.
        environment: variables to set beside those of this process.
    """
    command = [sys.executable, "-m", "goldcrest.cli.main", "serve", *args, "--port", "0"]
    variables = {**os.environ, "GOLDCREST_CACHE__FOLDER": cache, **(environment or {})}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables)  # noqa: S603  # ours
    server = Server(process)
    try:
        yield server
    finally:
        process.kill()
        process.wait()
        server.close()

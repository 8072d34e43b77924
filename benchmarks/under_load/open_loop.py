"""A small open loop: every request leaves when it is due, whatever became of those before it.

Called with two files: what to send, as JSON, and where to write what came of it. One thread sleeps
until the next request is due and sends it, another reads answers: a sleeping thread wakes within
0.1 ms, a timer of an event loop within 1 ms. Latency counts from when a request was due.
"""

import gc
import json
import selectors
import socket
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.client import HOST, read_answer, request_bytes

PATIENCE_S = 20.0
BEGIN_S = 0.2
"""From the start of the clock to the first request."""


@dataclass(frozen=True)
class Sending:
    """Requests and when they are due, in seconds."""

    port: int
    path: str
    due: tuple[float, ...]
    bodies: tuple[str, ...]


@dataclass(frozen=True)
class Came:
    """What came of it: seconds from when each request was due to its answer, and its status.

    A status of 0 means no answer. `late_s` is how late requests left.
    """

    seconds: tuple[float, ...]
    statuses: tuple[int, ...]
    late_s: tuple[float, ...]
    cpu_s: float


class Line:
    """One connection with at most one request on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.index = -1


class Loop:
    """The state that both threads share; a deque hands idle lines from one to the other."""

    def __init__(self, sending: Sending) -> None:
        self.sending = sending
        n = len(sending.due)
        self.requests = [
            request_bytes(port=sending.port, path=sending.path, body=body)
            for body in sending.bodies
        ]
        self.seconds, self.statuses, self.late_s = [0.0] * n, [0] * n, [0.0] * n
        self.idle: deque[Line] = deque()
        self.selector = selectors.DefaultSelector()
        self.n_left = n
        self.began = 0.0

    def run(self) -> Came:
        for _ in range(8):
            self.idle.append(self.opened())
        self.began = time.perf_counter() + BEGIN_S
        cpu = time.process_time()
        reader = threading.Thread(target=self.read)
        reader.start()
        self.send()
        reader.join()
        cpu = time.process_time() - cpu
        return Came(tuple(self.seconds), tuple(self.statuses), tuple(self.late_s), cpu)

    def opened(self) -> Line:
        line = Line(self.sending.port)
        self.selector.register(line.socket, selectors.EVENT_READ, line)
        return line

    def send(self) -> None:
        for index, due in enumerate(self.sending.due):
            at = self.began + due
            if (rest := at - time.perf_counter()) > 0:
                time.sleep(rest)
            line = self.idle.popleft() if self.idle else self.opened()
            line.index = index
            self.late_s[index] = time.perf_counter() - at
            line.socket.sendall(self.requests[index])

    def read(self) -> None:
        until = self.began + self.sending.due[-1] + PATIENCE_S
        while self.n_left and time.perf_counter() < until:
            for key, _ in self.selector.select(0.5):
                self.came(key.data)

    def came(self, line: Line) -> None:
        line.received += line.socket.recv(65536)
        answer = read_answer(line.received)
        if answer is not None:
            due = self.began + self.sending.due[line.index]
            self.seconds[line.index] = time.perf_counter() - due
            self.statuses[line.index] = answer.status
            self.n_left -= 1
            line.received = b""
            self.idle.append(line)


def hurry(pid: str = "self") -> None:
    """Let a process's session go before others, where that is allowed.

    Where the kernel groups processes by session, as Linux does by default, a process's own niceness
    counts within its session only.
    """
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text("-20")


def main() -> None:
    hurry()
    sending_file, came_file = (Path(name) for name in sys.argv[1:])
    fields = json.loads(sending_file.read_text())
    sys.setswitchinterval(0.0002)
    loop = Loop(Sending(**{**fields, "due": tuple(fields["due"])}))
    gc.collect()
    gc.disable()
    came_file.write_text(json.dumps(asdict(loop.run())))


if __name__ == "__main__":
    main()

"""Engines and signals: a process that opened and closed models still takes its signals."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys

from goldcrest.engine.openvino import OpenVinoEngine
from goldcrest.testing import tiny_artifact


def test_a_signal_is_handled_after_the_older_of_two_engines_was_freed_first(tmp_path):
    file = tiny_artifact(tmp_path / "tiny").variant("f32")
    older, newer = (
        OpenVinoEngine.compile(file, precision="f32", hint="f32", n_threads=1) for _ in range(2)
    )
    taken = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: taken.append(number))

    for engine in (older, newer):
        engine.close()
        gc.collect()
    signal.raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)

    assert [signal.SIGUSR1] == taken


def test_threads_that_come_at_once_share_one_core():
    script = """
import threading, time
from goldcrest.engine import openvino
made, start = [], threading.Barrier(4)
def make():
    time.sleep(0.05)
    made.append(object())
    return made[-1]
openvino.ov.Core = make
def ask():
    start.wait()
    openvino.core()
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(made))
"""

    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "1" == done.stdout.strip()

"""Engines and signals: a process that opened and closed models still takes its signals."""

from __future__ import annotations

import gc
import signal

from goldcrest.engine.openvino import OpenVinoEngine
from goldcrest.testing import tiny_artifact


def test_a_signal_is_handled_after_the_older_of_two_engines_was_freed_first(tmp_path):
    file = tiny_artifact(tmp_path / "tiny").variant("f32")
    older, newer = (
        OpenVinoEngine(file, precision="f32", hint="f32", n_threads=1) for _ in range(2)
    )
    taken = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: taken.append(number))

    for engine in (older, newer):
        engine.close()
        gc.collect()
    signal.raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)

    assert [signal.SIGUSR1] == taken

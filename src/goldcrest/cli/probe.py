"""A probe's process: ``goldcrest optimize`` starts one for each candidate, nobody else does."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Hold a candidate and run rounds as standard input says, until it ends."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no message
    from goldcrest.app.memory import give_back, resident_bytes, share_one_arena

    share_one_arena()
    from goldcrest.app.site import open_engine
    from goldcrest.engine.openvino import core
    from goldcrest.optimize.probe import House, serve

    core()  # what the runtime itself takes is no candidate's
    give_back()
    serve(sys.stdin.buffer, output, House(open_engine, give_back, resident_bytes))


if __name__ == "__main__":
    main()

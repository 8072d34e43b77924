"""A worker's process: ``goldcrest serve --workers N`` starts N of them, nobody else does."""

from __future__ import annotations

import socket
import sys

from goldcrest.cli.serve import log_to_stderr
from goldcrest.cli.steps import steps
from goldcrest.errors import ConfigError, GoldcrestError


def main() -> None:
    """Serve as the supervisor orders, over the descriptor that it named."""
    from goldcrest.app.workers.messages import read_order

    end = socket.socket(fileno=int(sys.argv[1]))
    end.set_inheritable(False)
    try:
        order = read_order(end)
    except EOFError:
        sys.exit(1)
    log_to_stderr(f"worker {order.number}: ")
    from goldcrest.app.workers.worker import run_worker

    try:
        with steps() as progress:
            status = run_worker(end, order, progress)
    except GoldcrestError as error:
        print(f"goldcrest: {error}", file=sys.stderr)
        status = 2 if isinstance(error, ConfigError) else 1
    sys.exit(status)


if __name__ == "__main__":
    main()

"""A contender's process: ``goldcrest compare`` starts one at a time, nobody else does."""

from __future__ import annotations

import sys

import msgspec

from goldcrest.errors import GoldcrestError


def main() -> None:
    """Do what the order on standard input says, and tell on standard output what was seen."""
    from goldcrest.app.trying import Tried
    from goldcrest.compare.probe import Order, probe

    order = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Order)
    try:
        seen = probe(order, Tried)
    except GoldcrestError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    sys.stdout.buffer.write(msgspec.msgpack.encode(seen))


if __name__ == "__main__":
    main()

"""The last line against network use inside the gap: the interpreter itself refuses sockets."""

import sys
from functools import cache
from typing import Any


@cache
def without_network() -> tuple[str, ...]:
    """Refuse every use of a socket from here on, in this process; returns the name of the layer.

    Source: PEP 578. An audit hook cannot be removed again, and one is enough.
    """
    sys.addaudithook(_refuse)
    return ("audit-hook",)


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    if event.startswith("socket."):
        raise PermissionError("network use inside the gap is refused")

"""The last line against network use inside the gap: the interpreter itself refuses sockets."""

import sys
from typing import Any


def without_network() -> list[str]:
    """Refuse every use of a socket from here on, in this process; returns the name of the layer.

    Source: PEP 578. An audit hook cannot be removed again.
    """
    sys.addaudithook(_refuse)
    return ["audit-hook"]


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    if event.startswith("socket."):
        raise PermissionError("network use inside the gap is refused")

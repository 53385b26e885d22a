"""What one request was answered, from a server or from disk."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from airgap.connected.web.fault import Fault

_SMALL: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose body is still to be read.

    Attributes:
        url: what was asked for, normalised.
        status: of HTTP.
        headers: names in lower case.
        read: gives at most so many bytes, and none at the end. Raises Fault.
        close: ends it, wherever it stands.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    read: Callable[[int], bytes]
    close: Callable[[], None]

    @property
    def length(self) -> int | None:
        """Bytes of the body as announced."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None

    @property
    def has_known_end(self) -> bool:
        """Whether a body that was cut off can be told from a whole one. Source: RFC 9112, 6.3."""
        return self.length is not None or "transfer-encoding" in self.headers

    def drop(self) -> None:
        """Read a small rest, so that the connection can be used again, and give up on a large one."""
        left = _SMALL
        with suppress(Fault):
            while left > 0 and (chunk := self.read(left)):
                left -= len(chunk)
        self.close()

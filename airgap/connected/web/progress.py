"""What a download tells while it runs."""

from typing import Final, Protocol


class Progress(Protocol):
    """Somebody who watches. Always called from the thread that waits, never from the ones that download."""

    def begin(self, files: int, size: int | None) -> None:
        """So many files are wanted; ``size`` in bytes is that of all, None when some index does not say."""
        ...

    def advance(self, size: int) -> None:
        """So many bytes more are there; fewer than 0 when what was there turned out to be worthless."""
        ...

    def finish_file(self) -> None:
        """One file more is there, or will not come."""
        ...


class _Silent:
    """Nobody watches."""

    def begin(self, files: int, size: int | None) -> None:
        """Nothing to say."""

    def advance(self, size: int) -> None:
        """Nothing to say."""

    def finish_file(self) -> None:
        """Nothing to say."""


SILENT: Final[Progress] = _Silent()

"""``yarn.lock``: by yarn 1 in a format of its own, by later ones in YAML with a member ``__metadata``."""

from airgap.connected.collect.npm import yarn_berry, yarn_classic
from airgap.connected.collect.npm.locked import Lock
from airgap.core.errors import FormatError

_BERRY = "\n__metadata:"
_CLASSIC = "# yarn lockfile v1"


def read(text: str, *, where: str) -> Lock:
    """What a lock of yarn holds.

    Raises:
        FormatError: no lock.
    """
    text = text.replace("\r\n", "\n")  # a checkout on Windows
    if _BERRY in f"\n{text}":
        return yarn_berry.read(text, where=where)
    if _CLASSIC in text.splitlines()[:10]:
        return yarn_classic.read(text, where=where)
    raise FormatError(f"{where}: expected a lock file of yarn, got other text")

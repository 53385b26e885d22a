"""Lock files that name upstream hosts, made to name a store instead: text in, text out.

Only addresses change. Every digest stays, and so does every other character, so that a review sees what was done and a
client still refuses whatever is not what was locked. Addresses are made from file names, or from names and versions: it
does not matter which host the lock named before.
"""

import re
from collections.abc import Callable
from typing import Final

from airgap.core.errors import UsageError
from airgap.core.locks.npm import rewrite_npm
from airgap.core.locks.pnpm import rewrite_pnpm
from airgap.core.locks.python import rewrite_pylock, rewrite_requirements, rewrite_uv
from airgap.core.locks.rewritten import Rewritten
from airgap.core.locks.yarn import rewrite_yarn
from airgap.core.served import Served

__all__ = ["MAX_LOCK", "Rewritten", "rewrite"]

MAX_LOCK: Final = 64 * 1024 * 1024
"""Bytes of the longest lock file that is read."""
_KINDS: Final[tuple[tuple[str, Callable[[str, Served], Rewritten]], ...]] = (
    (r"uv\.lock", rewrite_uv),
    (r"pylock(?:\.[^./]+)?\.toml", rewrite_pylock),
    (r"package-lock\.json|npm-shrinkwrap\.json", rewrite_npm),
    (r"pnpm-lock\.yaml", rewrite_pnpm),
    (r"yarn\.lock", rewrite_yarn),
    (r".+\.(?:txt|in)", rewrite_requirements),
)


def rewrite(name: str, text: str, served: Served) -> Rewritten:
    """Make a lock file name a store.

    Args:
        name: the lock's file name, by which its kind is known, as its own client knows it.
        text: what anybody may have written.
        served: where the store is.

    Raises:
        UsageError: no kind of lock file that is known, or one that cannot work from there.
        FormatError: not what its name says, or written so that its addresses cannot be told from other text.
    """
    for pattern, change in _KINDS:
        if re.fullmatch(pattern, name):
            return change(text, served)
    raise UsageError(
        f"{name!a:.80}: expected a lock file, got another name",
        hint="uv.lock, pylock.toml, pylock.NAME.toml, package-lock.json, npm-shrinkwrap.json, pnpm-lock.yaml or yarn.lock",
    )

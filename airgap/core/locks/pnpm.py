"""``pnpm-lock.yaml``: it names a tarball only where a registry keeps it in an odd place, or where somebody asked for that.

Source: pnpm, "lockfile-types" and "dependency-path": keys of ``packages`` are ``/name@version(peers)`` or ``name@version``.
Read line by line, in the one way that pnpm writes it: nothing inside the gap reads YAML.
"""

import re
from typing import Final

from airgap.core.locks.rewritten import Rewritten, is_web, strange, tarball_at
from airgap.core.served import Served

_KIND: Final = "pnpm-lock.yaml"
_KEY: Final = re.compile(r"  ([^\s#].*):\r?")
_TARBALL: Final = re.compile(
    r"(?P<before>(?:    resolution: \{(?:\w+: [^{},\s]++, )*+|      )tarball: '?)(?P<address>[^\s,{}']++)(?P<after>.*)",
    re.DOTALL,
)


def rewrite_pnpm(text: str, served: Served) -> Rewritten:
    """Make a ``pnpm-lock.yaml`` name a store; see ``rewrite``."""
    lines = text.split("\n")
    references, changed, left, key = 0, 0, [], ""
    for number, line in enumerate(lines):
        if head := _KEY.fullmatch(line):
            key = head[1].strip("'\"")
        tarball = _TARBALL.fullmatch(line)
        if not tarball:
            continue
        name, version = _release(key)
        old = tarball["address"]
        if not name or ":" in version or not is_web(old):
            left.append(strange(name, "tarball"))
            continue
        address = tarball_at(name, version, served, where=f"{_KIND}, line {number + 1}")
        lines[number] = tarball["before"] + address + tarball["after"]
        references += 1
        changed += old != address
    return Rewritten(_KIND, "\n".join(lines), references, changed, tuple(left))


def _release(key: str) -> tuple[str, str]:
    """Name and version in a key; no name where the key is a path, and a URL for the version where it is one."""
    bare = key.partition("(")[0].removeprefix("/")
    name, _, version = bare[1:].partition("@")
    return (bare[:1] + name, version) if version else ("", "")

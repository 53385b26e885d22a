"""``package-lock.json`` and ``npm-shrinkwrap.json``, versions 2 and 3.

Source: npm documentation, package-lock.json. What another package wants from a URL looks as if it came from a registry; it
is known by that wish.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from airgap.core.errors import FormatError, UsageError
from airgap.core.foreign import load_object
from airgap.core.locks.rewritten import Rewritten, is_web, put_in, replaced, strange, tarball_at
from airgap.core.served import Served

_KIND: Final = "package-lock.json"
_MODULES: Final = "node_modules/"
_WISHES: Final = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_PAIR: Final = re.compile(r'(?P<before>"resolved"\s*+:\s*+")(?P<address>[^"\\]*+)(?P<after>")')


def rewrite_npm(text: str, served: Served) -> Rewritten:
    """Make a lock of npm name a store; see ``rewrite``."""
    said = load_object(text.encode(), what=_KIND)
    packages = said.get("packages")
    if said.get("lockfileVersion") not in {2, 3} or not isinstance(packages, dict):
        raise UsageError(
            f"{_KIND}: expected lockfileVersion 2 or 3, got {said.get('lockfileVersion')!a:.20}",
            hint="npm install --package-lock-only --lockfile-version 3",
        )
    addresses: dict[str, str] = {}
    left = []
    wished = set(_wished(packages))
    for place, entry in packages.items():
        if not isinstance(entry, dict):
            raise FormatError(f"{_KIND}: expected an object for each package, got another value")
        resolved = entry.get("resolved")
        if not isinstance(resolved, str) or entry.get("link") is True:
            continue
        name = entry.get("name", place.rpartition(_MODULES)[2])
        if is_web(resolved) and resolved not in wished:
            addresses[resolved] = tarball_at(name, entry.get("version"), served, where=_KIND)
        else:
            left.append(strange(name, resolved if ":" in resolved else "path"))
    put = put_in(text, _PAIR, addresses)
    if load_object(put.text.encode(), what=_KIND) != replaced(said, addresses, ("resolved",)):
        raise FormatError(f"{_KIND}: expected addresses without escapes, got some in another form")
    return Rewritten(_KIND, *put, tuple(left))


def _wished(packages: Mapping[str, Any]) -> Iterator[str]:
    """The URLs that packages are wanted from."""
    for entry in packages.values():
        for kind in _WISHES if isinstance(entry, dict) else ():
            wishes = entry.get(kind)
            yield from (wish for wish in wishes.values() if is_web(wish)) if isinstance(wishes, dict) else ()

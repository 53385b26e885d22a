"""What came of rewriting a lock file."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from airgap.core.errors import FormatError, UsageError
from airgap.core.npm_name import is_name, is_version
from airgap.core.reasons import Reason
from airgap.core.served import Served

_SCHEME: Final = re.compile(r"[a-z][a-z+]{0,15}")


class Rewritten(NamedTuple):
    """A lock file that names a store.

    Attributes:
        kind: the client's name for such a file.
        text: the whole file.
        references: addresses that name the store now.
        changed: how many of them did not before.
        left: what still comes from elsewhere: the package and the way it comes. Addresses are not repeated, they may hold
            passwords.
    """

    kind: str
    text: str
    references: int
    changed: int
    left: tuple[str, ...]


class Put(NamedTuple):
    """A text with other addresses in it, how many there are, and how many of them are new."""

    text: str
    references: int
    changed: int


def put_in(text: str, pattern: re.Pattern[str], addresses: Mapping[str, str]) -> Put:
    """Put other addresses into a text, wherever a pattern finds one: its groups ``before``, ``address`` and ``after``."""
    references, changed = 0, 0

    def one(found: re.Match[str]) -> str:
        nonlocal references, changed
        old = found["address"]
        if old not in addresses:
            return found[0]
        references += 1
        changed += addresses[old] != old
        return found["before"] + addresses[old] + found["after"]

    return Put(pattern.sub(one, text), references, changed)


def replaced(value: Any, addresses: Mapping[str, str], keys: Iterable[str]) -> Any:
    """A copy of a parsed file with other addresses under some keys."""
    if isinstance(value, list):
        return [replaced(inner, addresses, keys) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: addresses.get(inner, inner) if key in keys and isinstance(inner, str) else replaced(inner, addresses, keys)
        for key, inner in value.items()
    }


def tarball_at(name: object, version: object, served: Served, *, where: str) -> str:
    """Where a tarball of a lock is in the store.

    Raises:
        FormatError: with reason bad-name; no registry can have such a package.
        UsageError: the store is no registry: clients do not read one from files.
    """
    if served.is_file:
        raise UsageError(f"{where}: expected an http or https URL, got a file URL, which no npm client reads as a registry")
    if not isinstance(name, str) or not isinstance(version, str) or not is_name(name) or not is_version(version):
        raise FormatError(
            f"{where}: expected the name and version of an npm package, got {name!a:.80} and {version!a:.80}",
            reason=Reason.BAD_NAME,
        )
    return served.tarball(name, version)


def strange(name: object, way: str) -> str:
    """A package that does not come from an index, and the way it comes; no text that could be an address.

    Args:
        name: of the package, as a lock has it.
        way: a word of ours, or an address, of which only the scheme is said.
    """
    scheme, colon, _ = way.partition(":")
    said = (scheme if _SCHEME.fullmatch(scheme) else "path") if colon else way
    return f"{name if isinstance(name, str) and is_name(name) else 'a package'} ({said})"


def is_web(text: object) -> bool:
    """Whether a value is an http or https URL."""
    return isinstance(text, str) and text.startswith(("http://", "https://"))


def objects(value: Any, *, where: str) -> Iterator[Mapping[str, Any]]:
    """The items of a list of objects, which may be missing.

    Raises:
        FormatError: something else.
    """
    for item in _items(value, where):
        if not isinstance(item, dict):
            raise FormatError(f"{where}: expected objects, got {item!a:.80}")
        yield item


def _items(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise FormatError(f"{where}: expected a list, got another value")
    return value

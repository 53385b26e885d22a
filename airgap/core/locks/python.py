"""Lock files of Python clients.

Source: PEP 751 (pylock.toml); uv, "Locking and syncing" and the lock files that uv 0.13 writes; pip, "Requirements file
format".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from airgap.core.errors import FormatError, UsageError
from airgap.core.foreign import load_toml
from airgap.core.locks.rewritten import Rewritten, is_web, objects, put_in, replaced, strange
from airgap.core.reasons import Reason
from airgap.core.served import Served

_KEYS: Final = ("registry", "url", "index")
# a key, and a string of one line without escapes; whatever else a file may hold, the comparison at the end finds
_PAIR: Final = re.compile(
    r"""(?P<before>(?<![\w.-])(?:registry|url|index)[ \t]*+=[ \t]*+(?P<quote>["']))"""
    r"""(?P<address>[^"'\\\r\n]*+)(?P<after>(?P=quote))"""
)
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._!+-]{0,253}")
_OWN: Final = frozenset({"virtual", "editable"})
_WAYS: Final = ("git", "url", "path", "directory", "registry")
_ELSEWHERE: Final = ("archive", "vcs", "directory")
_OPTIONS: Final = re.compile(r"(-i|-f|--index-url|--extra-index-url|--find-links)(?![\w-])")


def rewrite_uv(text: str, served: Served) -> Rewritten:
    """Make a ``uv.lock`` name a store; see ``rewrite``."""
    kind = "uv.lock"
    if served.is_file:
        raise UsageError(
            f"{kind}: expected an http or https URL, got a file URL: uv writes paths there, and would change the lock",
            hint="airgap serve, or uv export --format pylock.toml and rewrite that",
        )
    said = load_toml(text, what=kind)
    addresses: dict[str, str] = {}
    left = []
    for package in objects(said.get("package"), where=kind):
        source = package.get("source")
        if not isinstance(source, dict):
            raise FormatError(f"{kind}: expected a source of every package, got none for {package.get('name')!a:.80}")
        if is_web(source.get("registry")) or str(source.get("registry")).startswith("file:"):
            addresses[source["registry"]] = served.index
            addresses.update(_files(package, served, where=kind))
        elif not source.keys() & _OWN:
            left.append(strange(package.get("name"), _way(source)))
    return _finish(kind, text, said, addresses, left)


def rewrite_pylock(text: str, served: Served) -> Rewritten:
    """Make a ``pylock.toml`` name a store; see ``rewrite``."""
    kind = "pylock.toml"
    said = load_toml(text, what=kind)
    addresses: dict[str, str] = {}
    left = []
    for package in objects(said.get("packages"), where=kind):
        elsewhere = [member for member in _ELSEWHERE if member in package]
        if elsewhere:
            left.append(strange(package.get("name"), elsewhere[0]))
            continue
        if isinstance(package.get("index"), str):
            addresses[package["index"]] = served.index
        addresses.update(_files(package, served, where=kind))
    return _finish(kind, text, said, addresses, left)


def rewrite_requirements(text: str, _: Served) -> Rewritten:
    """Nothing in a requirements file is an address, but for options and URLs that somebody wrote there by hand."""
    left = []
    for number, line in enumerate(text.splitlines(), 1):
        if found := _OPTIONS.match(line.lstrip()):
            left.append(f"line {number} ({found[1]})")
        elif "://" in line.partition(" #")[0] and not line.lstrip().startswith("#"):
            left.append(f"line {number} (url)")
    return Rewritten("requirements", text, 0, 0, tuple(left))


def _way(source: Mapping[str, Any]) -> str:
    """The word by which uv says where a package comes from."""
    return next((word for word in _WAYS if word in source), "elsewhere")


def _files(package: Mapping[str, Any], served: Served, *, where: str) -> Iterator[tuple[str, str]]:
    """Addresses of the files of a package, as they are and as they will be."""
    wheels = list(objects(package.get("wheels"), where=where))
    sdist = package.get("sdist")
    for file in [*wheels, *([sdist] if isinstance(sdist, dict) else [])]:
        url = file.get("url")
        if isinstance(url, str):
            yield url, served.python_file(_name_of(file, url, where))


def _name_of(file: Mapping[str, Any], url: str, where: str) -> str:
    """A file's name: the one that is given, else the last part of its URL (PEP 751, "packages.wheels.name")."""
    try:
        name = file.get("name", unquote(urlsplit(url).path.rpartition("/")[2]))
    except ValueError:
        name = ""  # not repeated: it may hold a password
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(name):
        raise FormatError(f"{where}: expected the name of a file, got {name!a:.80}", reason=Reason.BAD_NAME)
    return name


def _finish(kind: str, text: str, said: Mapping[str, Any], addresses: Mapping[str, str], left: list[str]) -> Rewritten:
    """Put the addresses in, and prove that nothing else came of it."""
    put = put_in(text, _PAIR, addresses)
    if load_toml(put.text, what=kind) != replaced(said, addresses, _KEYS):
        raise FormatError(f"{kind}: expected addresses as plain strings of one line, got some in another form")
    return Rewritten(kind, *put, tuple(left))

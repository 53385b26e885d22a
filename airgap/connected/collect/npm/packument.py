"""What a registry says about a package, trimmed to what clients inside the gap need.

Source: npm registry, ``docs/responses/package-metadata.md``. The whole document is asked for, because the abbreviated one
has no ``time``, and clients with a minimum age need it. Everything in it was written by publishers: members of another
shape than npm's are left out, as npm itself passes over them.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from airgap.connected.collect.npm import integrity
from airgap.connected.collect.npm.integrity import Digests
from airgap.core.canonical import MAX_INTEGER
from airgap.core.errors import FormatError
from airgap.core.npm_name import MAX_NAME

Packument = Mapping[str, Any]
MAX_TEXT: Final = 64 * 1024
MAX_ITEMS: Final = 10_000
MAX_SIGNATURES: Final = 16
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_KEY: Final = re.compile(rf"[!-~]{{1,{MAX_NAME}}}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SCRIPTS: Final = ("preinstall", "install", "postinstall")


def parse(raw: bytes, name: str) -> Packument:
    """The document that a registry answers with.

    Raises:
        FormatError: no JSON, or about another package.
    """
    try:
        # decoded first: json.loads on bytes would sniff UTF-16 and UTF-32 (T085)
        said = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise FormatError(f"packument of {name}: expected JSON, got other bytes") from exc
    if not isinstance(said, dict) or not isinstance(said.get("versions"), dict):
        raise FormatError(f"packument of {name}: expected a JSON object with versions, got another value")
    if said.get("name", name) != name:
        raise FormatError(f"packument of {name}: expected its name, got {said['name']!a:.120}")
    return said


def trim(said: Packument, name: str, versions: Collection[str]) -> dict[str, Any]:
    """The part of a document that speaks of some versions. Equal words give equal bytes: nothing depends on an order.

    Args:
        said: as the registry says it.
        name: of the package.
        versions: the wanted ones; those that the registry does not have are left out.
    """
    kept = {version: _version(said["versions"][version], name, version) for version in versions if _has(said, version)}
    tags, times = _object(said.get("dist-tags")), _object(said.get("time"))
    return {
        "name": name,
        "dist-tags": {tag: to for tag, to in tags.items() if _KEY.fullmatch(tag) and isinstance(to, str) and to in kept},
        "versions": kept,
        "time": {version: times[version] for version in kept if _is_time(times.get(version))},
    }


def _has(said: Packument, version: str) -> bool:
    return isinstance(said["versions"].get(version), dict)


def tarball_of(said: Packument, version: str) -> Any:
    """The URL that a registry gives for a tarball; any value."""
    return _object(said["versions"][version].get("dist")).get("tarball")


def digests_of(trimmed: Packument, what: str) -> Digests:
    """What a registry says about a tarball's content.

    Raises:
        FormatError: no digests of their kind.
    """
    dist = trimmed["dist"]
    found = integrity.parse(dist.get("integrity", ""), what=what)
    return {**integrity.of_sha1(dist["shasum"], what=what), **found} if "shasum" in dist else found


def _version(said: Mapping[str, Any], name: str, version: str) -> dict[str, Any]:
    found = {member: read(said[member]) for member, read in _MEMBERS.items() if member in said}
    if "bundleDependencies" not in said and "bundledDependencies" in said:
        found["bundleDependencies"] = _bundled(said["bundledDependencies"])
    if _has_install_script(said):
        found["hasInstallScript"] = True
    kept = {member: value for member, value in found.items() if value is not None}
    return {"name": name, "version": version, **kept, "dist": _dist(_object(said.get("dist")))}


def _dist(said: Mapping[str, Any]) -> dict[str, Any]:
    found = {member: read(said[member]) for member, read in _DIST.items() if member in said}
    return {member: value for member, value in found.items() if value is not None}


def _has_install_script(said: Mapping[str, Any]) -> bool:
    scripts = _object(said.get("scripts"))
    return (
        said.get("hasInstallScript") is True or said.get("gypfile") is True or any(scripts.get(name) for name in _SCRIPTS)
    )


# -- one reader for each shape; None leaves the member out -----------------------------------------------------------------


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT and not _SURROGATE.search(value)


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def _text(value: Any) -> str | None:
    return value if value and _is_text(value) else None


def _text_or_true(value: Any) -> str | bool | None:
    return True if value is True else _text(value)


def _list(value: Any) -> list[str] | None:
    """A list of texts; one text is a list of one."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not 0 < len(items) <= MAX_ITEMS or not all(map(_is_text, items)):
        return None
    return items


def _bundled(value: Any) -> list[str] | bool | None:
    return True if value is True else _list(value)


def _map_of(is_value: Callable[[Any], bool]) -> Callable[[Any], dict[str, Any] | None]:
    def read(value: Any) -> dict[str, Any] | None:
        items = _object(value)
        if not 0 < len(items) <= MAX_ITEMS:
            return None
        return {key: inner for key, inner in items.items() if _is_key(key) and is_value(inner)} or None

    return read


def _is_key(key: str) -> bool:
    """Whether a name can be a member; ``__proto__`` changes objects of JavaScript that are copied carelessly."""
    return key != "__proto__" and _KEY.fullmatch(key) is not None


_texts = _map_of(_is_text)


def _bin(value: Any) -> str | dict[str, Any] | None:
    return _text(value) if isinstance(value, str) else _texts(value)


def _peers(value: Any) -> dict[str, Any] | None:
    """Which peers are optional."""
    found = _map_of(lambda inner: isinstance(inner, dict) and isinstance(inner.get("optional"), bool))(value)
    return found and {name: {"optional": inner["optional"]} for name, inner in found.items()}


def _number(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= MAX_INTEGER else None


def _signatures(value: Any) -> list[dict[str, str]] | None:
    items = value if isinstance(value, list) else []
    found = [_texts({"keyid": item.get("keyid"), "sig": item.get("sig")}) for item in items if isinstance(item, dict)]
    return [item for item in found if item and len(item) == 2][:MAX_SIGNATURES] or None


def _attestations(value: Any) -> dict[str, Any] | None:
    """Where the attestations are, and of what kind the provenance is."""
    said = _object(value)
    kind = _object(said.get("provenance")).get("predicateType")
    if not _text(said.get("url")):
        return None
    return {"url": said["url"], **({"provenance": {"predicateType": kind}} if _text(kind) else {})}


_MEMBERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "dependencies": _texts,
    "optionalDependencies": _texts,
    "peerDependencies": _texts,
    "peerDependenciesMeta": _peers,
    "bundleDependencies": _bundled,
    "bin": _bin,
    "engines": _texts,
    "os": _list,
    "cpu": _list,
    "libc": _list,
    "deprecated": _text_or_true,
    "directories": _texts,
}
_DIST: Final[Mapping[str, Callable[[Any], Any]]] = {
    "integrity": _text,
    "shasum": _text,
    "signatures": _signatures,
    "attestations": _attestations,
    "fileCount": _number,
    "unpackedSize": _number,
}

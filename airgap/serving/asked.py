"""What a request asks for, read strictly: everything in it was written by whoever is on the network."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from airgap.core.errors import FormatError
from airgap.core.names import check_path

_HOST: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_TAG: Final = re.compile(r'(?:W/)?("[^"]{0,200}")')
_CHOICE: Final = re.compile(r"\s*([a-z0-9.+*-]{1,100}/[a-z0-9.+*-]{1,100})\s*((?:;[^;,]{0,100})*)")
_QUALITY: Final = re.compile(r";\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)")
_LONGEST: Final = 8192
JSON: Final = "application/vnd.pypi.simple.v1+json"
HTML: Final = "application/vnd.pypi.simple.v1+html"
_FORMS: Final = {
    JSON: JSON,
    "application/vnd.pypi.simple.latest+json": JSON,
    HTML: HTML,
    "application/vnd.pypi.simple.latest+html": HTML,
    "text/html": "text/html",
    "text/*": "text/html",
    "*/*": "text/html",
}


class Span(NamedTuple):
    """A part of a file: first byte, and how many."""

    start: int
    size: int


def parts_of(path: str) -> list[str] | None:
    """The components of a decoded path, an empty last one for a folder; None for what no view can hold."""
    name = path.removeprefix("/")
    if name == path or (name and not is_name(name.removesuffix("/"))):
        return None
    return name.split("/")


def is_name(path: str) -> bool:
    """Whether an import would have let a name into a view: no traversal, nothing that a file system reads otherwise."""
    try:
        check_path(path)
    except FormatError:
        return False
    return True


def is_host(text: str) -> bool:
    """Whether a Host header can stand in a URL. Source: RFC 9112, clause 3.2; names, IPv4 and IPv6 literals only."""
    return _HOST.fullmatch(text) is not None


def span_of(headers: Mapping[str, str], size: int, tag: str) -> Span | None:
    """The part of a file that is asked for; None for all of it.

    Several ranges at once, other units, and an ``If-Range`` for another content or with a date are answered with the whole;
    so is an empty file, because there are clients that ask for everything in this way.

    Raises:
        ValueError: the file has no such part.

    Source: RFC 9110, clauses 14.1.2 and 13.1.5.
    """
    found = _RANGE.fullmatch(headers.get("range", ""))
    if not size or found is None or headers.get("if-range", tag) != tag or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        length = min(int(last), size)
        if not length:
            raise ValueError("nothing at the end")
        return Span(size - length, length)
    start, end = int(first), min(int(last) if last else size - 1, size - 1)
    if last and int(last) < start:
        return None
    if start >= size:
        raise ValueError("beyond the end")
    return Span(start, end - start + 1)


def is_known(headers: Mapping[str, str], tag: str) -> bool:
    """Whether the client holds this content already. Source: RFC 9110, clause 13.1.2."""
    said = headers.get("if-none-match", "")[:_LONGEST]
    return said.strip() == "*" or tag in _TAG.findall(said)


def form_of(accept: str) -> str:
    """The form of a Python index that a client prefers: one of three types.

    Source: PEP 691, "Version + Format Selection".
    """
    best, chosen = 0.0, ""
    for one in accept[:_LONGEST].lower().split(","):
        found = _CHOICE.fullmatch(one.rstrip())
        if found is None or found[1] not in _FORMS:
            continue
        weight = _QUALITY.search(found[2])
        quality = float(weight[1]) if weight else 1.0
        if quality > best:
            best, chosen = quality, _FORMS[found[1]]
    return chosen or "text/html"

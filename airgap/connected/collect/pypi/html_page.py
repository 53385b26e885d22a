"""An index page in HTML. Source: PEP 503; PEP 592 yanked; PEP 740 ``data-provenance``; PEP 629 version.

Read in one pass with patterns that cannot go back: before 3.11.14 the library's parser takes quadratic time for a page of
comments that never end.
"""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Final
from urllib.parse import parse_qsl, urldefrag, urljoin

from airgap.connected.collect.pypi.link import Link, check_count, check_version, counted_hashes, name_in, plain
from airgap.core.errors import FormatError

ACCEPT: Final = "application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_TAG: Final = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*+)((?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+)>")
_ATTRIBUTE: Final = re.compile(r"([^\s\"'<>/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++)))?+")
_READ: Final = frozenset({"a", "base", "meta"})


def read_html(content: bytes, *, page: str, index: str) -> tuple[Link, ...]:
    """All links to files.

    Args:
        content: written by anybody.
        page: the URL that it came from in the end.
        index: the configured one, for messages and the custody.

    Raises:
        FormatError: not UTF-8, of another version, or with more links than any project has.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise FormatError(f"{index}: expected a page in UTF-8, got other bytes at {exc.start}") from exc
    base = page
    links: list[Link] = []
    for name, said in _tags(text):
        if name == "base" and "href" in said and base == page:
            base = _join(page, said["href"])
        elif name == "meta" and said.get("name", "").lower() == "pypi:repository-version":
            check_version(said.get("content"), where=index)
        elif name == "a" and "href" in said:
            links.append(_link(said, base, index))
            check_count(len(links), where=index)
    return tuple(link for link in links if link.file_name)


def _link(said: Mapping[str, str], page: str, index: str) -> Link:
    url, fragment = urldefrag(said["href"].strip())
    return Link(
        file_name=name_in(url),
        url=url,
        page=page,
        listed_in=index,
        hashes=counted_hashes(parse_qsl(fragment, max_num_fields=20) if fragment else ()),
        requires_python=plain(said.get("data-requires-python")),
        yanked=plain(said.get("data-yanked")),
        provenance=said.get("data-provenance") or None,
    )


def _tags(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The tags that matter with their attributes, names in lower case. What never ends is not there.

    Source: HTML, "Tokenization", as far as well-formed pages need it.
    """
    at = text.find("<")
    while at >= 0:
        if text.startswith("<!--", at):
            end = text.find("-->", at + 4)
            if end < 0:
                return
            at = text.find("<", end)
            continue
        found = _TAG.match(text, at)
        if found:
            if found[1].lower() in _READ:
                yield found[1].lower(), _attributes(found[2])
        elif text[at + 1 : at + 2].isalpha():
            return
        at = text.find("<", found.end() if found else at + 1)


def _attributes(text: str) -> Mapping[str, str]:
    """The first of each name counts, as in every browser."""
    said: dict[str, str] = {}
    for found in _ATTRIBUTE.finditer(text):
        said.setdefault(found[1].lower(), unescape(found[2] or found[3] or found[4] or ""))
    return said


def _join(page: str, link: str) -> str:
    try:
        return urljoin(page, link)
    except ValueError:
        return page

"""What the views answer to a path: types, ranges and content digests that a plain file server does not know."""

import html
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import BinaryIO, Final
from urllib.parse import quote

from airgap.isolated.store.layout import Layout
from airgap.isolated.views.npm import BASE
from airgap.isolated.views.tree import FOLDERS, INDEX, SIMPLE
from airgap.serving.asked import JSON, Span, form_of, is_known, parts_of, span_of
from airgap.serving.opened import Digests, File, Generation

_PLACEHOLDER: Final = BASE.removesuffix("npm/").encode()
_CHUNK: Final = 256 * 1024
_SMALL: Final = 64 * 1024
"""Bytes up to which a body is read at once: a stream costs more turns of the event loop than such a file is worth."""
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".metadata": "text/plain; charset=utf-8",
    ".provenance": "application/vnd.pypi.integrity.v1+json",
    ".txt": "text/plain; charset=utf-8",
}
_PACKAGE: Final = "application/octet-stream"
_PAGE: Final = "text/html; charset=utf-8"
_NOTHING: Final = Span(0, 0)
_ALWAYS: Final = {
    # what was withdrawn must be seen to be gone: a cache asks again, and is answered by a tag
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers, and a body: bytes, or a part of an open file that whoever takes the answer closes."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    stream: BinaryIO | None = None
    span: Span = _NOTHING


def pieces(stream: BinaryIO, span: Span) -> Iterator[bytes]:
    """A part of a file, piece by piece."""
    stream.seek(span.start)
    left = span.size
    while left and (piece := stream.read(min(left, _CHUNK))):
        yield piece
        left -= len(piece)


class Views:
    """The views of one store.

    Args:
        layout: of the store.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._digests = Digests()

    def answer(self, path: str, headers: Mapping[str, str], base: str) -> Answer:
        """Answer a GET or HEAD.

        Args:
            path: decoded, below the root that is served.
            headers: of the request, names in lower case.
            base: URL under which the client sees the root, without a slash at its end.
        """
        parts = parts_of(path)
        if parts is None:
            return _missing()
        if parts == [""]:
            return _listed("airgap", [f"{folder}/" for folder in FOLDERS], headers)
        try:
            with Generation(self._layout, self._digests) as generation:
                return _route(generation, parts, headers, base)
        except OSError as exc:
            # not the words of the request: they would be printed as they are
            _LOG.error("%s: expected to read it, got %s", self._layout.root, os.strerror(exc.errno or 0))
            return _failed(503, "the store cannot be read")


def _route(generation: Generation, parts: list[str], headers: Mapping[str, str], base: str) -> Answer:
    match parts:
        case ["npm", *_]:
            return _npm(generation, parts, headers, base)
        case ["pypi", simple, *_] if simple == SIMPLE and parts[-1] not in {INDEX, "index.json"}:
            return _simple(generation, parts, headers, base)
        case _:
            return _plain(generation, parts, headers, base)


def _npm(generation: Generation, parts: list[str], headers: Mapping[str, str], base: str) -> Answer:
    """A tarball, or the packument of a name. Source: npm documentation, "package metadata"."""
    name = parts[:-1] if parts[-1] == "" else parts
    packument = generation.file([*name, INDEX]) if "-" not in parts[1:] else None
    if packument is not None:
        with packument.stream as stream:
            content = stream.read().replace(_PLACEHOLDER, f"{base}/".encode())
        return _made(content, "application/json", headers, {"Vary": "Host"})
    file = generation.file(parts) if parts[-1] not in {"", INDEX} else None
    return _missing() if file is None else _filed(file, _type(parts), headers)


def _simple(generation: Generation, parts: list[str], headers: Mapping[str, str], base: str) -> Answer:
    """A page of the Python index, in the form that the client prefers."""
    if not generation.is_folder(parts if parts[-1] else parts[:-1]):
        return _missing()
    if parts[-1]:
        return _moved(parts, base)
    form = form_of(headers.get("accept", ""))
    file = generation.file([*parts[:-1], "index.json" if form == JSON else INDEX])
    if file is None:
        return _missing()
    return _filed(file, form if form == JSON else f"{form}; charset=utf-8", headers, {"Vary": "Accept"})


def _plain(generation: Generation, parts: list[str], headers: Mapping[str, str], base: str) -> Answer:
    """A file, or the list of a folder."""
    if parts[-1]:
        file = generation.file(parts)
        if file is not None:
            return _filed(file, _type(parts), headers)
        return _moved(parts, base) if generation.is_folder(parts) else _missing()
    names = generation.names(parts[:-1])
    return _missing() if names is None else _listed("/".join(parts[:-1]), names, headers)


def _type(parts: list[str]) -> str:
    """The type of a file; a page among plain files is handed out as text, nobody vouched for its scripts."""
    if parts[:2] == ["pypi", SIMPLE] and parts[-1].endswith(".json"):
        return JSON
    kind = _TYPES.get("." + parts[-1].rpartition(".")[2], _PACKAGE)
    return "text/plain; charset=utf-8" if parts[0] == "files" and kind == _PAGE else kind


def _filed(file: File, kind: str, headers: Mapping[str, str], more: Mapping[str, str] | None = None) -> Answer:
    """The answer that an open file is."""
    tag = f'"sha256-{file.sha256}"'
    said = {**_ALWAYS, "ETag": tag, "Accept-Ranges": "bytes", "Content-Type": kind, **(more or {})}
    if is_known(headers, tag):
        file.stream.close()
        return Answer(304, {name: said[name] for name in said.keys() - {"Content-Type"}})
    try:
        span = span_of(headers, file.size, tag)
    except ValueError:
        file.stream.close()
        return Answer(416, {**_ALWAYS, "Content-Range": f"bytes */{file.size}", "Content-Length": "0"})
    if span is None:
        return _read(200, {**said, "Content-Length": str(file.size)}, file, Span(0, file.size))
    part = f"bytes {span.start}-{span.start + span.size - 1}/{file.size}"
    return _read(206, {**said, "Content-Range": part, "Content-Length": str(span.size)}, file, span)


def _read(status: int, headers: Mapping[str, str], file: File, span: Span) -> Answer:
    """The answer with its body, or with the file to take it from."""
    if span.size > _SMALL:
        return Answer(status, headers, stream=file.stream, span=span)
    with file.stream as stream:
        stream.seek(span.start)
        return Answer(status, headers, stream.read(span.size))


def _made(content: bytes, kind: str, headers: Mapping[str, str], more: Mapping[str, str] | None = None) -> Answer:
    """The answer that was made for this request."""
    tag = f'"sha256-{sha256(content).hexdigest()}"'
    said = {**_ALWAYS, "ETag": tag, "Content-Type": kind, **(more or {})}
    if is_known(headers, tag):
        return Answer(304, {name: said[name] for name in said.keys() - {"Content-Type"}})
    return Answer(200, {**said, "Content-Length": str(len(content))}, content)


def _listed(title: str, names: list[str], headers: Mapping[str, str]) -> Answer:
    links = "".join(f'<a href="{html.escape(quote(name))}">{html.escape(name)}</a><br>\n' for name in names)
    heading = html.escape(title)
    page = f'<!DOCTYPE html>\n<meta charset="utf-8">\n<title>{heading}</title>\n<h1>{heading}</h1>\n{links}'
    return _made(page.encode(), _PAGE, headers)


def _moved(parts: list[str], base: str) -> Answer:
    location = f"{base}/{quote('/'.join(parts))}/"
    return Answer(308, {**_ALWAYS, "Location": location, "Content-Length": "0"})


def _missing() -> Answer:
    return _failed(404, "not found")


def _failed(status: int, error: str) -> Answer:
    body = json.dumps({"error": error}).encode()
    return Answer(status, {**_ALWAYS, "Content-Type": "application/json", "Content-Length": str(len(body))}, body)

"""``yarn.lock`` of yarn 1.

Source: yarn 1, ``src/lockfile/parse.js``. An entry begins at the left margin with the patterns that it satisfies,
``name@range``, and a colon; its members are indented by two blanks, the members of its dependencies by four. Texts stand
in double quotes where they need to, with the escapes of JSON.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from airgap.connected.collect.npm import integrity
from airgap.connected.collect.npm.integrity import Digests
from airgap.connected.collect.npm.locked import Lock, Locked, web_url
from airgap.core.errors import FormatError
from airgap.core.locks.yarn import is_of_registry, name_in

# possessive: what cannot backtrack is linear in a hostile line
_TEXT: Final = r'(?:"(?:[^"\\]++|\\.)*+"|[^\s",:]++)'
_TOKEN: Final = re.compile(_TEXT)
_HEAD: Final = re.compile(rf"{_TEXT}(?:, {_TEXT})*+:")
_MEMBER: Final = re.compile(rf"{_TEXT}(?: {_TEXT}|:)")
Entry = dict[str, str]


def read(text: str, *, where: str) -> Lock:
    """What a lock of yarn 1 holds. It says nothing about platforms: the registry does.

    Raises:
        FormatError: no lock.
    """
    lock = Lock([], [])
    for number, patterns, entry in _entries(text, where):
        at = f"{where}, line {number}"
        others = [pattern for pattern in patterns if not is_of_registry(pattern)]
        lock.others.extend(others)
        if not others:
            lock.packages.append(_package(patterns, entry, at))
    return lock


def _package(patterns: list[str], entry: Entry, at: str) -> Locked:
    names = {name_in(pattern) for pattern in patterns}
    if len(names) != 1 or "version" not in entry:
        raise FormatError(f"{at}: expected one package and its version, got {', '.join(sorted(names))!a:.120}")
    return Locked(
        name=names.pop(), version=entry["version"], digests=_digests(entry, at), url=web_url(entry.get("resolved"))
    )


def _digests(entry: Entry, at: str) -> Digests:
    """The integrity, and the SHA-1 that old locks have behind the URL instead."""
    _, _, sha1 = entry.get("resolved", "").partition("#")
    digests = integrity.parse(entry.get("integrity", ""), what=at)
    return integrity.merge(digests, integrity.of_sha1(sha1, what=at), what=at) if sha1 else digests


def _entries(text: str, where: str) -> Iterator[tuple[int, list[str], Entry]]:
    """Line number, patterns and members of each entry; the members of its dependencies are looked over."""
    found: tuple[int, list[str], Entry] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        content = line.lstrip(" ")
        depth = len(line) - len(content)
        if not content or content.startswith("#"):
            continue
        if not (_MEMBER if depth else _HEAD).fullmatch(content) or depth not in {0, 2, 4} or (depth and not found):
            raise FormatError(f"{where}, line {number}: expected an entry or a member of one, got {content!a:.80}")
        tokens = [_text(token, f"{where}, line {number}") for token in _TOKEN.findall(content)]
        if depth == 0:
            if found:
                yield found
            found = (number, tokens, {})
        elif found and depth == 2 and len(tokens) == 2:
            found[2][tokens[0]] = tokens[1]
    if found:
        yield found


def _text(token: str, at: str) -> str:
    try:
        return str(json.loads(token)) if token.startswith('"') else token
    except ValueError as exc:
        raise FormatError(f"{at}: expected text in double quotes, got {token!a:.80}") from exc

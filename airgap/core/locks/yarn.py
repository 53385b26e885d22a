"""``yarn.lock``, of yarn 1 and of later ones.

Source: yarn 1, ``src/lockfile/parse.js``: an entry begins at the left margin with the patterns that it satisfies,
``name@range``, and a colon; its members are indented by two blanks. Later yarns write YAML, and no address but where a
registry keeps a tarball in an odd place.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from airgap.core.errors import FormatError
from airgap.core.locks.rewritten import Rewritten, is_web, strange, tarball_at
from airgap.core.served import Served

_KIND: Final = "yarn.lock"
# possessive: what cannot backtrack is linear in a hostile line
_PATTERN: Final = re.compile(r'"([^"\\]++)"|([^\s",:]++)')
_HEAD: Final = re.compile(r'(?:"[^"\\]++"|[^\s",:]++)(?:, (?:"[^"\\]++"|[^\s",:]++))*+:')
_MEMBER: Final = re.compile(r'  (version|resolved) ("?)([^\s"\\]++)\2')
_LATER: Final = "__metadata:"
_ARCHIVE: Final = "::__archiveUrl="


class _Entry(NamedTuple):
    """Patterns, and for each member its line's number and its value."""

    patterns: list[str]
    members: dict[str, tuple[int, str]]


def rewrite_yarn(text: str, served: Served) -> Rewritten:
    """Make a ``yarn.lock`` name a store; see ``rewrite``."""
    lines = text.split("\n")
    if any(line.rstrip("\r") == _LATER for line in lines):
        odd = [f"line {number} (tarball)" for number, line in enumerate(lines, 1) if _ARCHIVE in line]
        return Rewritten(_KIND, text, 0, 0, tuple(odd))
    references, changed, left = 0, 0, []
    for entry in _entries(lines):
        if "resolved" not in entry.members:
            continue
        number, old = entry.members["resolved"]
        if not is_web(old) or not all(is_of_registry(pattern) for pattern in entry.patterns):
            left.append(strange(name_in(entry.patterns[0]), old if ":" in old else "path"))
            continue
        address = tarball_at(*_release(entry), served, where=f"{_KIND}, line {number + 1}")
        _, mark, sha1 = old.partition("#")
        lines[number] = lines[number].replace(old, f"{address}{mark}{sha1}")
        references += 1
        changed += old != f"{address}{mark}{sha1}"
    return Rewritten(_KIND, "\n".join(lines), references, changed, tuple(left))


def _entries(lines: list[str]) -> Iterator[_Entry]:
    """All entries.

    Raises:
        FormatError: a line at the left margin that begins none, or a member given twice.
    """
    entry = None
    for number, line in enumerate(line.rstrip("\r") for line in lines):
        if not line or line.startswith("#"):
            continue
        if not line.startswith(" "):
            if entry:
                yield entry
            if not _HEAD.fullmatch(line):
                raise FormatError(f"{_KIND}, line {number + 1}: expected an entry, got {line!a:.80}")
            entry = _Entry([quoted or bare for quoted, bare in _PATTERN.findall(line)], {})
        elif entry and (found := _MEMBER.fullmatch(line)):
            if found[1] in entry.members:
                raise FormatError(f"{_KIND}, line {number + 1}: expected {found[1]} once, got it again")
            entry.members[found[1]] = (number, found[3])
    if entry:
        yield entry


def _release(entry: _Entry) -> tuple[str, str]:
    """Name and version of an entry.

    Raises:
        FormatError: it has several names, or no version.
    """
    names = {name_in(pattern) for pattern in entry.patterns}
    if len(names) != 1 or "version" not in entry.members:
        raise FormatError(f"{_KIND}: expected one package and its version, got {', '.join(sorted(names))!a:.120}")
    return names.pop(), entry.members["version"][1]


def name_in(pattern: str) -> str:
    """The name of the package behind a pattern, an alias looked through: ``b`` in ``a@npm:b@^1``."""
    name, _, wanted = pattern[1:].partition("@")
    if not wanted.startswith("npm:"):
        return pattern[:1] + name
    target = wanted.removeprefix("npm:")
    return target[:1] + target[1:].partition("@")[0]


def is_of_registry(pattern: str) -> bool:
    """Whether a pattern asks for a range or a tag; paths, URLs and hosted repositories have a slash or a colon."""
    wanted = pattern[1:].partition("@")[2]
    return wanted.startswith("npm:") or not set(wanted) & set("/:")

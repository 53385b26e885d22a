"""Requirements files: read once, with everything that they include.

Source: pip, "Requirements File Format". What names no package of an index is refused by name, because nothing of it could
stand in the index on the other side.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement

from airgap.connected.collect.pypi.link import HASHES, Hashes, counted_hashes
from airgap.connected.written import read_text
from airgap.core.errors import FormatError, UsageError
from airgap.core.reasons import Reason

MAX_FILE: Final = 16 * 1024 * 1024
MAX_FILES: Final = 100
MAX_REQUIREMENT: Final = 4096
"""Characters of one requirement without its hashes."""
_COMMENT: Final = re.compile(r"(?:^|[ \t])#.*")
_OPTION: Final = re.compile(r"(-[a-zA-Z]|--[a-z-]+)(?:[ \t=]+(.*))?")
_PARTED: Final = re.compile(r"(?<![ \t])[ \t]++(?=--[a-z])")
_INCLUDE: Final = frozenset({"-r", "--requirement"})
_CONSTRAIN: Final = frozenset({"-c", "--constraint"})
_INDEX: Final = frozenset({"-i", "--index-url", "--extra-index-url", "--no-index", "-f", "--find-links", "--trusted-host"})
# they ask for what happens anyway
_IDLE: Final = frozenset({"--require-hashes", "--prefer-binary", "--only-binary"})


class Line(NamedTuple):
    """One requirement. ``hashes`` are algorithm and lower-case hex digits; ``where`` says in which file it stands."""

    requirement: Requirement
    hashes: Hashes
    where: str


@dataclass(slots=True)
class Requirements:
    """What a requirements file asks for, with what it includes."""

    lines: list[Line] = field(default_factory=list)
    constraints: list[Line] = field(default_factory=list)
    index_options: list[str] = field(default_factory=list)

    @property
    def is_lock(self) -> bool:
        """Whether it carries hashes, and so says exactly which files."""
        return any(line.hashes for line in self.lines)


def read_requirements(path: str) -> Requirements:
    """Read a requirements file.

    Raises:
        UsageError: it is not there, asks for something that is in no index, or has an option with another meaning here.
        FormatError: malformed, or too large.
    """
    found = Requirements()
    _read(path, found, found.lines, set())
    return found


def parse_requirements(text: str, *, where: str) -> Requirements:
    """Read requirements that stand in no file.

    Raises:
        UsageError, FormatError: as by ``read_requirements``.
    """
    found = Requirements()
    _take(text, where, found, found.lines, set())
    return found


def parse_line(text: str, *, where: str) -> Line:
    """One requirement with its hashes.

    Raises:
        UsageError: it asks for something that is in no index.
        FormatError: a hash that is none.
    """
    said, *options = _PARTED.split(text)
    try:
        requirement = Requirement(said if len(said) <= MAX_REQUIREMENT else "")
    except (InvalidRequirement, RecursionError) as exc:
        raise UsageError(
            f"{where}: expected the name of a package and its version, got {said!a:.120}",
            hint="only what an index has can be carried; export wheels of your own as plain files",
        ) from exc
    if requirement.url:
        raise UsageError(
            f"{where}: expected {requirement.name!a:.80} from an index, got a URL",
            hint="only what an index has can be carried; export wheels of your own as plain files",
        )
    return Line(requirement, frozenset(_hash(option, where) for option in options), where)


def _hash(option: str, where: str) -> tuple[str, str]:
    name, _, said = option.partition("=")
    algorithm, _, digits = said.strip().partition(":")
    found = counted_hashes([(algorithm, digits.strip())])
    if name != "--hash" or not found:
        raise FormatError(f"{where}: expected --hash with one of {', '.join(HASHES)}, got {option!a:.100}")
    return next(iter(found))


def _read(path: str, found: Requirements, into: list[Line], seen: set[str]) -> None:
    """Read one file; its options count for all."""
    real = os.path.realpath(path)
    if real in seen:
        return
    seen.add(real)
    if len(seen) > MAX_FILES:
        raise FormatError(f"{path}: expected at most {MAX_FILES} files, got more", reason=Reason.TOO_LARGE)
    _take(read_text(path, limit=MAX_FILE), path, found, into, seen)


def _take(content: str, path: str, found: Requirements, into: list[Line], seen: set[str]) -> None:
    """Sort the lines of one file into requirements, options and further files."""
    for number, text in _lines(content):
        where = f"{path}:{number}"
        option = _OPTION.fullmatch(text)
        if not option:
            into.append(parse_line(text, where=where))
            continue
        name, value = option[1], (option[2] or "").strip()
        if name in _INCLUDE or name in _CONSTRAIN:
            inner = os.path.join(os.path.dirname(path), value)
            _read(inner, found, found.constraints if name in _CONSTRAIN else into, seen)
        elif name in _INDEX:
            found.index_options.append(f"{where}: {name}")
        elif name not in _IDLE:
            raise UsageError(f"{where}: expected a package, got the option {name!a:.40}", hint="leave it out")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the numbers of their first lines, without comments."""
    start, kept = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        # a comment ends a line even where it is continued
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            kept.append(line[:-1])
            continue
        whole = _COMMENT.sub("", "".join((*kept, line))).strip()
        if whole:
            yield start, whole
        start, kept = 0, []
    whole = _COMMENT.sub("", "".join(kept)).strip()
    if whole:
        yield start, whole

"""What a request asks for, as releases by target: locks are read, everything else is resolved."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from airgap.connected.collect.pypi.pin import Pin, check_locked, pins_of
from airgap.connected.collect.pypi.pylock import parse_pylock, pins_in
from airgap.connected.collect.pypi.requirements_text import (
    MAX_FILE,
    Requirements,
    parse_line,
    parse_requirements,
    read_requirements,
)
from airgap.connected.collect.pypi.resolver import Resolver
from airgap.connected.collect.pypi.target import Target
from airgap.connected.request import PypiSource
from airgap.connected.written import read_text
from airgap.core.errors import UsageError

FindResolver = Callable[[], Resolver]
Wish = tuple[Pin, Target]
_PYLOCK: Final = re.compile(r"pylock(?:\.[^.]+)?\.toml")


def ask(wanted: PypiSource, targets: Sequence[Target], find_resolver: FindResolver) -> list[Wish]:
    """Every release that is wanted for some target.

    Args:
        wanted: the source.
        targets: the machines.
        find_resolver: called only where something has to be resolved.

    Raises:
        UsageError: a file is not there, asks for what is in no index, or cannot be resolved.
        FormatError: a malformed file.
    """
    wishes: dict[Wish, None] = {}
    open_ends = _packages(wanted)
    for path in wanted.requirements:
        found = read_requirements(os.path.join(wanted.folder, path))
        if found.is_lock:
            check_locked(found)
            wishes |= dict.fromkeys((pin, target) for target in targets for pin in pins_of(found, target))
        else:
            _add(open_ends, found)
    for path in wanted.lockfiles:
        wishes |= dict.fromkeys(_locked(os.path.join(wanted.folder, path), targets, find_resolver))
    if open_ends.lines:
        for target in targets:
            wishes |= dict.fromkeys(resolve(open_ends, target, find_resolver(), may_build=wanted.sdists))
    return list(wishes)


def resolve(wanted: Requirements, target: Target, resolver: Resolver, *, may_build: bool) -> Iterator[Wish]:
    """Have decided which releases serve requirements on one machine.

    Raises:
        UsageError: there are none.
    """
    lines = [str(line.requirement) for line in wanted.lines]
    constraints = [str(line.requirement) for line in wanted.constraints]
    text = resolver.compile(lines, target, constraints=constraints, may_build=may_build)
    for pin in pins_of(parse_requirements(text, where="uv"), target):
        yield pin, target


def _packages(wanted: PypiSource) -> Requirements:
    found = Requirements([parse_line(text, where="request") for text in wanted.packages])
    if found.is_lock:
        raise UsageError("request: expected packages without hashes, got --hash", hint="put it into a requirements file")
    return found


def _add(into: Requirements, found: Requirements) -> None:
    """Join what has to be resolved together.

    Raises:
        UsageError: a file wants another index than the configured one; with hashes that would not matter.
    """
    if found.index_options:
        raise UsageError(
            f"{found.index_options[0]!a:.200}: expected no index in a file without hashes, got one",
            hint="configure pip with the index: pip config set global.index-url URL",
        )
    into.lines += found.lines
    into.constraints += found.constraints


def _locked(path: str, targets: Sequence[Target], find_resolver: FindResolver) -> Iterator[Wish]:
    name = os.path.basename(path)
    if name == "uv.lock":
        read_text(path, limit=MAX_FILE)  # uv speaks of the project around it where the lock is missing
        text = find_resolver().export(path)
    elif _PYLOCK.fullmatch(name):
        text = read_text(path, limit=MAX_FILE)
    else:
        raise UsageError(
            f"{path}: expected pylock.toml, pylock.NAME.toml or uv.lock, got another name",
            hint="a requirements file with hashes is a lock, too: requirements = FILE",
        )
    lock = parse_pylock(text, where=path)
    for target in targets:
        for pin in pins_in(lock, target, where=path):
            yield pin, target

"""What a lock or a resolver decided: one release of a project for one target."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from airgap.connected.collect.pypi.link import Hashes, Link
from airgap.connected.collect.pypi.requirements_text import Line, Requirements
from airgap.connected.collect.pypi.target import Target, is_true
from airgap.core.errors import FormatError, UsageError


class Pin(NamedTuple):
    """One release.

    Attributes:
        hashes: algorithm and hex digits; a file of the release has to have one of them. Empty where ``links`` say them,
            and where only the index does.
        links: the files of the release as a lock lists them, which are all that may be chosen from; empty where the lock
            names no files.
    """

    project: NormalizedName
    version: Version
    where: str
    hashes: Hashes = frozenset()
    links: tuple[Link, ...] = ()

    @property
    def release(self) -> str:
        """``name==version``."""
        return f"{self.project}=={self.version}"


def check_locked(requirements: Requirements) -> None:
    """Prove that a requirements file is a lock throughout.

    Raises:
        UsageError: a requirement without hashes, or that leaves a choice.
    """
    for line in requirements.lines:
        if not line.hashes:
            raise UsageError(
                f"{line.where}: expected a hash as for other packages of the file, got none",
                hint="a lock has hashes for all packages; a file without any is resolved",
            )
        _version(line)


def pins_of(requirements: Requirements, target: Target) -> list[Pin]:
    """The releases that a decided requirements file pins for one target.

    Raises:
        UsageError: a requirement that leaves a choice.
        FormatError: two versions of one project, or a marker without a meaning.
    """
    found: dict[Pin, None] = {}
    for environment in target.environments:
        values = {"extra": "", **environment}
        lines = [one for one in requirements.lines if is_true(one.requirement.marker, values, where=one.where)]
        found |= dict.fromkeys(_distinct(map(_pin, lines)).values())
    return list(found)


def _version(line: Line) -> Version:
    """The one version that is asked for."""
    specifiers = list(line.requirement.specifier)
    try:
        if len(specifiers) != 1 or specifiers[0].operator != "==":
            raise InvalidVersion
        return Version(specifiers[0].version)
    except InvalidVersion as exc:
        raise UsageError(f"{line.where}: expected name==version, got {str(line.requirement)!a:.120}") from exc


def _pin(line: Line) -> Pin:
    return Pin(canonicalize_name(line.requirement.name), _version(line), line.where, line.hashes)


def _distinct(pins: Iterable[Pin]) -> Mapping[NormalizedName, Pin]:
    """One pin for each project; hashes of the same release are joined.

    Raises:
        FormatError: two versions.
    """
    found: dict[NormalizedName, Pin] = {}
    for pin in pins:
        known = found.setdefault(pin.project, pin)
        if known.version != pin.version:
            raise FormatError(
                f"{pin.where}: expected one version of {pin.project}, got {pin.version} beside {known.version}"
            )
        found[pin.project] = known._replace(hashes=known.hashes | pin.hashes)
    return found

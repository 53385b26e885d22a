"""The machines that packages are for: an interpreter and a platform, ``cp311-manylinux_2_28_x86_64``.

A target is judged without being there: its tags and its marker environment follow from its name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from packaging.markers import Environment, Marker, UndefinedComparison, UndefinedEnvironmentName, default_environment
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms, sys_tags

from airgap.core.errors import FormatError, UsageError

Context = Literal["metadata", "lock_file", "requirement"]

_TARGET: Final = re.compile(r"cp3([0-9]{1,2})-([a-z0-9_]{1,80})")
_MANYLINUX: Final = re.compile(r"manylinux_2_([0-9]{1,2})_([a-z0-9_]+)")
_LEGACY: Final = re.compile(r"manylinux(2014|2010|1)_([a-z0-9_]+)")
_MUSLLINUX: Final = re.compile(r"musllinux_1_([0-9]{1,2})_([a-z0-9_]+)")
_MACOS: Final = re.compile(r"macosx_([0-9]{2})_([0-9]{1,2})_(x86_64|arm64)")
_GLIBC_OF: Final = {"2014": 17, "2010": 12, "1": 5}
_LEGACY_OF: Final = {minor: f"manylinux{year}" for year, minor in _GLIBC_OF.items()}
_OLDEST_PYTHON: Final = 8
# the first glibc that wheels of an architecture are built for: PEP 513 and 571 know only Intel's
_OLDEST_GLIBC: Final = {"x86_64": 5, "i686": 5}
_WINDOWS: Final = {"win_amd64": "AMD64", "win32": "x86", "win_arm64": "ARM64"}
# what uv has names for; its own build for "2014" means 2_17
_UV_GLIBC: Final = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)
_UV_WINDOWS: Final = {"win_amd64": "x86_64", "win32": "i686", "win_arm64": "aarch64"}
_UV_MACOS: Final = {"x86_64": "x86_64", "arm64": "aarch64"}
_UV_LINUX: Final = ("x86_64", "aarch64")
# stands for the last release of a Python that is not known here
_LAST_PATCH: Final = 99


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """A kind of machine.

    Attributes:
        name: as people write it.
        tags: what it installs, best first.
        environments: of markers: one where the machine is known; else those of the first and the last release of its
            Python, because a name says nothing about the release.
        python: what uv calls the interpreter, None for the running one.
        platform: what uv calls the platform, None for the running one, "" for one that uv does not know.
        variables: what uv wants to be told in its environment.
    """

    name: str
    tags: tuple[Tag, ...]
    environments: tuple[Environment, ...]
    python: str | None = None
    platform: str | None = None
    variables: Mapping[str, str]

    def is_admitted(self, specifiers: SpecifierSet) -> bool:
        """Whether some release of its Python is among those that a file is for."""
        return any(specifiers.contains(found["python_full_version"], prereleases=True) for found in self.environments)


def is_true(marker: Marker | None, environment: Mapping[str, Any], *, where: str, context: Context = "metadata") -> bool:
    """What a marker says of an environment; no marker is true everywhere.

    Args:
        marker: written by anybody.
        environment: one of a target's, with whatever else has a value.
        where: for the message.
        context: which names have a meaning, in the words of the library.

    Raises:
        FormatError: it compares what cannot be compared, or names what has no value here.
    """
    try:
        return marker is None or marker.evaluate(dict(environment), context=context)
    except (UndefinedComparison, UndefinedEnvironmentName) as exc:
        raise FormatError(f"{where}: expected a marker with a meaning, got {str(marker)!a:.120}") from exc


def running_target() -> Target:
    """The machine that this program runs on."""
    tags = tuple(sys_tags())
    name = f"{tags[0].interpreter}-{tags[0].platform}"
    return Target(name=name, tags=tags, environments=(default_environment(),), variables={})


def parse_target(name: str) -> Target:
    """Read a target.

    Raises:
        UsageError: no CPython from 3.8 on, or a platform whose wheels nobody could choose from here.
    """
    found = _TARGET.fullmatch(name)
    if not found or int(found[1]) < _OLDEST_PYTHON:
        raise UsageError(
            f"target: expected an interpreter from cp38 on and a platform, got {name!a:.100}",
            hint="such as cp311-manylinux_2_28_x86_64, cp312-win_amd64, cp313-macosx_11_0_arm64",
        )
    minor = int(found[1])
    platform = _platform(found[2])
    python = (3, minor)
    interpreter = f"cp3{minor}"
    # the ABI is given, because the library would derive it from how the running interpreter was built
    tags = (
        *cpython_tags(python, [interpreter], platform.tags),
        *compatible_tags(python, interpreter, platform.tags),
    )
    environments = tuple(_environment(minor, patch, platform.environment) for patch in (0, _LAST_PATCH))
    return Target(
        name=name,
        tags=tags,
        environments=environments,
        python=f"3.{minor}",
        platform=platform.uv,
        variables=platform.variables,
    )


@dataclass(frozen=True, slots=True)
class _Platform:
    tags: tuple[str, ...]
    uv: str
    environment: Mapping[str, str]
    variables: Mapping[str, str]


def _platform(name: str) -> _Platform:
    if found := _MANYLINUX.fullmatch(name):
        return _glibc(int(found[1]), found[2])
    if found := _LEGACY.fullmatch(name):
        return _glibc(_GLIBC_OF[found[1]], found[2])
    if found := _MUSLLINUX.fullmatch(name):
        return _musl(int(found[1]), found[2])
    if found := _MACOS.fullmatch(name):
        return _macos(int(found[1]), int(found[2]), found[3])
    if name in _WINDOWS:
        environment = {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"}
        environment["platform_machine"] = _WINDOWS[name]
        return _Platform((name,), f"{_UV_WINDOWS[name]}-pc-windows-msvc", environment, {})
    raise UsageError(
        f"target: expected a platform, got {name!a:.100}",
        hint="manylinux_2_28_x86_64, musllinux_1_2_aarch64, macosx_11_0_arm64, win_amd64 or one like them",
    )


def _glibc(minor: int, arch: str) -> _Platform:
    names = tuple(_glibc_tags(minor, arch))
    known = [version for version in _UV_GLIBC if version <= minor]
    uv = f"{arch}-manylinux_2_{known[-1] if known else _UV_GLIBC[0]}" if arch in _UV_LINUX else ""
    return _Platform(names, uv, _linux(arch), {})


def _glibc_tags(minor: int, arch: str) -> Iterator[str]:
    """All that runs with a glibc. Source: PEP 600, "Package installers"; PEP 513, 571, 599 for the older names."""
    for version in range(minor, _OLDEST_GLIBC.get(arch, 17) - 1, -1):
        yield f"manylinux_2_{version}_{arch}"
        if version in _LEGACY_OF:
            yield f"{_LEGACY_OF[version]}_{arch}"
    yield f"linux_{arch}"


def _musl(minor: int, arch: str) -> _Platform:
    """Source: PEP 656, "Package installers"."""
    names = (*(f"musllinux_1_{version}_{arch}" for version in range(minor, -1, -1)), f"linux_{arch}")
    return _Platform(names, f"{arch}-unknown-linux-musl" if arch in _UV_LINUX else "", _linux(arch), {})


def _macos(major: int, minor: int, arch: str) -> _Platform:
    names = tuple(mac_platforms((major, minor), arch))
    environment = {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": arch}
    variables = {"MACOSX_DEPLOYMENT_TARGET": f"{major}.{minor}"}
    return _Platform(names, f"{_UV_MACOS[arch]}-apple-darwin", environment, variables)


def _linux(arch: str) -> Mapping[str, str]:
    return {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": arch}


def _environment(minor: int, patch: int, platform: Mapping[str, str]) -> Environment:
    """The values of all markers. Source: dependency specifiers, "Environment Markers"."""
    full = f"3.{minor}.{patch}"
    return Environment(
        implementation_name="cpython",
        implementation_version=full,
        os_name=platform["os_name"],
        platform_machine=platform["platform_machine"],
        platform_release="",
        platform_system=platform["platform_system"],
        platform_version="",
        python_full_version=full,
        platform_python_implementation="CPython",
        python_version=f"3.{minor}",
        sys_platform=platform["sys_platform"],
    )

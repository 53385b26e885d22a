"""Platforms that packages are for, and those that people ask for.

Source: npm documentation, package.json, "os", "cpu" and "libc"; npm-install-checks, ``checkPlatform``; node,
``process.platform`` and ``process.arch``.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from airgap.connected.collect.npm.locked import Limits
from airgap.core.errors import UsageError

SYSTEMS: Final = ("aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32")
PROCESSORS: Final = (
    "arm", "arm64", "ia32", "loong64", "mips", "mipsel", "mips64el", "ppc64", "riscv64", "s390x", "x64",
)  # fmt: skip
LIBRARIES: Final = ("glibc", "musl")


class Target(NamedTuple):
    """A platform in the words of node. ``libc`` is None everywhere but on Linux."""

    os: str
    cpu: str
    libc: str | None


def parse_target(text: str) -> Target:
    """Read ``os-cpu`` or ``linux-cpu-libc``; Linux without a word is one of glibc.

    Raises:
        UsageError: a platform that node does not know.
    """
    os, _, rest = text.partition("-")
    cpu, _, libc = rest.partition("-")
    is_known = os in SYSTEMS and cpu in PROCESSORS and (not libc or (os == "linux" and libc in LIBRARIES))
    if not is_known or text.endswith("-"):
        raise UsageError(
            f"request: expected a platform such as linux-x64 or linux-x64-musl, got {text!a:.60}",
            hint=f"the first part is one of {', '.join(SYSTEMS)}, the second one of {', '.join(PROCESSORS)}",
        )
    return Target(os, cpu, (libc or "glibc") if os == "linux" else None)


def is_for(limits: Limits, targets: Sequence[Target]) -> bool:
    """Whether a package runs on one of the platforms; without any, on all that there are."""
    return not targets or any(_runs_on(limits, target) for target in targets)


def _runs_on(limits: Limits, target: Target) -> bool:
    return (
        _is_listed(target.os, limits.os)
        and _is_listed(target.cpu, limits.cpu)
        and (limits.libc is None or (target.libc is not None and _is_listed(target.libc, limits.libc)))
    )


def _is_listed(value: str, words: Sequence[str] | None) -> bool:
    """None of those with an exclamation mark, and one of the others if there are any."""
    if words is None or words == ("any",):
        return True
    wanted = [word for word in words if not word.startswith("!")]
    return f"!{value}" not in words and (not wanted or value in wanted)


def write_limits(limits: Limits) -> str:
    """The limits for people: ``os win32, cpu x64``."""
    said = limits._asdict().items()
    return ", ".join(f"{kind} {' '.join(words)!a:.60}" for kind, words in said if words is not None)

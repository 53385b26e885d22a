"""The site's policy: limits, freshness, what evidence it demands. Local to the site, never in a bundle.

Source: docs/trust.md; the shape is ``schemas/policy.schema.json``, written as TOML.
"""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final, Self

from airgap.core.errors import FormatError
from airgap.core.names import fold
from airgap.core.purl import is_match
from airgap.core.schema import validate
from airgap.core.times import parse_duration


class Demand(StrEnum):
    """Whose signature an artifact needs besides the exporter's."""

    PUBLISHER = "publisher"
    REGISTRY = "registry"
    ANY_SIGNATURE = "any-signature"
    EXPORTER_ONLY = "exporter-only"


class OnMissing(StrEnum):
    """What follows when it is not there."""

    REJECT = "reject"
    HOLD = "hold"
    ADMIT = "admit"


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps. Sizes in bytes; ``step`` is the largest jump of a sequence, even with a gap allowed."""

    entries: int
    content: int
    manifest: int
    step: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far clock and signed times may lie apart; ``max_age`` None means until the bundle's own expiry."""

    max_age: timedelta | None
    clock_behind: timedelta
    clock_ahead: timedelta


@dataclass(frozen=True, slots=True)
class Requirement:
    """What artifacts of a purl pattern need.

    Attributes:
        artifacts: the pattern.
        custody: when given, the rule is for artifacts with a hop of this kind only, for example ``agent``.
        evidence: whose signature.
        on_missing: what follows when it is not there.
        on_withheld: the same where a mirror hides it; None means as ``on_missing``.
        on_unsigned: the same where the producer signs nothing.
        approvals: signers beyond the channel's threshold.
    """

    artifacts: str
    evidence: Demand
    on_missing: OnMissing
    approvals: int
    custody: str | None = None
    on_withheld: OnMissing | None = None
    on_unsigned: OnMissing | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A site's policy."""

    text: str
    limits: Limits
    freshness: Freshness
    requirements: tuple[Requirement, ...]
    refused_names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a policy file; every member has a default, unknown members are refused.

        Raises:
            FormatError: malformed.
        """
        try:
            value = tomllib.loads(text)
        except (ValueError, RecursionError) as exc:  # tomllib's own error is a ValueError; int() and depth raise the others
            raise FormatError(f"policy: expected TOML, got a fault: {exc!s:.120}") from exc
        validate("policy", value, what="policy")
        return cls(
            text,
            _limits(value.get("limits", {})),
            _freshness(value.get("freshness", {})),
            tuple(_requirement(said) for said in value.get("require", [])),
            tuple(value.get("names", {}).get("refuse", [])),
        )

    def requirement_for(self, purl: str, hops: Collection[str] = ()) -> Requirement | None:
        """The first rule that covers a purl and, where it asks for one, a hop among the kinds of hops of its custody."""
        return next(
            (
                rule
                for rule in self.requirements
                if (rule.custody is None or rule.custody in hops) and is_match(purl, rule.artifacts)
            ),
            None,
        )

    def is_refused(self, path: str) -> bool:
        """Whether any component of a path is a name that the site does not want in its views (T020).

        Letter case makes no difference: where a view is served or copied to, ``.GIT`` may be ``.git``.
        """
        return any(fnmatchcase(part, fold(name)) for name in self.refused_names for part in fold(path).split("/"))


def _limits(said: dict[str, Any]) -> Limits:
    return Limits(
        entries=said.get("entries", 1_000_000),
        content=said.get("bytes", 4 * 10**12),
        manifest=said.get("manifest", 256 * 1024 * 1024),
        step=said.get("step", 1000),
    )


def _freshness(said: dict[str, Any]) -> Freshness:
    age = said.get("max_age")
    return Freshness(
        max_age=parse_duration(age) if age else None,
        clock_behind=parse_duration(said.get("clock_behind", "1 day")),
        clock_ahead=parse_duration(said.get("clock_ahead", "2 years")),
    )


def _requirement(said: dict[str, Any]) -> Requirement:
    return Requirement(
        said["artifacts"],
        Demand(said["evidence"]),
        OnMissing(said.get("on_missing", "reject")),
        said.get("approvals", 0),
        said.get("custody"),
        OnMissing(said["on_withheld"]) if "on_withheld" in said else None,
        OnMissing(said["on_unsigned"]) if "on_unsigned" in said else None,
    )


PRESETS: Final = {
    "strict": """\
# strict: every artifact brings a signature of its producer, a missing one rejects the bundle
[freshness]
max_age = "30 days"
clock_behind = "1 hour"
clock_ahead = "1 year"

[names]
refuse = [".git", ".ht*", ".svn", ".hg"]

[[require]]
artifacts = "pkg:*"
evidence = "any-signature"
on_missing = "reject"
""",
    "standard": """\
# standard: the exporter's threshold always; the producer's signature is checked where it exists,
# a failed one always rejects, a missing one is recorded
[[require]]
artifacts = "pkg:*"
evidence = "any-signature"
on_missing = "admit"
""",
    "lab": """\
# lab: the exporter's threshold only, and patience with clocks; not for production
[freshness]
clock_behind = "30 days"
clock_ahead = "20 years"

[[require]]
artifacts = "pkg:*"
evidence = "exporter-only"
on_missing = "admit"
""",
}

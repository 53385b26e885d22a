"""What may never go back: sequences, the time floor, the trust version. Lives in a generation, moves with ``current``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from airgap.bundle.rules import Last
from airgap.core import canonical
from airgap.core.digest import parse_sha256
from airgap.core.schema import validate
from airgap.core.times import format_time, parse_time

FILE: Final = "state.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One generation of a store.

    Attributes:
        generation: 0 for an empty store.
        floor: the highest time that was ever signed or run at.
        trust: version of the trust document in force.
        channels: the last admitted bundle of each channel.
        manifests: digests of all admitted bundles, in order of their last admission.
        withdrawn: digests of objects that are in quarantine and out of the views.
        recalled: names in the views that are not shown because what vouched for them was withdrawn.
    """

    generation: int
    floor: datetime
    trust: int
    channels: Mapping[str, Last] = field(default_factory=dict)
    manifests: tuple[bytes, ...] = ()
    withdrawn: frozenset[bytes] = frozenset()
    recalled: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a state; accepts exactly what ``encode`` writes.

        Raises:
            FormatError: anything else.
        """
        value = canonical.decode(raw, what="state")
        validate("state", value, what="state")
        return cls(
            generation=value["generation"],
            floor=parse_time(value["floor"]),
            trust=value["trust"],
            channels={
                name: Last(said["sequence"], parse_sha256(said["manifest"])) for name, said in value["channels"].items()
            },
            manifests=tuple(map(parse_sha256, value["manifests"])),
            withdrawn=frozenset(map(parse_sha256, value["withdrawn"])),
            recalled=frozenset(value.get("recalled", ())),
        )

    def encode(self) -> bytes:
        """The one encoding of the state."""
        return canonical.encode(self._value())

    def last(self, channel: str) -> Last | None:
        """The last admitted bundle of a channel."""
        return self.channels.get(channel)

    def _value(self) -> dict[str, Any]:
        # left out while it is empty: a state that was written before there were recalls reads on
        recalled = {"recalled": sorted(self.recalled)} if self.recalled else {}
        return {
            "generation": self.generation,
            "floor": format_time(self.floor),
            "trust": self.trust,
            "channels": {
                name: {"sequence": last.sequence, "manifest": last.manifest.hex()} for name, last in self.channels.items()
            },
            "manifests": [digest.hex() for digest in self.manifests],
            "withdrawn": sorted(digest.hex() for digest in self.withdrawn),
            **recalled,
        }

"""Every kind of document: how any value of it is drawn, written and read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from airgap.core import canonical
from airgap.core.checkpoint import Checkpoint
from airgap.core.envelope import Envelope
from airgap.core.errors import FormatError
from airgap.core.manifest import Manifest
from airgap.core.statement import Statement
from airgap.core.times import format_time, parse_time
from airgap.core.trust import Trust
from tests.forge.keys import key
from tests.laws import values

SITE = key("site")


@dataclass(frozen=True)
class Kind:
    """A kind of document; ``read`` undoes ``write``."""

    name: str
    drawn: st.SearchStrategy[Any]
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


def text_of(raw: bytes) -> str:
    """The text of a file, as its callers decode it: what is not UTF-8 is no document."""
    try:
        return raw.decode()
    except UnicodeDecodeError as exc:
        raise FormatError("expected UTF-8") from exc


KINDS = [
    Kind("canonical JSON", values.plain_json, canonical.encode, lambda raw: canonical.decode(raw, what="x")),
    Kind("manifest", values.manifests(), Manifest.encode, lambda raw: Manifest.parse(raw, max_entries=20)),
    Kind("statement", values.statements(), Statement.encode, Statement.peek),
    Kind("trust document", values.trusts(), Trust.encode, Trust.parse),
    Kind("envelope", values.envelopes, Envelope.encode, Envelope.parse),
    Kind(
        "checkpoint",
        values.checkpoints,
        lambda checkpoint: checkpoint.sign(SITE).encode(),
        lambda raw: Checkpoint.parse(text_of(raw), SITE.public),
    ),
    Kind("instant", values.instants, lambda at: format_time(at).encode(), lambda raw: parse_time(text_of(raw))),
]
NAMES = [kind.name for kind in KINDS]

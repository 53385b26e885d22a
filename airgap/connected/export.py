"""Export: request -> collect -> seal -> the importer's own checks on what was sealed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from airgap.bundle.claims import read_claims
from airgap.bundle.frames import DEFAULT_LEVEL
from airgap.connected.baseline import Baseline
from airgap.connected.gather import Gathered
from airgap.connected.request import Request
from airgap.connected.seal import Plan, Sealed, seal
from airgap.connected.witness import Witness
from airgap.core.envelope import STATEMENT_TYPE, Envelope, authenticate
from airgap.core.errors import UsageError
from airgap.core.keys import PrivateKey
from airgap.core.statement import Container
from airgap.core.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to seal, beyond what the request says.

    Attributes:
        after: paths of the channel's previous bundle, none for the first.
        created: the time that all headers and the statement carry, UTC.
        at: now, UTC: what evidence is judged at.
        trust: the document whose anchors the evidence is judged by; None to judge it without any.
        baseline: the confirmed state that a delta is cut against, None for a full bundle.
    """

    keys: Sequence[PrivateKey]
    created: datetime
    version: str
    after: Sequence[str] = ()
    updates: Sequence[Envelope] = ()
    container: Container = Container.ARCHIVE
    level: int = DEFAULT_LEVEL
    volume_size: int | None = None
    at: datetime | None = None
    trust: Trust | None = None
    baseline: Baseline | None = None


def export(request: Request, gathered: Gathered, out: str, options: Options, *, progress: Callable[[int], None]) -> Sealed:
    """Write and sign a bundle of what was gathered, once the evidence of all of it was judged.

    Raises:
        UsageError, FormatError: nothing was written.
    """
    sequence, previous = follow(request, options)
    baseline = options.baseline
    if baseline:
        baseline.check_order(sequence, previous)
    witness = Witness(gathered.artifacts, options.trust, options.at or options.created)
    plan = Plan(
        artifacts=gathered.artifacts,
        documents=gathered.documents,
        losses=gathered.losses,
        channel=request.channel,
        sequence=sequence,
        previous=previous,
        created=options.created,
        expires=options.created + request.expires,
        destination=request.destination,
        keys=options.keys,
        version=options.version,
        updates=options.updates,
        container=options.container,
        level=options.level,
        volume_size=options.volume_size,
        further=witness.further(),
        judge=witness.judge,
        base=baseline.base if baseline else None,
        held=baseline.held if baseline else {},
    )
    sealed = seal(plan, out, progress=progress)
    return replace(sealed, findings=witness.findings)


def follow(request: Request, options: Options) -> tuple[int, bytes | None]:
    """The sequence number and previous manifest: 1 and none, or what follows the bundle given.

    Raises:
        UsageError: that bundle is of another channel, or nobody who signs now signed it.
    """
    if not options.after:
        return 1, None
    claims = read_claims(options.after)
    own = {key.public.key_id: key.public for key in options.keys}
    by_us = tuple(s for s in claims.envelope.signatures if s.key_id in own)
    if not by_us:
        raise UsageError("--after: expected a bundle that one of these keys signed, got one by others")
    authenticate(Envelope(STATEMENT_TYPE, claims.envelope.payload, by_us), STATEMENT_TYPE, own, what="--after")
    if claims.statement.channel != request.channel:
        raise UsageError(f"--after: expected channel {request.channel}, got {claims.statement.channel}")
    return claims.statement.sequence + 1, claims.statement.manifest

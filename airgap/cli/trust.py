"""airgap trust: make, read and move trust documents."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from airgap.cli.options import Json, Keys, StorePath

if TYPE_CHECKING:
    from datetime import datetime

    from airgap.core.trust import Channel, Revoked, Role, Signer

Out = Annotated[str, typer.Option("-o", "--out", help="The trust document to write.", metavar="TRUST")]
Expires = Annotated[str, typer.Option(help="How long it holds.", metavar="DURATION")]
Document = Annotated[str, typer.Argument(help="A trust document.", metavar="TRUST")]


def init(
    out: Out,
    signer: Annotated[
        list[str], typer.Option(help="Who may change this document: NAME=FILE, or NAME.pub.pem.", metavar="PUB")
    ],
    exporter: Annotated[
        list[str] | None, typer.Option(help="Who may export; the signers, when nobody is named.", metavar="PUB")
    ] = None,
    threshold: Annotated[int, typer.Option(min=1, help="Signers that have to agree on this document.")] = 1,
    exporter_threshold: Annotated[int, typer.Option(min=1, help="Exporters that have to sign a bundle.")] = 1,
    channel: Annotated[str, typer.Option(help="The channel they export.")] = "main",
    artifacts: Annotated[list[str] | None, typer.Option(help="purl patterns it may carry.", metavar="PATTERN")] = None,
    destination: Annotated[list[str] | None, typer.Option(help="Sites it is for; any, when none is named.")] = None,
    expires: Expires = "1 year",
    key: Keys = None,
    json: Json = False,
) -> None:
    """Make version 1 of a trust document. Its fingerprint is what the other side compares, by phone or on paper.

    Example: airgap trust init -o trust.json --signer alice.pub.pem --key alice.key.pem
    """
    from airgap.cli import inputs
    from airgap.core.trust import Channel, Role, Trust

    at = inputs.build_time()
    end = at + inputs.duration(expires)
    roots = dict(map(inputs.named_keys, signer))
    exporters = dict(map(inputs.named_keys, exporter or ())) or roots
    trust = Trust(
        version=1,
        issued=at,
        expires=end,
        signers=_signers({**roots, **exporters}, at, end),
        trust_role=Role(frozenset(roots), threshold),
        channels={
            channel: Channel(
                Role(frozenset(exporters), exporter_threshold), tuple(artifacts or ["pkg:*"]), frozenset(destination or ())
            )
        },
        anchors=(),
        revoked_keys={},
        revoked_digests={},
        revoked_artifacts=(),
    )
    _write(trust, out, key, is_json=json)


def amend(
    document: Document,
    out: Out,
    add_signer: Annotated[list[str] | None, typer.Option(help="One more who may change it.", metavar="PUB")] = None,
    add_exporter: Annotated[list[str] | None, typer.Option(help="One more exporter.", metavar="PUB")] = None,
    channel: Annotated[str, typer.Option(help="The channel that exporters are added to.")] = "main",
    remove: Annotated[list[str] | None, typer.Option(help="A signer who leaves.", metavar="NAME")] = None,
    threshold: Annotated[int | None, typer.Option(min=1, help="New threshold of the document.")] = None,
    exporter_threshold: Annotated[int | None, typer.Option(min=1, help="New threshold of the channel.")] = None,
    revoke_key: Annotated[list[str] | None, typer.Option(help="Withdraw a key.", metavar="KEY-ID")] = None,
    revoke_digest: Annotated[list[str] | None, typer.Option(help="Recall bytes.", metavar="SHA256")] = None,
    revoke_artifact: Annotated[list[str] | None, typer.Option(help="Recall artifacts.", metavar="PATTERN")] = None,
    reason: Annotated[str, typer.Option(help="Why something is withdrawn.")] = "not given",
    expires: Expires = "1 year",
    key: Keys = None,
    json: Json = False,
) -> None:
    """Make the next version of a trust document. It needs the thresholds of the old and of the new one.

    Example: airgap trust amend trust.json -o trust-2.json --add-exporter bob.pub.pem --key alice.key.pem
    """
    from airgap.cli import inputs
    from airgap.core.trust import Trust

    old = inputs.pinned_trust(document).trust
    at = max(inputs.build_time(), old.issued)
    end = at + inputs.duration(expires)
    gone = set(remove or ())
    roots = dict(map(inputs.named_keys, add_signer or ()))
    exporters = dict(map(inputs.named_keys, add_exporter or ()))
    trust = Trust(
        version=old.version + 1,
        issued=at,
        expires=end,
        signers={n: s for n, s in {**old.signers, **_signers({**roots, **exporters}, at, end)}.items() if n not in gone},
        trust_role=_role(old.trust_role, set(roots), gone, threshold),
        channels=_channels(old.channels, channel, set(exporters), gone, exporter_threshold),
        anchors=old.anchors,
        revoked_keys={**old.revoked_keys, **_revoked(revoke_key, reason, at)},
        revoked_digests={**old.revoked_digests, **_revoked(revoke_digest, reason, at)},
        revoked_artifacts=(*old.revoked_artifacts, *_revoked(revoke_artifact, reason, at).values()),
    )
    _write(trust, out, key, is_json=json)


def sign(document: Document, key: Keys = None, json: Json = False) -> None:
    """Add one more signature to a trust document, in place.

    Example: airgap trust sign trust-2.json --key bob.key.pem
    """
    import os

    from airgap.cli import inputs, reports

    trust, envelope = inputs.unsigned_trust(document)
    with inputs.asking():
        signed = envelope.with_signatures(inputs.private_keys(key or []))
    temporary = f"{document}.new"
    inputs.write_new(temporary, signed.encode() + b"\n")
    os.replace(temporary, document)
    reports.trust(trust, signed, is_json=json)


def show(document: Document, json: Json = False) -> None:
    """Show what a trust document says, its fingerprint, and whether its own threshold holds.

    Example: airgap trust show trust.json
    """
    from airgap.cli import inputs, reports

    trust, envelope = inputs.unsigned_trust(document)
    reports.trust(trust, envelope, is_json=json)


def update(document: Document, store: StorePath, json: Json = False) -> None:
    """Apply the next version of the trust document to a store: n to n+1, signed by the thresholds of both.

    Example: airgap trust update trust-2.json --store /srv/airgap
    """
    from airgap import __version__
    from airgap.cli import inputs, reports
    from airgap.isolated.intake import Order, update_trust
    from airgap.isolated.store.store import Store

    order = Order(at=inputs.now(), run_id=inputs.run_id(), version=__version__)
    opened = Store.open(store)
    version = update_trust(opened, inputs.read_document(document), order)
    reports.in_force(opened.trust(version), is_json=json)


def _write(trust: Any, out: str, key: Sequence[str] | None, *, is_json: bool) -> None:
    """Check a new document with the parser that will read it, sign it, write it."""
    from airgap.cli import inputs, reports
    from airgap.core.envelope import TRUST_TYPE, Envelope
    from airgap.core.trust import Trust

    payload = trust.encode()
    with inputs.asking():
        checked = Trust.parse(payload)
        envelope = Envelope(TRUST_TYPE, payload, ()).with_signatures(inputs.private_keys(key or []))
    inputs.write_new(out, envelope.encode() + b"\n")
    reports.trust(checked, envelope, is_json=is_json)


def _signers(keys: Mapping[str, tuple[Any, ...]], at: "datetime", end: "datetime") -> "dict[str, Signer]":
    from airgap.core.trust import Signer

    return {name: Signer(name, own, at, end) for name, own in keys.items()}


def _role(old: "Role", added: set[str], gone: set[str], threshold: int | None) -> "Role":
    from airgap.core.trust import Role

    return Role(frozenset((old.signers | added) - gone), threshold or old.threshold)


def _channels(
    old: "Mapping[str, Channel]", name: str, added: set[str], gone: set[str], threshold: int | None
) -> "dict[str, Channel]":
    """All channels without those who leave; exporters are added to one of them, which may be new."""
    from airgap.core.trust import Channel, Role

    fresh = {} if name in old or not added else {name: Channel(Role(frozenset(), 1), ("pkg:*",), frozenset())}
    return {
        other: Channel(
            _role(channel.role, added if other == name else set(), gone, threshold if other == name else None),
            channel.artifacts,
            channel.destinations,
        )
        for other, channel in {**old, **fresh}.items()
    }


def _revoked(what: Sequence[str] | None, reason: str, at: "datetime") -> "dict[str, Revoked]":
    from airgap.core.trust import Revoked

    return {item: Revoked(item, reason, at) for item in what or ()}

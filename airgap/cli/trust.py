"""airgap trust: make, read and move trust documents."""

from typing import Annotated

import typer

from airgap.cli.options import Document, Expires, Json, Keys, NewDocument, StorePath

Qr = Annotated[bool, typer.Option("--qr", help="Print the fingerprint as a QR code too.")]


def init(
    out: NewDocument,
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
    qr: Qr = False,
    key: Keys = None,
    json: Json = False,
) -> None:
    """Make version 1 of a trust document. Its fingerprint is what the other side compares, by phone or on paper.

    Example: airgap trust init -o trust.json --signer alice.pub.pem --key alice.key.pem
    """
    from airgap.cli import inputs, trust_draft, trust_report
    from airgap.core.trust import Channel, Role, Trust

    at = inputs.build_time()
    end = at + inputs.duration(expires)
    roots = dict(map(inputs.named_keys, signer))
    exporters = dict(map(inputs.named_keys, exporter or ())) or roots
    role = Role(frozenset(exporters), exporter_threshold)
    trust, envelope = trust_draft.seal(
        Trust(
            version=1,
            issued=at,
            expires=end,
            signers=trust_draft.signers({**roots, **exporters}, at, end),
            trust_role=Role(frozenset(roots), threshold),
            channels={channel: Channel(role, tuple(artifacts or ["pkg:*"]), frozenset(destination or ()))},
            anchors=(),
            revoked_keys={},
            revoked_digests={},
            revoked_artifacts=(),
        ),
        key,
    )
    code = trust_report.qr_code(envelope, is_json=json) if qr else []
    trust_draft.write(out, envelope)
    trust_report.document(trust, envelope, code=code, is_json=json)


def sign(document: Document, key: Keys = None, json: Json = False) -> None:
    """Add one more signature to a trust document, in place.

    Example: airgap trust sign trust-2.json --key bob.key.pem
    """
    import os

    from airgap.cli import inputs, trust_draft, trust_report

    trust, envelope = inputs.unsigned_trust(document)
    with inputs.asking():
        signed = envelope.with_signatures(inputs.private_keys(key or []))
    temporary = f"{document}.new"
    trust_draft.write(temporary, signed)
    os.replace(temporary, document)
    trust_report.document(trust, signed, is_json=json)


def show(document: Document, qr: Qr = False, json: Json = False) -> None:
    """Show what a trust document says, its fingerprint, and whether its own threshold holds.

    Example: airgap trust show trust.json --qr
    """
    from airgap.cli import inputs, trust_report

    trust, envelope = inputs.unsigned_trust(document)
    code = trust_report.qr_code(envelope, is_json=json) if qr else []
    trust_report.document(trust, envelope, code=code, is_json=json)


def diff(
    old: Annotated[str, typer.Argument(help="The trust document in force.", metavar="OLD")],
    new: Annotated[str, typer.Argument(help="The one that would follow it.", metavar="NEW")],
    json: Json = False,
) -> int:
    """Show what changes from one trust document to another; exit code 7 when the new one does not follow the old one.

    Example: airgap trust diff trust.json trust-2.json
    """
    from airgap.cli import inputs, trust_report
    from airgap.cli.exits import Exit
    from airgap.core.trust_diff import Standing, compare

    believed = inputs.pinned_trust(old)
    trust, envelope = inputs.unsigned_trust(new)
    said = compare(believed.trust, envelope)
    trust_report.differences(believed, (trust, envelope), said, is_json=json)
    return Exit.STOP if said[0] is Standing.DOES_NOT_FOLLOW else Exit.DONE


def update(document: Document, store: StorePath, json: Json = False) -> None:
    """Apply the next version of the trust document to a store: n to n+1, signed by the thresholds of both.

    Example: airgap trust update trust-2.json --store /srv/airgap
    """
    from airgap import __version__
    from airgap.cli import inputs, trust_report
    from airgap.isolated.intake import Order, update_trust
    from airgap.isolated.store.store import Store

    order = Order(at=inputs.now(), run_id=inputs.run_id(), version=__version__)
    opened = Store.open(store)
    version = update_trust(opened, inputs.read_document(document), order)
    trust_report.in_force(opened.trust(version), is_json=json)

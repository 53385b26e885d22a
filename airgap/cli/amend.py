"""airgap trust amend and trust revoke: the next version of a trust document."""

from typing import Annotated

import typer

from airgap.cli.options import Document, Expires, Json, Keys, NewDocument


def amend(
    document: Document,
    out: NewDocument,
    add_signer: Annotated[list[str] | None, typer.Option(help="One more who may change it.", metavar="PUB")] = None,
    add_exporter: Annotated[list[str] | None, typer.Option(help="One more exporter.", metavar="PUB")] = None,
    channel: Annotated[str, typer.Option(help="The channel that changes.")] = "main",
    artifacts: Annotated[
        list[str] | None, typer.Option(help="purl patterns it may carry, instead of the old ones.", metavar="PATTERN")
    ] = None,
    destination: Annotated[list[str] | None, typer.Option(help="Sites it is for, instead of the old ones.")] = None,
    any_destination: Annotated[bool, typer.Option("--any-destination", help="It is for any site.")] = False,
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
    from dataclasses import replace

    from airgap.cli import inputs, trust_draft, trust_report

    draft = trust_draft.next_version(document, expires)
    gone = set(remove or ())
    roots = dict(map(inputs.named_keys, add_signer or ()))
    exporters = dict(map(inputs.named_keys, add_exporter or ()))
    fresh = trust_draft.signers({**roots, **exporters}, draft.issued, draft.expires)
    change = trust_draft.ChannelChange(
        name=channel,
        added=set(exporters),
        threshold=exporter_threshold,
        artifacts=artifacts,
        destinations=trust_draft.sites(destination, to_any=any_destination),
    )
    amended = replace(
        draft,
        signers={name: signer for name, signer in {**draft.signers, **fresh}.items() if name not in gone},
        trust_role=trust_draft.changed_role(draft.trust_role, set(roots), gone, threshold),
        channels=change.apply(draft.channels, gone),
    )
    final = trust_draft.with_revoked(amended, reason, keys=revoke_key, digests=revoke_digest, artifacts=revoke_artifact)
    trust, envelope = trust_draft.seal(final, key)
    trust_draft.write(out, envelope)
    trust_report.document(trust, envelope, is_json=json)


def revoke(
    document: Document,
    out: NewDocument,
    reason: Annotated[str, typer.Option(help="Why, for those who find it withdrawn.", metavar="TEXT")],
    key_id: Annotated[
        list[str] | None, typer.Option(help="A key id, or a producer's OpenPGP fingerprint.", metavar="KEY-ID")
    ] = None,
    digest: Annotated[list[str] | None, typer.Option(help="Bytes, under whatever name.", metavar="SHA256")] = None,
    artifact: Annotated[list[str] | None, typer.Option(help="Artifacts, as a purl pattern.", metavar="PATTERN")] = None,
    expires: Expires = "1 year",
    key: Keys = None,
    json: Json = False,
) -> None:
    """Withdraw keys, bytes or artifacts in the next version of a trust document. It acts backwards.

    Example: airgap trust revoke trust.json -o 2.json --artifact 'pkg:npm/x@*' --reason recalled --key alice.key.pem
    """
    from airgap.cli import trust_draft, trust_report
    from airgap.core.errors import UsageError

    if not (key_id or digest or artifact):
        raise UsageError("revoke: expected --key-id, --digest or --artifact, got none of them")
    draft = trust_draft.next_version(document, expires)
    final = trust_draft.with_revoked(draft, reason, keys=key_id, digests=digest, artifacts=artifact)
    trust, envelope = trust_draft.seal(final, key)
    trust_draft.write(out, envelope)
    trust_report.document(trust, envelope, is_json=json)

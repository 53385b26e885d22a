"""airgap trust anchor: the producers' identities that a trust document pins."""

from typing import Annotated

import typer

from airgap.cli.options import Document, Expires, Json, Keys, NewDocument

Name = Annotated[str, typer.Option(help="The anchor's name: findings and receipts repeat it.", metavar="NAME")]


def add(
    document: Document,
    out: NewDocument,
    name: Name,
    artifacts: Annotated[list[str], typer.Option(help="purl patterns that it may vouch for.", metavar="PATTERN")],
    kind: Annotated[str | None, typer.Option(help="What is pinned; a key file may tell.", metavar="KIND")] = None,
    pin: Annotated[str | None, typer.Option(help="The pin itself.", metavar="PIN")] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="A key file, keyring, CA, key list or trusted root.", metavar="FILE")
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A setting.", metavar="KEY=VALUE")] = None,
    no_material: Annotated[bool, typer.Option("--no-material", help="Do not hold in it what the pin names.")] = False,
    expires: Expires = "1 year",
    key: Keys = None,
    json: Json = False,
) -> None:
    """Pin a producer's identity in the next version of a trust document. Compare the fingerprint that it prints.

    Example: airgap trust anchor add 1.json -o 2.json --name x --from x.pub --artifacts 'pkg:npm/x@*' --key alice.key.pem
    """
    from airgap.cli import anchor_options, trust_draft, trust_report

    draft = trust_draft.next_version(document, expires)
    wish = anchor_options.Wish(name, kind, pin, source, tuple(settings or ()), tuple(artifacts), holds=not no_material)
    chosen = anchor_options.choose(wish)
    trust, envelope = trust_draft.seal(trust_draft.with_anchor(draft, chosen.anchor), key)
    trust_draft.write(out, envelope)
    trust_report.added(chosen, trust, envelope, is_json=json)


def list_anchors(document: Document, json: Json = False) -> None:
    """List the anchors of a trust document, with the fingerprints to compare, and those that can vouch for nothing.

    Example: airgap trust anchor list trust.json
    """
    from airgap.cli import inputs, trust_report
    from airgap.core.anchors import Anchor
    from airgap.evidence.anchoring import see_anchor

    trust, envelope = inputs.unsigned_trust(document)
    trust_report.anchors([see_anchor(Anchor.read(said)) for said in trust.anchors], trust, envelope, is_json=json)


def remove(
    document: Document,
    out: NewDocument,
    name: Name,
    expires: Expires = "1 year",
    key: Keys = None,
    json: Json = False,
) -> None:
    """Take an anchor out in the next version of a trust document. What it vouched for is judged without it from then on.

    Example: airgap trust anchor remove trust.json -o trust-2.json --name hello --key alice.key.pem
    """
    from airgap.cli import trust_draft, trust_report

    draft = trust_draft.next_version(document, expires)
    trust, envelope = trust_draft.seal(trust_draft.without_anchor(draft, name), key)
    trust_draft.write(out, envelope)
    trust_report.document(trust, envelope, is_json=json)

"""airgap init."""

from typing import Annotated

import typer

from airgap.cli.options import Json


def init(
    store: Annotated[str, typer.Argument(help="A new or empty folder.", metavar="STORE")],
    trust: Annotated[str, typer.Option(help="The trust document to pin.", metavar="TRUST")],
    site: Annotated[str, typer.Option(help="This site's name.", metavar="NAME")],
    policy: Annotated[str, typer.Option(help="strict, standard, lab or a policy file.", metavar="POLICY")] = "standard",
    json: Json = False,
) -> None:
    """Make a store that believes a trust document. Compare the fingerprint with the one its signers tell you.

    Example: airgap init /srv/airgap --trust trust.json --site plant-7
    """
    from airgap.cli import inputs, reports
    from airgap.isolated.setup import set_up

    inputs.check_name(site, what="--site")
    believed = inputs.pinned_trust(trust)
    made = set_up(
        store,
        trust=believed.envelope.encode() + b"\n",
        policy=inputs.policy_text(policy),
        site=site,
        at=inputs.now(),
        entropy=inputs.entropy(),
    )
    reports.new_store(made.layout.root, site, believed, made.public_key(), is_json=json)

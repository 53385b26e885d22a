"""airgap inspect."""

from typing import Annotated

import typer

from airgap.cli.options import Bundles, Json


def inspect(
    bundle: Bundles,
    manifest: Annotated[bool, typer.Option("--manifest", help="List every entry.")] = False,
    losses: Annotated[bool, typer.Option("--losses", help="List what could not be carried.")] = False,
    json: Json = False,
) -> None:
    """Show what a bundle claims. Nothing is verified.

    Example: airgap inspect monday.airgap --manifest
    """
    from airgap.bundle.claims import read_claims
    from airgap.cli import reports

    reports.claims(read_claims(bundle), with_manifest=manifest, with_losses=losses, is_json=json)

"""airgap import."""

from typing import Annotated

import typer

from airgap.cli.options import Bundles, Json, StorePath


def import_bundle(
    bundle: Bundles,
    store: StorePath,
    receipt: Annotated[str | None, typer.Option(help="Write the signed receipt here.", metavar="OUT")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Verify against this store, change nothing.")] = False,
    allow_gap: Annotated[
        str | None, typer.Option(help="Bundles in between may be missing; the reason is recorded.", metavar="REASON")
    ] = None,
    json: Json = False,
) -> int:
    """Verify a bundle against this store and, when all of it holds, publish it. The medium is read once and never written.

    Example: airgap import /media/usb/monday.airgap --store /srv/airgap
    """
    import time

    from airgap import __version__
    from airgap.cli import inputs, reports
    from airgap.cli.exits import exit_of_verdict
    from airgap.cli.guard import without_network
    from airgap.cli.terminal import progress
    from airgap.core.errors import UsageError
    from airgap.isolated.intake import Order, take_in
    from airgap.isolated.store.store import Store

    if receipt:
        inputs.refuse_taken(receipt)
    if allow_gap is not None and not 1 <= len(allow_gap) <= inputs.MAX_REASON:
        raise UsageError(f"--allow-gap: expected a reason of 1 to {inputs.MAX_REASON} characters, got {len(allow_gap)}")
    sandbox = without_network()
    start = time.monotonic()
    order = Order(at=inputs.now(), run_id=inputs.run_id(), version=__version__, allow_gap=allow_gap, is_dry=dry_run)
    with progress("import", None) as tell:
        outcome = take_in(Store.open(store), bundle, order, progress=tell)
    if receipt and outcome.receipt:
        inputs.write_new(receipt, outcome.receipt.encode() + b"\n")
    reports.outcome(outcome, seconds=time.monotonic() - start, sandbox=sandbox, is_json=json)
    return exit_of_verdict(outcome.verdict)

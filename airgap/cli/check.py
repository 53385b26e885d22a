"""airgap check."""

from airgap.cli.options import Json, StorePath


def check(store: StorePath, json: Json = False) -> int:
    """Prove that a store still holds what was signed, by people who are still trusted.

    A full pass over bytes, structure, trust, evidence and history. Damaged objects go to quarantine and out of the views,
    what nobody may vouch for any more goes out of the views; nothing is deleted.

    Example: airgap check --store /srv/airgap
    """
    import time

    from airgap.cli import inputs, reports
    from airgap.cli.exits import Exit
    from airgap.cli.guard import without_network
    from airgap.cli.terminal import progress
    from airgap.isolated.recheck import recheck
    from airgap.isolated.store.store import Store

    sandbox = without_network()
    start = time.monotonic()
    with progress("check", None) as tell:
        report = recheck(Store.open(store), at=inputs.now(), run_id=inputs.run_id(), progress=tell)
    reports.recheck(report, seconds=time.monotonic() - start, sandbox=sandbox, is_json=json)
    return Exit.DAMAGE if report.damage else Exit.DONE

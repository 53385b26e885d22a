"""airgap ledger show and airgap ledger verify."""

from airgap.cli.options import Json, StorePath


def show(store: StorePath, json: Json = False) -> None:
    """Print a store's history, oldest first.

    Example: airgap ledger show --store /srv/airgap
    """
    from airgap.cli import reports
    from airgap.isolated.store.store import Store

    opened = Store.open(store)
    reports.history(opened.ledger.read(opened.public_key()), is_json=json)


def verify(store: StorePath, json: Json = False) -> int:
    """Prove that the history is whole: every record is covered by the signed checkpoint.

    Example: airgap ledger verify --store /srv/airgap
    """
    from airgap.cli import reports
    from airgap.cli.exits import Exit
    from airgap.isolated.store.store import Store

    opened = Store.open(store)
    history = opened.ledger.read(opened.public_key())
    reports.proof(history, is_json=json)
    return Exit.DAMAGE if history.faults else Exit.DONE

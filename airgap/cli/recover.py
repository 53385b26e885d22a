"""airgap recover."""

from airgap.cli.options import Json, StorePath


def recover(store: StorePath, json: Json = False) -> None:
    """Bring a store back into order: finish or roll back what was interrupted, rebuild the index from signed manifests.

    Example: airgap recover --store /srv/airgap
    """
    from airgap.cli import inputs
    from airgap.cli.terminal import emit, say
    from airgap.isolated.store.lock import locked
    from airgap.isolated.store.store import Store

    opened = Store.open(store)
    with locked(opened.layout.lock):
        actions = opened.recover(inputs.now()).actions
        state = opened.state()
        opened.rebuild_index(state)
    if json:
        emit({"generation": state.generation, "actions": actions, "index": "rebuilt"})
        return
    for action in actions:
        say(action)
    say(f"generation {state.generation} is in order; the index was rebuilt")

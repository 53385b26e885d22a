"""airgap list and airgap show."""

from typing import Annotated

import typer

from airgap.cli.options import Json, StorePath


def list_artifacts(store: StorePath, json: Json = False) -> None:
    """List what is in a store.

    Example: airgap list --store /srv/airgap
    """
    from airgap.cli import reports
    from airgap.isolated.store.store import Store

    opened = Store.open(store)
    state = opened.state()
    reports.listing(opened.index.artifacts(generation=state.generation), state.withdrawn, is_json=json)


def show(
    name: Annotated[str, typer.Argument(help="A purl, or a path in the view.", metavar="PURL")],
    store: StorePath,
    json: Json = False,
) -> None:
    """Show one artifact: its digest, the bundle that brought it, who signed that, and what its evidence proves today.

    Example: airgap show pkg:generic/hello.txt --store /srv/airgap
    """
    from airgap.cli import inputs, reports
    from airgap.isolated.query import find, judge
    from airgap.isolated.store.store import Store

    opened = Store.open(store)
    reports.artifact([(item, judge(opened, item, inputs.now())) for item in find(opened, name)], is_json=json)

"""airgap trace."""

from typing import Annotated

import typer

from airgap.cli.options import Json, StorePath


def trace(
    name: Annotated[str, typer.Argument(help="A purl, or a path in the view.", metavar="PURL")],
    store: StorePath,
    json: Json = False,
) -> None:
    """Show the way an artifact came, hop by hop, and what proves each hop.

    A hop that rests on somebody's statement alone says so.

    Example: airgap trace pkg:generic/hello.txt --store /srv/airgap
    """
    from airgap.cli import evidence_report, inputs
    from airgap.isolated.query import find, judge
    from airgap.isolated.store.store import Store
    from airgap.isolated.trace import trace as follow

    opened = Store.open(store)
    found = find(opened, name)
    ways = [(item, follow(opened, item, judge(opened, item, inputs.now()))) for item in found]
    evidence_report.ways(ways, is_json=json)

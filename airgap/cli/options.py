"""Options that several commands share, spelled once."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", envvar="AIRGAP_KEY", help="Private key file; may be given again.", metavar="KEY"),
]
StorePath = Annotated[str, typer.Option("--store", envvar="AIRGAP_STORE", help="The store's folder.", metavar="STORE")]
Bundles = Annotated[list[str], typer.Argument(help="The bundle, its volumes, or its directory.", metavar="BUNDLE...")]
Document = Annotated[str, typer.Argument(help="A trust document.", metavar="TRUST")]
NewDocument = Annotated[str, typer.Option("-o", "--out", help="The trust document to write.", metavar="TRUST")]
Expires = Annotated[str, typer.Option(help="How long it holds.", metavar="DURATION")]

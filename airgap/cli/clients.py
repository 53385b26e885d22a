"""airgap clients."""

import os
from typing import Annotated

import typer

from airgap.cli.options import Json, StorePath


def clients(
    store: StorePath,
    url: Annotated[
        str, typer.Option(help="Where clients find the store; file:// and a path without a server.", metavar="URL")
    ],
    out: Annotated[str, typer.Option("-o", "--out", help="The folder to write to.", metavar="DIR")],
    json: Json = False,
) -> None:
    """Write configuration that makes pip, uv, npm, pnpm and yarn install from a store, and one for nginx to serve it.

    Example: airgap clients --store /srv/airgap --url http://127.0.0.1:8080 -o clients
    """
    from airgap.cli.terminal import emit, say
    from airgap.core.served import Served
    from airgap.isolated.clients import render
    from airgap.isolated.store.store import Store

    served = Served.parse(url)
    Store.open(store)
    files = dict(render(served, os.path.abspath(store)))
    _write(out, files)
    if json:
        emit({"url": served.url, "folder": out, "files": sorted(files)})
        return
    say(f"{out}: {', '.join(sorted(files))}")
    say("README.txt says how each client takes them")


def _write(folder: str, files: dict[str, str]) -> None:
    """Write all files, or none where one of the names is taken."""
    from airgap.cli import inputs
    from airgap.core.errors import UsageError

    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"{folder}: expected a folder to write to, got {os.strerror(exc.errno or 0)}") from exc
    for name in files:
        inputs.refuse_taken(os.path.join(folder, name))
    for name, text in files.items():
        inputs.write_new(os.path.join(folder, name), text.encode())

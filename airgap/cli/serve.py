"""airgap serve."""

import sys
from typing import Annotated

import typer

from airgap.cli.options import Json, StorePath


def serve(
    store: StorePath,
    host: Annotated[str, typer.Option(help="Name or address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any that is free.")] = 8080,
    url: Annotated[
        str | None, typer.Option(help="Where clients see it, when a proxy stands before it.", metavar="URL")
    ] = None,
    json: Json = False,
) -> None:
    """Hand out the views of a store to pip, uv, npm, pnpm and yarn, read-only, until Ctrl-C.

    Example: airgap serve --store /srv/store --port 8080
    """
    from airgap.cli.terminal import emit, say
    from airgap.core.errors import UsageError
    from airgap.core.served import Served
    from airgap.isolated.store.store import Store

    try:
        from airgap.serving.server import serve as run
    except ModuleNotFoundError as exc:
        raise UsageError(f"serve: expected the library {exc.name}, got none", hint="pip install 'airgap[serve]'") from exc
    served = Served.parse(url) if url else None
    if served and served.is_file:
        raise UsageError("--url: expected where a proxy shows the server, got a file URL")
    opened = Store.open(store)
    generation = opened.state().generation

    def ready(shown: str) -> None:
        # flushed: whoever started this in the background waits for the line
        if json:
            emit({"result": "serving", "url": shown, "generation": generation})
        else:
            say(f"serving generation {generation} at {shown}/ until Ctrl-C; imports show at once")
        sys.stdout.flush()

    run(opened, host, port, served.url if served else None, ready=ready)

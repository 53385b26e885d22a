"""airgap rewrite-lock."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from airgap.cli.options import Json

if TYPE_CHECKING:
    from airgap.core.locks import Rewritten


def rewrite_lock(
    lock: Annotated[
        str,
        typer.Argument(
            help="uv.lock, pylock.toml, package-lock.json, npm-shrinkwrap.json, pnpm-lock.yaml or yarn.lock.",
            metavar="LOCK",
        ),
    ],
    url: Annotated[str, typer.Option(help="Where clients find the store.", metavar="URL")],
    out: Annotated[
        str | None, typer.Option("-o", "--out", help="Write there instead of changing LOCK.", metavar="OUT")
    ] = None,
    json: Json = False,
) -> None:
    """Make a lock file name a store instead of upstream hosts. Every digest stays, and so does every other character.

    Requirements files and most locks of pnpm and of later yarns name no host: they work as they are.

    Example: airgap rewrite-lock uv.lock --url http://127.0.0.1:8080
    """
    from airgap.cli import inputs
    from airgap.core.locks import rewrite
    from airgap.core.served import Served

    served = Served.parse(url)
    if out is not None:
        inputs.refuse_taken(out)
    done = rewrite(os.path.basename(lock), _read(lock), served)
    if out is not None:
        inputs.write_new(out, done.text.encode())
    elif done.changed:
        _replace(lock, done.text.encode())
    _report(done, lock if out is None else out, served.url, is_json=json)


def _report(done: "Rewritten", path: str, url: str, *, is_json: bool) -> None:
    from airgap.cli.terminal import emit, say
    from airgap.core.display import plural

    if is_json:
        counts = {"references": done.references, "changed": done.changed}
        emit({"kind": done.kind, "path": path, "url": url, "counts": counts, "left": list(done.left)})
        return
    if not done.references:
        say(f"{path}: names no host that a store takes the place of; nothing to change")
    else:
        say(f"{path}: {plural(done.references, 'reference')} to {url}, {done.changed} of them changed")
    for item in done.left:
        say(f"  left as it is: {item}")


def _read(path: str) -> str:
    from airgap.core.errors import FormatError, UsageError
    from airgap.core.locks import MAX_LOCK
    from airgap.core.reasons import Reason

    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_LOCK + 1)
    except OSError as exc:
        raise UsageError(f"{path}: expected a lock file, got {os.strerror(exc.errno or 0)}") from exc
    if len(raw) > MAX_LOCK:
        raise FormatError(f"{path}: expected a lock file of at most {MAX_LOCK} bytes, got more", reason=Reason.TOO_LARGE)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise FormatError(f"{path}: expected UTF-8, got other bytes at {exc.start}") from exc


def _replace(path: str, content: bytes) -> None:
    """Change a file at once or not at all; a link stays one, and so do the permissions."""
    from airgap.cli import inputs
    from airgap.core.errors import UsageError

    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.rewritten")
    inputs.write_new(temporary, content)
    try:
        os.chmod(temporary, os.stat(path).st_mode & 0o7777)
        os.replace(temporary, path)
    except OSError as exc:
        os.unlink(temporary)
        raise UsageError(f"{path}: expected to write it, got {os.strerror(exc.errno or 0)}") from exc

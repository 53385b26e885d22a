"""airgap export."""

from typing import Annotated

import typer

from airgap.cli.options import Json, Keys


def export(
    request: Annotated[
        str, typer.Argument(help="A request in TOML, or a folder: everything in it as files.", metavar="REQUEST")
    ],
    out: Annotated[str, typer.Option("-o", "--out", help="The bundle to write.", metavar="OUT.airgap")],
    key: Keys = None,
    after: Annotated[
        list[str] | None, typer.Option(help="The channel's previous bundle; this one follows it.", metavar="BUNDLE")
    ] = None,
    trust_update: Annotated[
        list[str] | None, typer.Option(help="A trust-document update to carry; oldest first.", metavar="TRUST")
    ] = None,
    container: Annotated[str, typer.Option(help="archive or directory.")] = "archive",
    volume_size: Annotated[
        str | None, typer.Option(help="Cut into volumes: fat32, cd, dvd, bd or a number of bytes.", metavar="SIZE")
    ] = None,
    level: Annotated[int, typer.Option(min=1, max=19, help="zstd level.")] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would travel, and its size.")] = False,
    json: Json = False,
) -> None:
    """Collect artifacts and their signatures, and seal them into one signed bundle.

    Example: airgap export wheels/ -o monday.airgap --key alice.key.pem
    """
    from airgap import __version__
    from airgap.cli import inputs, reports
    from airgap.cli.terminal import progress, warn
    from airgap.connected.export import Options, gather
    from airgap.connected.export import export as write
    from airgap.connected.request import read_request

    with inputs.asking():
        wanted = read_request(request)
    gathered = gather(wanted)
    if dry_run:
        reports.plan(gathered, is_json=json)
        return
    options = Options(
        keys=inputs.private_keys(key or []),
        created=inputs.build_time(),
        version=__version__,
        after=after or (),
        updates=[inputs.unsigned_trust(path)[1] for path in trust_update or ()],
        container=reports.container(container),
        level=level,
        volume_size=reports.volume_size(volume_size),
    )
    if options.container == "directory":
        for fault in gathered.warnings:
            warn(f"warning: {fault}")
    with progress("export", gathered.content) as tell:
        sealed = write(wanted, gathered, out, options, progress=tell)
    reports.sealed(sealed, is_json=json)

"""airgap export."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from airgap.cli.options import Json, Keys

if TYPE_CHECKING:
    from airgap.connected.baseline import Baseline
    from airgap.connected.gather import Gathered, Survey
    from airgap.connected.request import Request
    from airgap.core.wish import Wish


def export(
    request: Annotated[
        str, typer.Argument(help="A request in TOML, or a folder: everything in it as files.", metavar="REQUEST")
    ],
    out: Annotated[str, typer.Option("-o", "--out", help="The bundle to write.", metavar="OUT.airgap")],
    key: Keys = None,
    after: Annotated[
        list[str] | None, typer.Option(help="The channel's previous bundle; this one follows it.", metavar="BUNDLE")
    ] = None,
    since: Annotated[
        list[str] | None,
        typer.Option(
            help="A receipt of the site, or a folder of them: what it confirmed stays behind. May be given again.",
            metavar="RECEIPT",
        ),
    ] = None,
    base: Annotated[
        list[str] | None,
        typer.Option(help="The bundle that the receipt confirms, when it is not the previous one.", metavar="BUNDLE"),
    ] = None,
    answer: Annotated[
        str | None, typer.Option(help="The site's request: what it lost travels again.", metavar="WISH")
    ] = None,
    site_key: Annotated[
        str | None, typer.Option(help="The site's public key, by which receipts and request hold.", metavar="PUB")
    ] = None,
    trust_update: Annotated[
        list[str] | None, typer.Option(help="A trust-document update to carry; oldest first.", metavar="TRUST")
    ] = None,
    trust: Annotated[
        str | None,
        typer.Option(help="The destination's trust document: evidence is judged by its anchors.", metavar="TRUST"),
    ] = None,
    container: Annotated[str, typer.Option(help="archive or directory.")] = "archive",
    volume_size: Annotated[
        str | None, typer.Option(help="Cut into volumes: fat32, cd, dvd, bd or a number of bytes.", metavar="SIZE")
    ] = None,
    level: Annotated[int, typer.Option(min=1, max=19, help="zstd level.")] = 3,
    cache: Annotated[
        str, typer.Option(help="Where downloads are kept; an interrupted export goes on from there.", metavar="DIR")
    ] = "~/.cache/airgap",
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Downloads at a time.")] = 8,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would travel, and its size.")] = False,
    json: Json = False,
) -> None:
    """Collect artifacts and their signatures, and seal them into one signed bundle.

    Example: airgap export wheels/ -o monday.airgap --key alice.key.pem
    """
    from dataclasses import replace

    from airgap import __version__
    from airgap.cli import export_report, inputs
    from airgap.cli.terminal import progress, warn
    from airgap.connected.export import Options
    from airgap.connected.export import export as write
    from airgap.connected.request import read_request

    with inputs.asking():
        wanted = read_request(request)
    _check_delta(after, since, base, answer, site_key)
    if dry_run and not since and not wanted.is_local:
        export_report.survey(_survey(wanted, cache, jobs), is_json=json)
        return
    wish = _wish(wanted, answer, site_key)
    # what may be wrong with the command line is said before anything is downloaded
    options = None
    if not dry_run:
        options = Options(
            keys=inputs.private_keys(key or []),
            created=inputs.build_time(),
            at=inputs.now(),
            trust=inputs.pinned_trust(trust).trust if trust else None,
            version=__version__,
            after=after or (),
            updates=[inputs.unsigned_trust(path)[1] for path in trust_update or ()],
            container=export_report.container(container),
            level=level,
            volume_size=export_report.volume_size(volume_size),
        )
    gathered = _gather(wanted, cache, jobs)
    baseline = _baseline(wanted, gathered, since, base or after, site_key, wish)
    held = baseline.held if baseline else {}
    if options is None:
        export_report.plan(gathered, held, is_json=json)
        return
    if options.container == "directory":
        for fault in gathered.warnings:
            warn(f"warning: {fault}")
    with progress("export", gathered.content - gathered.size_of(held)) as tell:
        sealed = write(wanted, gathered, out, replace(options, baseline=baseline), progress=tell)
    export_report.sealed(sealed, wish, is_json=json)


def _survey(wanted: "Request", cache: str, jobs: int) -> "Survey":
    """What would travel; of an index, its metadata only."""
    from airgap.cli.downloads import downloading
    from airgap.connected.gather import survey

    with downloading(wanted, cache, jobs) as open_fetcher:
        return survey(wanted, open_fetcher)


def _gather(wanted: "Request", cache: str, jobs: int) -> "Gathered":
    """Everything that travels, downloaded."""
    from airgap.cli.downloads import downloading
    from airgap.connected.gather import gather

    with downloading(wanted, cache, jobs) as open_fetcher:
        return gather(wanted, open_fetcher)


def _check_delta(
    after: Sequence[str] | None,
    since: Sequence[str] | None,
    base: Sequence[str] | None,
    answer: str | None,
    site_key: str | None,
) -> None:
    """Prove that the options of a delta were given together.

    Raises:
        UsageError: one is missing, or means nothing alone.
    """
    from airgap.core.errors import UsageError

    if (since or answer) and not site_key:
        raise UsageError(
            "--site-key: expected the key that signed receipt and request, got none",
            hint="it is site.pub.pem of the site's store",
        )
    if site_key and not (since or answer):
        raise UsageError("--site-key: expected --since or --answer with it, got neither")
    if since and not after:
        raise UsageError("--since: expected --after with it, the channel's last bundle, got none")
    if base and not since:
        raise UsageError("--base: expected --since with it, got none")


def _wish(wanted: "Request", answer: str | None, site_key: str | None) -> "Wish | None":
    """What the site asks for."""
    if answer is None or site_key is None:
        return None
    from airgap.cli import inputs
    from airgap.connected.baseline import check_site

    wish = inputs.site_wish(answer, inputs.site_key(site_key))
    check_site(wanted, wish.site, what="--answer")
    return wish


def _baseline(
    wanted: "Request",
    gathered: "Gathered",
    since: Sequence[str] | None,
    base: Sequence[str] | None,
    site_key: str | None,
    wish: "Wish | None",
) -> "Baseline | None":
    """What the site confirmed, and what need not travel therefore."""
    if not since or site_key is None:
        return None
    from airgap.cli import inputs
    from airgap.cli.terminal import progress
    from airgap.connected.baseline import cut, read_receipts

    receipts = read_receipts(since, inputs.site_key(site_key))
    with progress("compare", None) as tell:
        return cut(wanted, gathered.artifacts, receipts, base=base or (), wish=wish, progress=tell)

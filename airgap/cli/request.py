"""airgap request."""

from typing import Annotated

import typer

from airgap.cli.options import Json


def request(
    context: typer.Context,
    store: Annotated[
        str | None, typer.Option(envvar="AIRGAP_STORE", help="The store that lacks something.", metavar="STORE")
    ] = None,
    need: Annotated[
        list[str] | None, typer.Option(help="A package to ask for, by its purl; may be given again.", metavar="PURL")
    ] = None,
    out: Annotated[str | None, typer.Option("-o", "--out", help="The request to write.", metavar="OUT")] = None,
    show: Annotated[str | None, typer.Option(help="Verify and show the request of a site.", metavar="FILE")] = None,
    site_key: Annotated[str | None, typer.Option(help="The site's public key, to show its request.", metavar="PUB")] = None,
    json: Json = False,
) -> None:
    """Ask the other side for something: what the store lost, and packages by name, in one document that the site signs.

    On the connected side --show verifies it, and export --answer carries again what it names as lost.

    Example: airgap request --store /srv/airgap --need pkg:pypi/requests@2.32.3 -o wish.json
    """
    from airgap.cli import inputs, receipt_report
    from airgap.core.errors import UsageError

    if show is not None:
        if inputs.is_typed(context, "store") or need or out is not None or site_key is None:
            raise UsageError("request --show: expected --site-key with it and nothing else, got another call")
        receipt_report.wish(inputs.site_wish(show, inputs.site_key(site_key)), show, "verified", is_json=json)
        return
    if store is None or out is None or site_key is not None:
        raise UsageError("request: expected --store and -o, or --show and --site-key, got another call")
    _write(store, need or [], out, is_json=json)


def _write(store: str, need: list[str], out: str, *, is_json: bool) -> None:
    from airgap.cli import inputs, receipt_report
    from airgap.core.purl import check_purl
    from airgap.isolated.store.store import Store
    from airgap.isolated.wishes import make_wish

    inputs.refuse_taken(out)
    opened = Store.open(store)
    with inputs.asking():
        for purl in need:
            check_purl(purl)
    wish = make_wish(opened, need, inputs.now())
    inputs.write_new(out, wish.sign(opened.private_key()).encode() + b"\n")
    receipt_report.wish(wish, out, "written", is_json=is_json)

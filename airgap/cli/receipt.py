"""airgap receipt show."""

from typing import TYPE_CHECKING, Annotated

import typer

from airgap.cli.options import Json

if TYPE_CHECKING:
    from airgap.core.receipt import Receipt


def show(
    context: typer.Context,
    receipt: Annotated[str | None, typer.Argument(help="A receipt, whole or short.", metavar="[RECEIPT]")] = None,
    site_key: Annotated[str | None, typer.Option(help="The site's public key.", metavar="PUB")] = None,
    store: Annotated[
        str | None, typer.Option(envvar="AIRGAP_STORE", help="Show a receipt that this store keeps.", metavar="STORE")
    ] = None,
    generation: Annotated[
        int | None, typer.Option(min=0, help="The generation whose receipt it is; the latest when not given.")
    ] = None,
    short: Annotated[bool, typer.Option("--short", help="Print the short form, one signed line.")] = False,
    qr: Annotated[bool, typer.Option("--qr", help="Print the short form as a QR code.")] = False,
    json: Json = False,
) -> None:
    """Verify a receipt and show what it says: a file by the site's key, or one that a store keeps.

    The short form is signed with the store's key, so it is made where the store is; export --since takes it as a file.

    Example: airgap receipt show receipt.json --site-key site.pub.pem
    """
    from airgap.cli import receipt_report
    from airgap.cli.inputs import is_typed

    if receipt is not None and (is_typed(context, "store") or generation is not None):
        raise _either("a file or a store, got both")
    if receipt is not None:
        found, line = _read_file(receipt, site_key, with_short=short or qr)
    elif store is None or site_key is not None:
        raise _either(
            "a file and --site-key, or --store, got neither" if store is None else "a file with --site-key, got none"
        )
    else:
        found, line = _read_kept(store, generation, with_short=short or qr)
    receipt_report.receipt(found, line, is_drawn=qr, is_json=json)


def _either(got: str) -> Exception:
    from airgap.core.errors import UsageError

    return UsageError(f"receipt show: expected {got}", hint="airgap receipt show --help")


def _read_file(path: str, site_key: str | None, *, with_short: bool) -> "tuple[Receipt, str]":
    """A receipt in a file, and its short form when that is asked for, which must be what the file holds."""
    from airgap.cli import inputs
    from airgap.core.errors import UsageError
    from airgap.core.receipt import read_receipt

    if site_key is None:
        raise UsageError("--site-key: expected the site's public key, got none", hint="it is site.pub.pem of the store")
    raw = inputs.read_document(path)
    found = read_receipt(raw, inputs.site_key(site_key))
    if with_short and not found.is_short:
        raise UsageError(
            f"{path}: expected a receipt in its short form, got a whole one, which only the site can shorten",
            hint="airgap receipt show --store STORE --short",
        )
    return found, raw.decode("ascii").removesuffix("\n") if with_short else ""


def _read_kept(store: str, generation: int | None, *, with_short: bool) -> "tuple[Receipt, str]":
    """A receipt of a store, and its short form when that is asked for."""
    from airgap.isolated.receipts import read_kept
    from airgap.isolated.store.store import Store

    opened = Store.open(store)
    found = read_kept(opened, generation)
    return found, found.short(opened.private_key()) if with_short else ""

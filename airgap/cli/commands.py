"""The list of commands."""

from collections.abc import Callable, Sequence

import typer

from airgap.cli import (
    amend,
    anchor,
    check,
    clients,
    demo,
    export,
    import_,
    init,
    inspect,
    keygen,
    ledger,
    listing,
    receipt,
    recover,
    request,
    rewrite_lock,
    serve,
    sign,
    trace,
    trust,
    verify,
)
from airgap.cli.exits import EPILOG

Named = Sequence[tuple[str, Callable[..., object]]]

_COMMANDS: Named = (
    ("demo", demo.demo),
    ("keygen", keygen.keygen),
    ("export", export.export),
    ("sign", sign.sign),
    ("inspect", inspect.inspect),
    ("verify", verify.verify),
    ("init", init.init),
    ("import", import_.import_bundle),
    ("check", check.check),
    ("list", listing.list_artifacts),
    ("show", listing.show),
    ("trace", trace.trace),
    ("request", request.request),
    ("recover", recover.recover),
    ("serve", serve.serve),
    ("clients", clients.clients),
    ("rewrite-lock", rewrite_lock.rewrite_lock),
)
_TRUST: Named = (
    ("init", trust.init),
    ("show", trust.show),
    ("sign", trust.sign),
    ("amend", amend.amend),
    ("revoke", amend.revoke),
    ("diff", trust.diff),
    ("update", trust.update),
)
_ANCHOR: Named = (("add", anchor.add), ("list", anchor.list_anchors), ("remove", anchor.remove))
_RECEIPT: Named = (("show", receipt.show),)
_LEDGER: Named = (("show", ledger.show), ("verify", ledger.verify))


def register(
    app: typer.Typer, trusts: typer.Typer, anchors: typer.Typer, receipts: typer.Typer, ledgers: typer.Typer
) -> None:
    """Hang the commands into the tree, in the order of the story."""
    trees = ((app, _COMMANDS), (trusts, _TRUST), (anchors, _ANCHOR), (receipts, _RECEIPT), (ledgers, _LEDGER))
    for tree, commands in trees:
        for name, command in commands:
            tree.command(name, epilog=EPILOG)(command)
    trusts.add_typer(anchors, name="anchor")
    app.add_typer(trusts, name="trust")
    app.add_typer(receipts, name="receipt")
    app.add_typer(ledgers, name="ledger")

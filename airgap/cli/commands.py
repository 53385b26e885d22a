"""The list of commands."""

import typer

from airgap.cli import (
    check,
    demo,
    export,
    import_,
    init,
    inspect,
    keygen,
    ledger,
    listing,
    recover,
    sign,
    trust,
    verify,
)
from airgap.cli.exits import EPILOG


def register(app: typer.Typer, trusts: typer.Typer, ledgers: typer.Typer) -> None:
    """Hang the commands into the tree, in the order of the story."""
    for name, command in (
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
        ("recover", recover.recover),
    ):
        app.command(name, epilog=EPILOG)(command)
    for name, command in (
        ("init", trust.init),
        ("show", trust.show),
        ("sign", trust.sign),
        ("amend", trust.amend),
        ("update", trust.update),
    ):
        trusts.command(name, epilog=EPILOG)(command)
    for name, command in (("show", ledger.show), ("verify", ledger.verify)):
        ledgers.command(name, epilog=EPILOG)(command)
    app.add_typer(trusts, name="trust")
    app.add_typer(ledgers, name="ledger")

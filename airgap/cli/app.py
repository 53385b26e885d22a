"""The tree of commands, and how every run ends: an exit code, and one sentence when it went wrong."""

import sys
from collections.abc import Sequence
from typing import Any, Final

import typer

from airgap.cli.exits import EPILOG, Exit, exit_of
from airgap.cli.terminal import emit, warn
from airgap.core.errors import AirgapError, UsageError

app = typer.Typer(
    name="airgap",
    help="Carry software across an air gap with its producers' signatures, and verify every entry again where it is used.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
trust = typer.Typer(help="Make, read and move trust documents.", epilog=EPILOG, no_args_is_help=True, rich_markup_mode=None)
anchor = typer.Typer(
    help="Pin the producers whose signatures a site believes.", epilog=EPILOG, no_args_is_help=True, rich_markup_mode=None
)
receipt = typer.Typer(
    help="Read what a site says about a bundle that it imported.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
)
ledger = typer.Typer(
    help="Read a store's history and prove that it is whole.", epilog=EPILOG, no_args_is_help=True, rich_markup_mode=None
)

INTERRUPTED: Final = 130
"""What a shell reports of a program that Ctrl-C ended."""


def _version(wanted: bool) -> None:
    if wanted:
        from airgap import __version__

        print(f"airgap {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Carry software across an air gap with its producers' signatures, and verify it again where it is used."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    _register()
    command = typer.main.get_command(app)
    try:
        code = command.main(args=list(arguments), prog_name="airgap", standalone_mode=False)
    except AirgapError as exc:
        return _explain(exc, arguments)
    except typer.Abort:
        code = INTERRUPTED
    except SystemExit:
        # typer's way to say that the reader of our output went away: nothing is wrong with us
        return Exit.INTERNAL
    except Exception as exc:  # noqa: BLE001 -- the last door: people get a sentence, never a traceback
        return _other(exc, arguments)
    if code == INTERRUPTED:
        warn("airgap: interrupted; what was begun is rolled back by the next run, and downloads go on from where they are")
    return code if isinstance(code, int) else Exit.DONE


def _explain(exc: AirgapError, arguments: Sequence[str]) -> int:
    code = exit_of(exc)
    if "--json" in arguments:
        reason = getattr(exc, "reason", None)
        message = "\n".join((exc.message, *exc.others))
        emit({"result": "error", "reason": reason, "message": message, "hint": exc.hint, "exit": int(code)})
    else:
        for sentence in (exc.message, *exc.others):
            warn(f"airgap: {sentence}")
        if exc.hint:
            warn(f"hint: {exc.hint}")
    return code


def _other(exc: Any, arguments: Sequence[str]) -> int:
    """Usage errors of the command-line library, and defects of ours."""
    if _is_click(exc):
        if "--json" in arguments:
            where = exc.ctx.command_path if exc.ctx else "airgap"
            return _explain(UsageError(exc.format_message(), hint=f"{where} --help"), arguments)
        exc.show()
        return Exit.USAGE
    if sys.flags.dev_mode:
        raise exc
    hint = "this is a defect; run again with python -X dev -m airgap ... and report what it prints"
    return _explain(AirgapError(f"internal error: {type(exc).__name__}: {exc}", hint=hint), arguments)


def _is_click(exc: Any) -> bool:
    """Typer carries its own copy of click, so its errors are known by what they can do."""
    return hasattr(exc, "exit_code") and hasattr(exc, "show") and hasattr(exc, "format_message")


def _register() -> None:
    """Hang every command into the tree; each loads what it needs when it runs."""
    if app.registered_commands:
        return
    from airgap.cli import commands

    commands.register(app, trust, anchor, receipt, ledger)

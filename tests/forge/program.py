"""The command line, run in this process at a fixed time."""

import contextlib
import io
from dataclasses import dataclass
from datetime import datetime
from unittest.mock import patch

from airgap.cli.app import run as run_in_process
from tests.forge.text import NOW


@dataclass(frozen=True)
class Done:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


def run(*arguments: str, at: datetime = NOW) -> Done:
    """Run one command."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        patch("airgap.cli.inputs.now", lambda: at),
        patch("airgap.cli.guard.without_network", lambda: ["audit-hook"]),
    ):
        code = run_in_process(arguments)
    return Done(int(code), out.getvalue(), err.getvalue())

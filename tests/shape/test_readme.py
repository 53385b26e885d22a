"""The README is true: its commands run as written, its tables say what the program says."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from airgap.cli.exits import Exit
from airgap.core.reasons import ADVICE, Reason

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PACKAGES = re.compile(r"^<!-- packages -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^<!-- run -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_tutorial(commands: Sequence[str], tmp_path: Path, env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run commands in an empty folder, with the program on the path."""
    program = tmp_path / "bin" / "airgap"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m airgap "$@"\n')
    program.chmod(0o755)
    place = tmp_path / "empty"
    place.mkdir()
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    script = "set -eu\n" + "".join(commands)
    return subprocess.run(
        ["bash", "-c", script],
        cwd=place,
        env={**env, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.online
def test_packages_cross_as_the_tutorial_says(tmp_path: Path) -> None:
    commands = [*BLOCK.findall(README), *PACKAGES.findall(README)]

    done = run_tutorial(commands, tmp_path, os.environ)

    assert done.returncode == 0, (done.stdout[-3000:], done.stderr[-3000:])
    assert "flask is here" in done.stdout


def test_the_tutorial_runs_as_it_stands(tmp_path: Path) -> None:
    commands = BLOCK.findall(README)

    done = run_tutorial(commands, tmp_path, {})

    assert done.returncode == 0, (done.stdout[-3000:], done.stderr[-3000:])
    assert len(commands) >= 10
    for said in (
        "hello from the other side",
        "hello again",
        "signed by two",
        "only this travels",
        "imported as generation 4",
    ):
        assert said in done.stdout


def test_the_table_of_reasons_gives_the_programs_own_advice() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| ([^|]+) \|$", README, re.MULTILINE))

    assert rows == {str(reason): ADVICE[reason] for reason in Reason}


def test_the_table_of_exit_codes_is_complete() -> None:
    rows = [int(code) for code in re.findall(r"^\| ([0-9]) \| .+ \|$", README, re.MULTILINE)]

    assert rows == sorted(int(code) for code in Exit)


def test_every_link_leads_to_a_file_of_the_project() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)

    assert targets
    assert [target for target in targets if not (ROOT / target).is_file()] == []

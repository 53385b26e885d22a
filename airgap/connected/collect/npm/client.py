"""The npm on this machine: it knows its configuration, and it resolves what people ask for by name."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Final

from airgap.core.errors import UsageError

_CONFIG_SECONDS: Final = 60
_RESOLVE_SECONDS: Final = 1800
_MANIFEST: Final = b'{"name": "airgap-request", "version": "0.0.0", "private": true}\n'
# lines that say where something went wrong, not what
_FACTS: Final = ("code ", "syscall ", "errno ", "path ")
LOCK: Final = "package-lock.json"


def read_config(folder: str) -> Mapping[str, Any]:
    """Npm's configuration in a folder, credentials left out: all its files, its environment and its defaults together.

    Raises:
        UsageError: there is no npm, or it fails.
    """
    said = _run(("config", "list", "--json"), folder, _CONFIG_SECONDS)
    try:
        config = json.loads(said)
    except ValueError as exc:
        raise UsageError("npm config list: expected JSON, got other text") from exc
    if not isinstance(config, dict):
        raise UsageError("npm config list: expected a JSON object, got another value")
    return config


def project_of(folder: str) -> str:
    """The folder whose ``.npmrc`` counts as the project's: the one or one above, by its package.json.

    Raises:
        UsageError: there is no npm, or it fails.
    """
    return _run(("prefix",), folder, _CONFIG_SECONDS).strip()


def resolve_packages(packages: Sequence[str], folder: str, into: str) -> str:
    """Have npm write a lock for packages that are asked for by name, without running any of their code.

    Args:
        packages: as npm writes them, ``left-pad@^1.3``.
        folder: whose project's configuration counts.
        into: an empty folder for npm to work in.

    Returns:
        The path of the lock file.

    Raises:
        UsageError: there is no npm, or it cannot resolve them.
    """
    for package in packages:
        if package.startswith("-"):
            raise UsageError(f"request: expected an npm package, got {package!a:.120}")
    with open(os.path.join(into, "package.json"), "xb") as file:
        file.write(_MANIFEST)
    own = os.path.join(project_of(folder), ".npmrc")
    if os.path.isfile(own):
        shutil.copyfile(own, os.path.join(into, ".npmrc"))
    options = (
        "--package-lock-only",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--package-lock",
        "--lockfile-version=3",
        # no registry has them, and a project's configuration may name the program that would fetch them
        "--allow-git=none",
    )
    _run(("install", "--prefix", into, *options, "--", *packages), folder, _RESOLVE_SECONDS)
    return os.path.join(into, LOCK)


def _run(arguments: Sequence[str], folder: str, seconds: int) -> str:
    """What npm writes to standard output."""
    program = shutil.which("npm")
    if program is None:
        raise UsageError("npm: expected to find it on this machine, got none", hint="install Node.js, which brings npm")
    what = f"npm {arguments[0]}"
    try:
        done = subprocess.run(  # noqa: S603 -- arguments as a list, no shell
            [program, *arguments, *(() if "--" in arguments else ("--no-update-notifier",))],
            cwd=folder,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except OSError as exc:
        raise UsageError(f"{what}: expected to run it in {folder!a:.200}, got {os.strerror(exc.errno or 0)}") from exc
    except subprocess.TimeoutExpired as exc:
        raise UsageError(f"{what}: expected an answer within {seconds} s, got none") from exc
    if done.returncode:
        raise UsageError(f"{what}: expected it to succeed, got {_last_words(done.stderr)}")
    return done.stdout.decode("utf-8", "replace")


def _last_words(said: bytes) -> str:
    """The first line with a reason in npm's complaint; npm masks credentials in it itself."""
    lines = said.decode("utf-8", "replace").splitlines()
    errors = [line.removeprefix("npm error ") for line in lines if line.startswith("npm error ")]
    reasons = [line for line in errors if not line.startswith(_FACTS)]
    return f"{(reasons or lines or [''])[0]!a:.300}"

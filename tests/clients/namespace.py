"""A network namespace of its own with nothing but loopback: servers and clients see each other and nobody else."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Namespace:
    """One namespace, by its name."""

    name: str

    def run(
        self,
        *command: object,
        home: Path,
        cwd: Path | None = None,
        expected: int | None = 0,
        env: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a client with an empty environment: what is configured on this machine must not help it."""
        done = subprocess.run(
            [*self._enter, *map(str, command)],
            cwd=cwd or home,
            env={**bare(home), **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if expected is not None:
            assert done.returncode == expected, (command, done.stdout[-3000:], done.stderr[-3000:])
        return done

    @contextmanager
    def serving(self, *command: object, home: Path) -> Iterator["subprocess.Popen[str]"]:
        """A server in the namespace while the block runs."""
        server = subprocess.Popen(
            [*self._enter, *map(str, command)], env=bare(home), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            yield server
        finally:
            server.terminate()
            server.communicate(timeout=30)

    @contextmanager
    def airgap_serve(self, store: Path, home: Path) -> Iterator[str]:
        """``airgap serve`` on a free port; gives the URL that it printed."""
        program = (sys.executable, "-m", "airgap", "serve", "--store", store, "--port", 0)
        with self.serving(*program, home=home) as server:
            assert server.stdout is not None
            line = server.stdout.readline()
            url = next((word for word in line.split() if word.startswith("http://")), None)
            assert url, line + server.stdout.read()
            yield url.rstrip("/")

    @property
    def _enter(self) -> Sequence[str]:
        return ("ip", "netns", "exec", self.name)


def bare(home: Path) -> dict[str, str]:
    """What a process gets to know: where programs are, an empty home, and this program's source."""
    home.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": os.getcwd(),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "NPM_CONFIG_GLOBALCONFIG": str(home / "no-npmrc"),
        "LC_ALL": "C.UTF-8",
    }


@contextmanager
def namespace(name: str) -> Iterator[Namespace]:
    """Make a namespace; root only.

    Args:
        name: of this test; the process number is added, so that runs side by side stay apart.
    """
    full = f"{name}-{os.getpid()}"
    _ip("netns", "add", full)
    try:
        _ip("-n", full, "link", "set", "lo", "up")
        yield Namespace(full)
    finally:
        _ip("netns", "delete", full)


def _ip(*arguments: str) -> None:
    done: Any = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

"""uv: resolves what people ask for, for any target, and reads its own lock. None of it is done here.

Nothing but the configuration of pip decides where packages come from: uv's own settings, in files and in its environment,
are left out.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Final

from airgap.connected.collect.pypi.pip_configuration import Configuration, uv_variables
from airgap.connected.collect.pypi.target import Target
from airgap.core.display import printable
from airgap.core.errors import UsageError

_SECONDS: Final = 1800
# how uv works, not what it finds
_KEPT: Final = frozenset({"UV_CACHE_DIR", "UV_HTTP_TIMEOUT", "UV_CONCURRENT_DOWNLOADS", "UV_CONCURRENT_BUILDS"})
_WHEELS: Final = "sdists = true carries the source of what has no wheel, and what builds it inside"
_QUIET: Final = ("--quiet", "--no-config", "--no-python-downloads", "--color", "never")
# lines of the trees that uv draws
_DRAWN: Final = dict.fromkeys(map(ord, "\u00d7\u2570\u2500\u25b6\u2502\u251c"), " ")
_EXPORT: Final = (
    *("export", "--frozen", "--format", "pylock.toml", "--no-header", "--no-emit-workspace"),
    *("--all-packages", "--all-extras", "--all-groups"),
)


@dataclass(frozen=True, slots=True)
class Resolver:
    """uv with the configuration of pip."""

    program: str
    configuration: Configuration

    @classmethod
    def find(cls, configuration: Configuration) -> "Resolver":
        """The uv that is installed with this program.

        Raises:
            UsageError: there is none.
        """
        try:
            from uv import find_uv_bin  # noqa: PLC0415 -- only what has to be resolved needs it

            return cls(find_uv_bin(), configuration)
        except (ImportError, FileNotFoundError) as exc:
            raise UsageError(
                "uv: expected it to resolve Python packages, got none", hint="pip install 'airgap[connected]'"
            ) from exc

    def compile(
        self, wanted: Iterable[str], target: Target, *, constraints: Iterable[str] = (), may_build: bool = False
    ) -> str:
        """Decide on one version of everything that is needed.

        Args:
            wanted: requirements.
            target: the machine that they are for.
            constraints: requirements that only limit.
            may_build: whether source distributions count, whose code uv may run to learn what they need.

        Returns:
            The text of a requirements file with hashes.

        Raises:
            UsageError: uv cannot; its own words are in the message.
        """
        if target.platform == "":
            raise UsageError(
                f"{target.name}: expected a platform that uv resolves for, got another",
                hint="make a lock on such a machine, with hashes, and name that",
            )
        urls = [limit for limit in self.configuration.constraints if "://" in limit]
        with TemporaryDirectory(prefix="airgap-") as folder:
            # a password may be in a URL, and other users can read a command line
            limits = [*constraints, *(f"-c {url}" for url in urls)]
            for name, lines in (("wanted.txt", wanted), ("limits.txt", limits)):
                with open(os.path.join(folder, name), "x", encoding="utf-8") as file:
                    file.writelines(f"{line}\n" for line in lines)
            arguments = [*("pip", "compile", "wanted.txt", "--constraints", "limits.txt"), *_interpreter(target)]
            # all indexes count alike, as for pip, whose configuration it is
            arguments += ["--generate-hashes", "--no-header", "--no-annotate", "--index-strategy", "unsafe-best-match"]
            arguments += () if may_build else ("--only-binary", ":all:")
            for limit in self.configuration.constraints:
                arguments += () if limit in urls else ("--constraints", os.path.abspath(limit))
            hint = None if may_build else _WHEELS
            return self._run(arguments, folder, target.variables, what=f"resolve for {target.name}", hint=hint)

    def export(self, lock: str) -> str:
        """The whole of a ``uv.lock``, all extras and groups, as the text of a pylock.toml.

        Raises:
            UsageError: uv cannot; its own words are in the message.
        """
        return self._run(_EXPORT, os.path.dirname(lock) or ".", {}, what=f"read {lock}")

    def _run(
        self, arguments: Sequence[str], folder: str, variables: Mapping[str, str], *, what: str, hint: str | None = None
    ) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("UV_") or name in _KEPT}
        try:
            done = subprocess.run(  # noqa: S603 -- arguments as a list, no shell
                [self.program, *arguments, *_QUIET],
                cwd=folder,
                env={**kept, **uv_variables(self.configuration), **variables},
                capture_output=True,
                timeout=_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except OSError as exc:
            raise UsageError(f"uv: expected to {what}, got {os.strerror(exc.errno or 0)}") from exc
        except subprocess.TimeoutExpired as exc:
            raise UsageError(f"uv: expected to {what} within {_SECONDS} s, got no end") from exc
        if done.returncode:
            raise UsageError(f"uv: expected to {what}, got: {self._words(done.stderr)}", hint=hint)
        return done.stdout.decode("utf-8", "replace")

    def _words(self, said: bytes) -> str:
        """What uv says went wrong, in one line."""
        text = " ".join(said.decode("utf-8", "replace").translate(_DRAWN).split())
        return printable(self.configuration.credentials.hide(text), limit=600)


def _interpreter(target: Target) -> tuple[str, ...]:
    """For another machine only its version counts; the running interpreter does the work either way."""
    if target.python is None or target.platform is None:
        return "--python", sys.executable
    return "--python", sys.executable, "--python-version", target.python, "--python-platform", target.platform

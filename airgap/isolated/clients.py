"""Configuration of the clients that install from a store: texts, one for each file that a client reads.

Source: pip, "Configuration"; uv, "Configuration files" and "Package indexes"; npm documentation, npmrc; pnpm, "Settings";
yarn, "Configuration options"; yarn 1, ``.yarnrc``.
"""

from collections.abc import Iterator

from airgap.core.served import Served
from airgap.isolated import nginx

_COPY = "copy it into the project's folder"
_NAMING = "uv.lock, pylock.toml, yarn.lock of yarn 1"


def render(served: Served, store: str) -> Iterator[tuple[str, str]]:
    """File names and contents. Of a store that clients read as files: only what they can read that way.

    Args:
        served: where clients find the store.
        store: its absolute path, for a web server. There is no configuration for one where another server stands in front,
            which is known by a path in the URL.

    Raises:
        UsageError: the path cannot be written into the configuration of a web server.
    """
    yield "pip.conf", _pip(served)
    yield "uv.toml", _uv(served)
    if not served.is_file:
        yield ".npmrc", _npm(served)
        yield ".yarnrc.yml", _yarn(served)
        yield ".yarnrc", _yarn_classic(served)
        if _has_server(served):
            yield "nginx.conf", nginx.configuration(store, listen=_listen(served))
    yield "README.txt", _readme(served)


def _has_server(served: Served) -> bool:
    return not served.is_file and not served.path


def _listen(served: Served) -> str:
    """Where a web server listens: on this machine alone if the URL says so, else everywhere, since names move."""
    if not served.is_loopback:
        return str(served.port)
    address = "127.0.0.1" if served.name == "localhost" else served.name
    return f"[{address}]:{served.port}" if ":" in address else f"{address}:{served.port}"


def _pip(served: Served) -> str:
    text = (
        "# pip: PIP_CONFIG_FILE=pip.conf, or copy it to ~/.config/pip/pip.conf\n"
        "[global]\n"
        f"index-url = {served.index}/\n"
        "# empty, so that no other file adds an index beside this one\n"
        "extra-index-url =\n"
        "find-links =\n"
        "disable-pip-version-check = true\n"
    )
    if not served.is_http or served.is_loopback:
        return text
    return text + (
        "# pip passes over an index that is neither https nor on this machine, unless it is named here. Whoever sits\n"
        "# between can then answer for it: only requirements with hashes (pip install --require-hashes) hold against that\n"
        f"trusted-host = {served.host}\n"
    )


def _uv(served: Served) -> str:
    return (
        "# uv: UV_CONFIG_FILE=uv.toml, or copy it to ~/.config/uv/uv.toml\n"
        "# interpreters are not in a store: use those of the machine\n"
        'python-downloads = "never"\n'
        "\n"
        "[[index]]\n"
        "# no slash at the end: uv sync --locked compares the text with the one in uv.lock\n"
        f'url = "{served.index}"\n'
        "default = true\n"
    )


def _npm(served: Served) -> str:
    return (
        f"# npm and pnpm: {_COPY}\n"
        f"registry={served.registry}\n"
        "# also where a lock file names another host\n"
        "replace-registry-host=always\n"
        "# a store has no answers to these questions\n"
        "audit=false\n"
        "fund=false\n"
        "update-notifier=false\n"
    )


def _yarn(served: Served) -> str:
    text = f'# yarn 2 and later: {_COPY}\nnpmRegistryServer: "{served.registry.rstrip("/")}"\nenableTelemetry: false\n'
    if not served.is_http:
        return text
    return f'{text}# yarn refuses http unless the host is named here\nunsafeHttpWhitelist:\n  - "{served.name}"\n'


def _yarn_classic(served: Served) -> str:
    return f'# yarn 1: {_COPY}\nregistry "{served.registry}"\ndisable-self-update-check true\n'


def _readme(served: Served) -> str:
    lines = [
        f"How to install from the store at {served.url}",
        "",
        "pip      PIP_CONFIG_FILE=pip.conf pip install -r requirements.txt",
        "uv       UV_CONFIG_FILE=uv.toml uv pip install -r requirements.txt",
    ]
    if not served.is_file:
        lines += [
            "         UV_CONFIG_FILE=uv.toml uv sync --locked           (after the command below)",
            "npm      cp .npmrc PROJECT/       then, in the project:    npm ci",
            "pnpm     cp .npmrc PROJECT/       then, in the project:    pnpm install --frozen-lockfile",
            "yarn     cp .yarnrc.yml PROJECT/  then, in the project:    yarn install --immutable",
            "yarn 1   cp .yarnrc PROJECT/      then, in the project:    yarn install --frozen-lockfile",
        ]
    lines += [
        "",
        f"Some lock files name the hosts that they were made with: {'pylock.toml' if served.is_file else _NAMING}.",
        "This makes them name the store, and keeps every digest:",
        "",
        f"         airgap rewrite-lock LOCK --url {served.url}",
    ]
    if _has_server(served):
        lines += ["", "nginx.conf is for whoever serves the store; airgap serve needs none."]
    lines.append("")
    return "\n".join(lines)

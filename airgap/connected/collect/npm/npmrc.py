"""Credentials in npm's configuration files, and which request they belong to.

Source: npm documentation, npmrc, "Auth related configuration"; the ``ini`` package, ``decode``; ``@npmcli/config``,
``env-replace``; npm-registry-fetch, ``auth.js``. npm itself never shows credentials, so its files are read here.
"""

import base64
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from airgap.core.errors import UsageError

MAX_FILE: Final = 1024 * 1024
_VARIABLE: Final = re.compile(r"(\\*+)\$\{([^${}?]++)(\?)?\}")
_PREFIX: Final = "npm_config_"
_ENVIRONMENT: Final = f"{_PREFIX}//"
_PORTS: Final = {"http": 80, "https": 443}
# what npm reads, or sends somewhere, because a file says so
_FILES: Final = frozenset({"userconfig", "globalconfig", "prefix"})
_SENT: Final = ("//", "_", "user-agent")
_WAYS: Final = ("registry", "proxy")
_SECRETS: Final = ("_authToken", "_auth", "username", "_password")


def read_members(files: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """What npm's files say, credentials included.

    Args:
        files: those of npm's configuration, the weightiest first; missing ones are no fault.
        environment: fills in ``${NAME}``; its own ``npm_config_//host/:_authToken`` and the like weigh more than all files.

    Raises:
        UsageError: a file that cannot be read.
    """
    found: dict[str, str] = {}
    for file in reversed(files):
        found |= _members(file, environment)
    is_ours = {key: key[: len(_ENVIRONMENT)].lower() == _ENVIRONMENT for key in environment}
    return found | {key[len(_PREFIX) :]: environment[key] for key, is_one in is_ours.items() if is_one}


def check_project(file: str) -> None:
    """Prove that a project's own file sends nothing of the environment anywhere, and names no further files.

    It belongs to whoever wrote the project: ``registry=https://host/${SECRET}/`` would be enough. Source: the advisory
    GHSA-3qhv-2rgh-x77r on pnpm, which leaves such variables alone since.

    Raises:
        UsageError: it does.
    """
    for key, value in _texts(file):
        is_sent = key.startswith(_SENT) or any(way in key for way in _WAYS)
        if key in _FILES or _VARIABLE.search(key) or (is_sent and _VARIABLE.search(value)):
            got = "a further file" if key in _FILES else "a variable of the environment"
            raise UsageError(
                f"{file}: expected plain values in a project's configuration, got {got} in {key!a:.80}",
                hint="write that line into the .npmrc in your home folder: a project must not decide what of yours is sent",
            )


def credentials_in(members: Mapping[str, str]) -> dict[str, str]:
    """The credentials among what npm's files say, by names such as ``//host/path/:_authToken``."""
    return {key: value for key, value in members.items() if key.startswith("//") and key.endswith(_SECRETS) and value}


def authorization_for(url: str, credentials: Mapping[str, str]) -> str | None:
    """The header for a request: of the longest part of its URL, from the left, that has credentials; None without any."""
    place = _place(url)
    while len(place) > 2:
        header = _header(place, credentials)
        if header:
            return header
        place = place[:-1] if place.endswith("/") else place.rpartition("/")[0] + "/"
    return None


def _place(url: str) -> str:
    """Host, port and path of a URL, as npm names them; "" for one that is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if ":" in host:
        host = f"[{host}]"
    where = host if port in {None, _PORTS.get(parts.scheme)} else f"{host}:{port}"
    return f"//{where}{parts.path or '/'}" if where else ""


def _header(place: str, credentials: Mapping[str, str]) -> str | None:
    """The header of exactly one place."""
    token, basic, user, password = (credentials.get(f"{place}:{name}") for name in _SECRETS)
    if token:
        return f"Bearer {token}"
    if basic:
        return f"Basic {basic}"
    if user and password:
        return basic_header(user, _decoded(password))
    return None


def basic_header(user: str, password: str) -> str:
    """The header for a name and a password.

    Source: RFC 7617, 2.
    """
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _decoded(password: str) -> str:
    """A password as npm keeps it, in base64; leniently, as npm reads it."""
    return base64.b64decode(password + "=" * (-len(password) % 4)).decode("utf-8", "replace")


def _members(file: str, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names and values, their variables filled in."""
    for key, value in _texts(file):
        yield _fill_in(key, environment), _fill_in(value, environment)


def _texts(file: str) -> Iterator[tuple[str, str]]:
    """Names and values in front of the first section of a file in npm's dialect of ini."""
    for line in _lines(file):
        content = line.strip()
        if content.startswith("["):
            return
        key, sign, value = content.partition("=")
        if sign and not content.startswith((";", "#")):
            yield _unquote(key), _unquote(value)


def _lines(file: str) -> list[str]:
    try:
        with open(file, "rb") as opened:
            raw = opened.read(MAX_FILE + 1)
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise UsageError(f"{file}: expected to read it, got {os.strerror(exc.errno or 0)}") from exc
    if len(raw) > MAX_FILE:
        raise UsageError(f"{file}: expected at most {MAX_FILE} bytes, got more")
    return re.split(r"[\r\n]+", raw.decode("utf-8", "replace"))


def _unquote(text: str) -> str:
    """A text without its quotes, or without the comment behind it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1] if text[0] == "'" else text
        with suppress(ValueError):
            return str(json.loads(text))
        return text
    return re.sub(r"(?<!\\)[;#].*", "", text).replace("\\;", ";").replace("\\#", "#").strip()


def _fill_in(text: str, environment: Mapping[str, str]) -> str:
    """A text with its ``${NAME}`` replaced; an unknown one stays, ``${NAME?}`` becomes nothing."""

    def value(found: re.Match[str]) -> str:
        escapes, name, mark = found.groups()
        if len(escapes) % 2:
            return found[0][(len(escapes) + 1) // 2 :]
        return escapes[len(escapes) // 2 :] + environment.get(name, "" if mark else f"${{{name}}}")

    return _VARIABLE.sub(value, text)

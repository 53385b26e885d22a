"""Where npm gets its packages from: the registry, those of scopes, and the way in."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from airgap.connected.collect.npm.client import project_of, read_config
from airgap.connected.collect.npm.locked import texts, web_url
from airgap.connected.collect.npm.npmrc import authorization_for, check_project, credentials_in, read_members
from airgap.connected.web.access import Access
from airgap.core.errors import UsageError

_SCOPED: Final = ":registry"


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """What npm's configuration says.

    Attributes:
        registry: URL with a slash at its end and no credentials.
        scopes: the registries of scopes such as ``@ours``, likewise.
        cafile: certificates to trust, None for the usual ones.
        credentials: by names such as ``//host/path/:_authToken``; never shown.
        proxy: npm's own; None leaves it to the environment, as npm does.
    """

    registry: str
    scopes: Mapping[str, str]
    cafile: str | None
    credentials: Mapping[str, str]
    proxy: str | None

    def registry_of(self, name: str) -> str:
        """The registry that has a package."""
        return self.scopes.get(name.partition("/")[0], self.registry) if name.startswith("@") else self.registry

    def authorization(self, url: str) -> str | None:
        """The header for a request.

        npm's names say nothing of http or https. What was meant for https is not sent in the clear, so a host has to be a
        registry by the scheme of the request.
        """
        header = authorization_for(url, self.credentials)
        known = {self.registry, *self.scopes.values()}
        return (
            header if header and (urlsplit(url).scheme == "https" or any(is_same_host(url, own) for own in known)) else None
        )

    def access(self) -> Access:
        """The way in for a fetcher."""
        return Access(cafile=self.cafile, authorization=self.authorization, proxy=self.proxy)


def is_same_host(one: str, other: str) -> bool:
    """Whether two URLs are of one scheme, host and port."""
    return urlsplit(one)[:2] == urlsplit(other)[:2]


def read_settings(folders: Sequence[str]) -> Settings:
    """The configuration that counts in all of some folders.

    Raises:
        UsageError: the folders differ in it, or a registry is no URL.
    """
    found = [_read(folder or ".") for folder in dict.fromkeys(folders)]
    if any(settings != found[0] for settings in found):
        raise UsageError(
            "request: expected lock files with one npm configuration, got several",
            hint="make one source of each project that has its own .npmrc",
        )
    return found[0]


def _read(folder: str) -> Settings:
    project = os.path.join(project_of(folder), ".npmrc")
    if not _is_users(project):
        check_project(project)
    config = read_config(folder)
    members = read_members((project, *_files(config)), os.environ)
    for key, value in members.items():
        if key.endswith("registry") and "@" in value:
            # npm keeps those out of what it shows, and the packages of a scope must never be asked for elsewhere
            raise _no_registry(f"{key!a:.80} with a password in its URL")
    registry, cafile = _registry(config.get("registry")), config.get("cafile")
    return Settings(
        registry=registry,
        scopes={
            key.removesuffix(_SCOPED): _registry(config[key]) for key in config if key.startswith("@") and _SCOPED in key
        },
        cafile=os.path.join(folder, cafile) if isinstance(cafile, str) else None,
        credentials=credentials_in(members),
        # what npm does not show has a password in it, and stands in its files
        proxy=_proxy({**members, **config}, registry),
    )


def _proxy(config: Mapping[str, Any], registry: str) -> str | None:
    """The proxy on the way to a registry."""
    host, excepted = urlsplit(registry).hostname or "", texts(config.get("noproxy")) or ()
    names = {name.strip().removeprefix(".") for text in excepted for name in text.split(",")} - {""}
    if any(host == name or host.endswith(f".{name}") for name in names):
        return None
    kinds = ("https-proxy", "proxy") if registry.startswith("https:") else ("proxy",)
    return next((config[kind] for kind in kinds if isinstance(config.get(kind), str) and config[kind]), None)


def _is_users(file: str) -> bool:
    """Whether a file is the user's own: the one at home, or the one that the environment names."""
    named = [value for name, value in os.environ.items() if name.lower() == "npm_config_userconfig"]
    return os.path.realpath(file) in map(os.path.realpath, (os.path.expanduser("~/.npmrc"), *named))


def _files(config: Mapping[str, Any]) -> list[str]:
    named = [config.get("userconfig"), config.get("globalconfig")]
    return [file for file in named if isinstance(file, str)]


def _registry(value: object) -> str:
    url = web_url(value)
    if url is None or "?" in url:
        raise _no_registry("another value")
    return url if url.endswith("/") else f"{url}/"


def _no_registry(got: str) -> UsageError:
    return UsageError(
        f"npm configuration: expected the http or https URL of a registry, got {got}",
        hint="npm config set registry URL; credentials go into .npmrc as //host/path/:_authToken",
    )

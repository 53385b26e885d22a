"""Real npm, pnpm and yarn install from a store in a network of its own what came through the configured registry."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.namespace import Namespace, namespace
from tests.clients.python_shop import deliver
from tests.clients.two_hosts import NO_NETWORK, Hosts, airgap
from tests.isolated.scene import rot

pytestmark = [pytest.mark.online, pytest.mark.root]

DEPENDENCIES = {
    "express": "^5",
    "webpack": "^5",
    "webpack-cli": "^6",
    "jest": "^30",
    "eslint": "^9",
    "typescript": "^5",
    "esbuild": "^0.25",
    "@babel/core": "^7",
    "@babel/preset-env": "^7",
    "react-dom": "^19",
}
CLIENTS = {"pnpm10": "pnpm@10", "pnpm": "pnpm@latest", "yarn1": "yarn@1", "yarn4": "@yarnpkg/cli-dist@4"}
TRY = "require('express'); require('esbuild').transformSync('let a = 1'); require('@babel/core').transformSync('1')"
LOCKS = {
    "npm": "package-lock.json",
    "pnpm10": "pnpm-lock.yaml",
    "pnpm": "pnpm-lock.yaml",
    "yarn4": "yarn.lock",
    "yarn1": "yarn.lock",
}


@dataclass(frozen=True)
class Shop:
    """A store with packages, the project that needs them with a lock for each client, and the clients."""

    hosts: Hosts
    net: Namespace
    tools: Path

    def program(self, client: str) -> tuple[object, ...]:
        """How to call a client."""
        if client == "npm":
            return ("npm",)
        return (self.tools / client / "node_modules/.bin" / client.rstrip("0123456789"),)

    def project(self, client: str, folder: Path, url: str) -> Path:
        """A fresh copy of the project for one client, configured for a served store."""
        project = folder / "project"
        shutil.copytree(self.hosts.root / "locks" / client, project)
        airgap("clients", "--store", self.hosts.store, "--url", url, "-o", folder / "clients")
        for name in (".npmrc", ".yarnrc", ".yarnrc.yml"):
            if (folder / "clients" / name).exists():
                shutil.copy(folder / "clients" / name, project)
        if client == "yarn4":
            with (project / ".yarnrc.yml").open("a") as file:
                file.write("\nnodeLinker: node-modules\nenableGlobalCache: false\n")
        return project


INSTALL = {
    "npm": ("ci",),
    "pnpm10": ("install", "--frozen-lockfile"),
    "pnpm": ("install", "--frozen-lockfile", "--ignore-scripts"),  # it ends with an error where it was not told of each
    "yarn4": ("install", "--immutable"),
    "yarn1": ("install", "--frozen-lockfile", "--non-interactive", "--ignore-engines"),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    root = tmp_path_factory.mktemp("npm")
    tools = root / "tools"
    for client, package in CLIENTS.items():
        connected("npm", "install", "--prefix", tools / client, package, cwd=root)
    hosts = Hosts(root)
    hosts.meet()
    with namespace("airgap-npm") as net:
        made = Shop(hosts, net, tools)
        lock(made)
        some = [f'"locks/{client}/{LOCKS[client]}"' for client in ("npm", "pnpm10", "yarn4")]
        first = deliver(hosts, source(some, targets=["linux-x64", "win32-x64"]), "first")
        deliver(hosts, source([f'"locks/yarn1/{LOCKS["yarn1"]}"'], targets=[]), "second", "--after", first)
        yield made


def source(locks: list[str], *, targets: list[str]) -> str:
    """A request for the packages of locks."""
    wanted = f"targets = {json.dumps(targets)}\n" if targets else ""
    return f'[[source]]\necosystem = "npm"\nlockfile = [{", ".join(locks)}]\n{wanted}'


def lock(shop: Shop) -> None:
    """Let every client lock the same dependencies, while there is a network."""
    for client in INSTALL:
        folder = shop.hosts.root / "locks" / client
        folder.mkdir(parents=True)
        said = {"name": "inside", "version": "1.0.0", "private": True, "dependencies": DEPENDENCIES}
        if client == "pnpm10":
            said["pnpm"] = {"onlyBuiltDependencies": ["esbuild"]}
        (folder / "package.json").write_text(json.dumps(said))
    npm, yarn4 = (shop.hosts.root / "locks" / client for client in ("npm", "yarn4"))
    connected("npm", "install", "--package-lock-only", "--ignore-scripts", cwd=npm)
    for client in ("pnpm10", "pnpm"):
        connected(
            *shop.program(client), "install", "--lockfile-only", "--ignore-scripts", cwd=shop.hosts.root / "locks" / client
        )
    (yarn4 / "yarn.lock").touch()
    connected(*shop.program("yarn4"), "install", "--mode=update-lockfile", cwd=yarn4, env={"YARN_ENABLE_TELEMETRY": "0"})
    yarn1 = shop.hosts.root / "locks/yarn1"
    connected(*shop.program("yarn1"), *INSTALL["yarn1"][2:], "install", "--ignore-scripts", cwd=yarn1)
    shutil.rmtree(yarn1 / "node_modules")


def connected(*command: object, cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a client where there is a network."""
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])


def packages(lockfile: Path) -> int:
    """How many packages an npm lock has."""
    return len(json.loads(lockfile.read_text())["packages"]) - 1


def test_a_lock_of_four_hundred_entries_crossed_for_two_platforms(shop: Shop) -> None:
    assert packages(shop.hosts.root / "locks/npm/package-lock.json") >= 400
    shown = shop.hosts.store / "current/npm"
    assert (shown / "@esbuild/linux-x64/-").is_dir()
    assert (shown / "@esbuild/win32-x64/-").is_dir()
    assert (shown / "@esbuild/aix-ppc64/index.html").exists(), "described, as the newest pnpm wants it"
    assert airgap("check", "--store", shop.hosts.store, inside=NO_NETWORK)["result"] == "clean"


@pytest.mark.parametrize("client", sorted(INSTALL))
def test_a_client_installs_its_lock_from_the_served_store(client: str, shop: Shop, tmp_path: Path) -> None:
    with shop.net.airgap_serve(shop.hosts.store, tmp_path / "server") as url:
        project = shop.project(client, tmp_path, url)
        if client == "yarn1":
            airgap("rewrite-lock", project / "yarn.lock", "--url", url)
        shop.net.run(*shop.program(client), *INSTALL[client], cwd=project, home=tmp_path / "h")

    shop.net.run("node", "-e", TRY, cwd=project, home=tmp_path / "h")


@pytest.mark.parametrize("client", ["npm", "pnpm10", "yarn4"])
def test_a_client_installs_by_name_without_a_lock(client: str, shop: Shop, tmp_path: Path) -> None:
    add = {"npm": ("install",), "pnpm10": ("add",), "yarn4": ("add",)}
    with shop.net.airgap_serve(shop.hosts.store, tmp_path / "server") as url:
        project = shop.project(client, tmp_path, url)
        (project / LOCKS[client]).unlink()
        (project / "package.json").write_text('{"name": "empty", "version": "1.0.0", "private": true}')
        if client == "yarn4":
            (project / "yarn.lock").touch()
        shop.net.run(*shop.program(client), *add[client], "express", cwd=project, home=tmp_path / "h")

    shop.net.run("node", "-e", "require('express')", cwd=project, home=tmp_path / "h")


def test_npm_installs_from_nginx(shop: Shop, tmp_path: Path) -> None:
    project = shop.project("npm", tmp_path, "http://127.0.0.1:8080")
    made = tmp_path / "clients"
    server = ("nginx", "-e", "stderr", "-p", made, "-c", made / "nginx.conf", "-g", "daemon off; user root;")
    with shop.net.serving(*server, home=tmp_path / "server"):
        shop.net.run("npm", "ci", cwd=project, home=tmp_path / "h")
        (project / "package-lock.json").unlink()
        shop.net.run("npm", "install", cwd=project, home=tmp_path / "h2")

    shop.net.run("node", "-e", TRY, cwd=project, home=tmp_path / "h")


def test_yarn_1_installs_from_an_offline_mirror(shop: Shop, tmp_path: Path) -> None:
    """One flat folder of tarballs, and no server at all."""
    project = tmp_path / "project"
    shutil.copytree(shop.hosts.root / "locks/yarn1", project)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for path in (shop.hosts.store / "current/npm").glob("**/-/*.tgz"):
        name = str(path.relative_to(shop.hosts.store / "current/npm"))
        scope = f"{name.partition('/')[0]}-" if name.startswith("@") else ""
        os.link(path, mirror / f"{scope}{path.name}")
    (project / ".yarnrc").write_text(f'yarn-offline-mirror "{mirror}"\n')

    shop.net.run(*shop.program("yarn1"), *INSTALL["yarn1"], "--offline", cwd=project, home=tmp_path / "h")

    shop.net.run("node", "-e", TRY, cwd=project, home=tmp_path / "h")


def test_npm_refuses_a_tarball_that_was_changed_in_the_store_and_a_check_finds_it(shop: Shop, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(shop.hosts.store, store, symlinks=True)
    (express,) = (store / "current/npm/express/-").glob("*.tgz")
    rot(str(express), at=4)  # the time in the header of gzip, which its checksum does not cover

    with shop.net.airgap_serve(store, tmp_path / "server") as url:
        project = shop.project("npm", tmp_path, url)
        said = shop.net.run("npm", "ci", "--fetch-retries=0", cwd=project, home=tmp_path / "h", expected=None)

    assert said.returncode != 0
    assert "EINTEGRITY" in said.stderr
    found = airgap("check", "--store", store, inside=NO_NETWORK, expected=4)
    assert any("express" in str(finding) for finding in found["findings"] if finding["reason"])


def test_verdaccio_takes_what_a_view_gives(shop: Shop, tmp_path: Path) -> None:
    server = tmp_path / "verdaccio"
    server.mkdir()
    # verdaccio wants node-fetch by a tag that a mirror need not have
    (server / "package.json").write_text('{"name": "v", "private": true, "overrides": {"node-fetch": "2.7.0"}}')
    connected("npm", "install", "verdaccio@6", cwd=server)
    (server / "config.yaml").write_text(
        f"storage: {server}/storage\nauth:\n  htpasswd:\n    file: {server}/htpasswd\n"
        "packages:\n  '**':\n    access: $all\n    publish: $all\nlog: {type: stdout, level: error}\n"
    )
    (package,) = (shop.hosts.store / "current/npm/express/-").glob("*.tgz")
    home = tmp_path / "h"
    home.mkdir()
    (home / ".npmrc").write_text("//127.0.0.1:4873/:_authToken=anybody\n")
    run = (server / "node_modules/.bin/verdaccio", "-c", server / "config.yaml", "-l", "127.0.0.1:4873")
    with shop.net.serving(*run, home=home):
        registry = ("--registry", "http://127.0.0.1:4873/")
        for _ in range(60):
            if shop.net.run("npm", "ping", *registry, home=home, expected=None).returncode == 0:
                break
            threading.Event().wait(0.5)
        shop.net.run("npm", "publish", package, *registry, home=home)
        said = shop.net.run("npm", "view", "express", "dist.integrity", *registry, home=home)

    lock = (shop.hosts.root / "locks/npm/package-lock.json").read_text()
    assert said.stdout.strip() in lock
    assert re.match("sha512-", said.stdout)

"""Locks by the real npm, pnpm and yarn, against the registry that npm is configured with."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.collect.npm import Resolved, resolve_npm
from airgap.connected.collect.npm.locked import Limits
from airgap.connected.collect.npm.settings import read_settings
from airgap.connected.collected import Carried, Collected
from airgap.connected.request import NpmSource
from airgap.connected.web.fetcher import Fetcher
from airgap.core.errors import UsageError

pytestmark = pytest.mark.online
TARGETS = ("linux-x64", "win32-x64")
MANY = {"webpack": "5", "eslint": "8", "jest": "29", "esbuild": "0.25.0", "next": "15", "vite": "6", "react-dom": "18"}
FEW = {
    "lp": "npm:left-pad@1.3.0",
    "chokidar": "3.6.0",
    "@isaacs/cliui": "8.0.2",
    "@isaacs/string-locale-compare": "1.1.0",
    "esbuild": "0.25.0",
}


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def project(folder: Path, dependencies: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    said: dict[str, Any] = {"name": "demo", "version": "1.0.0", "private": True, "dependencies": dependencies}
    (folder / "package.json").write_text(json.dumps(said))
    return folder


def tool(folder: Path, package: str, program: str) -> str:
    """A package manager by the real npm."""
    folder.mkdir()
    run(folder, "npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), package)
    return str(folder / "node_modules/.bin" / program)


def resolve(folder: Path, *lockfiles: str, packages: Sequence[str] = (), targets: Sequence[str] = TARGETS) -> Resolved:
    source = NpmSource(folder=str(folder), lockfiles=lockfiles, packages=tuple(packages), targets=tuple(targets))
    return resolve_npm(source, lambda access: Fetcher(str(folder / "cache"), access))


def sample(resolved: Resolved, names: set[str]) -> list[Collected | Carried]:
    """What is collected when only some tarballs are downloaded."""
    chosen = [(o, p) for o, p in zip(resolved.offers, resolved.proofs, strict=True) if o.locked.name in names]
    part = replace(resolved, offers=[o for o, _ in chosen], proofs=[p for _, p in chosen])
    return [item for item in part.collect() if isinstance(item, Collected | Carried)]


def taken(resolved: Resolved) -> set[str]:
    return {offer.locked.release for offer in resolved.offers}


def documents(resolved: Resolved) -> list[str]:
    """Their paths, which name their content."""
    return [document.source.path for document in resolved.documents]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run(tmp_path_factory.mktemp("config"), "npm", "config", "get", "registry").strip()


def test_a_large_lock_by_npm_is_resolved_for_two_platforms(tmp_path: Path) -> None:
    project(tmp_path, MANY)
    run(tmp_path, "npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund")
    places = json.loads((tmp_path / "package-lock.json").read_text())["packages"]
    assert len(places) > 400
    locked = {f"{e.get('name', p.rpartition('node_modules/')[2])}@{e['version']}" for p, e in places.items() if p}

    resolved = resolve(tmp_path, "package-lock.json")

    left = {loss.purl for loss in resolved.losses if loss.what == "not-selected"}
    assert len(taken(resolved)) + len(left) == len({*locked} - {"demo@1.0.0"})
    assert taken(resolved) <= locked
    assert {"@esbuild/linux-x64@0.25.0", "@esbuild/win32-x64@0.25.0"} <= taken(resolved)
    assert "pkg:npm/%40esbuild/darwin-arm64@0.25.0" in left
    names = {release.rpartition("@")[0] for release in locked}
    assert len(resolved.documents) == len(names)
    assert sum(document.source.size for document in resolved.documents) < 4_000_000
    assert all("sha512" in offer.digests for offer in resolved.offers)
    found = sample(resolved, {"webpack", "@babel/core", "react-dom"})
    assert len([item for item in found if isinstance(item, Collected)]) == 3
    for document in (item for item in found if isinstance(item, Carried)):
        said = json.loads(Path(document.source.file).read_bytes())
        assert document.source.path.startswith(f"documents/index/npm/{said['name']}/")
        assert said["time"].keys() == said["versions"].keys()


def test_packages_by_name_are_resolved_by_npm(tmp_path: Path) -> None:
    resolved = resolve(project(tmp_path, {}), packages=["left-pad@^1.3", "b@npm:@isaacs/string-locale-compare@1.1.0"])

    assert taken(resolved) == {"left-pad@1.3.0", "@isaacs/string-locale-compare@1.1.0"}
    assert not (tmp_path / "package-lock.json").exists()


@pytest.mark.parametrize("version", ["8", "10"])
def test_a_lock_by_pnpm_leads_to_what_the_lock_of_npm_does(tmp_path: Path, registry: str, version: str) -> None:
    pnpm = tool(tmp_path / "tool", f"pnpm@{version}", "pnpm")
    folder = project(tmp_path / "project", FEW)
    run(folder, pnpm, "install", "--lockfile-only", "--registry", registry)
    run(folder, "npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund")

    one, other = resolve(folder, "pnpm-lock.yaml"), resolve(folder, "package-lock.json")
    assert taken(one) == taken(other)
    assert "left-pad@1.3.0" in taken(one)
    assert set(one.losses) == set(other.losses)
    assert documents(one) == documents(other)
    assert len([item for item in sample(one, {"left-pad", "@esbuild/win32-x64"}) if isinstance(item, Collected)]) == 2


def test_a_lock_by_yarn_1_leads_to_what_the_lock_of_npm_does(tmp_path: Path, registry: str) -> None:
    yarn = tool(tmp_path / "tool", "yarn@1.22.22", "yarn")
    folder = project(tmp_path / "project", FEW)
    options = ("--ignore-scripts", "--ignore-platform", "--non-interactive", "--registry", registry)
    run(folder, yarn, "install", *options)
    # in a folder of its own: npm rewrites a yarn.lock that it finds, and leaves out what is for other platforms
    beside = project(tmp_path / "npm", FEW)
    run(beside, "npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund")

    one, other = resolve(folder, "yarn.lock"), resolve(beside, "package-lock.json")
    assert taken(one) == taken(other)
    assert documents(one) == documents(other)
    assert all(offer.locked.limits == Limits() for offer in one.offers)


def test_a_lock_by_a_later_yarn_holds_what_the_lock_of_npm_does(
    tmp_path: Path, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    yarn = tool(tmp_path / "tool", "@yarnpkg/cli-dist@4", "yarn")
    folder = project(tmp_path / "project", FEW)
    run(folder, "npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund")
    other = resolve(folder, "package-lock.json")
    monkeypatch.setenv("YARN_NPM_REGISTRY_SERVER", registry)
    monkeypatch.setenv("YARN_ENABLE_TELEMETRY", "0")
    (folder / "package-lock.json").unlink()
    (folder / "yarn.lock").touch()
    run(folder, yarn, "install", "--mode=update-lockfile")

    # yarn adds node-gyp where there is something to build
    assert taken(resolve(folder, "yarn.lock")) >= taken(other)


def test_the_real_npm_says_what_its_files_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, {})
    (tmp_path / "inside").mkdir()
    (tmp_path / ".npmrc").write_text(
        "registry=https://r.invalid/npm\n@ours:registry=https://ours.invalid/\ncafile=ca.pem\n"
        "//r.invalid/npm/:_authToken=own\n"
    )
    (tmp_path / "user").write_text("//ours.invalid/:_authToken=${AIRGAP_TEST_TOKEN}\nregistry=https://user.invalid/\n")
    monkeypatch.setenv("AIRGAP_TEST_TOKEN", "t")
    monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "user"))
    found = read_settings([str(tmp_path / "inside")])

    assert found.registry == "https://r.invalid/npm/"
    assert found.registry_of("@ours/a") == "https://ours.invalid/"
    assert found.authorization("https://r.invalid/npm/a") == "Bearer own"
    assert found.authorization("https://ours.invalid/a") == "Bearer t"
    assert found.cafile == os.path.join(tmp_path, "inside", "ca.pem")


def test_the_real_npm_is_quoted_when_it_finds_nothing(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"npm install: expected it to succeed, got 'notarget No matching version.*left-pad"
    ):
        resolve(project(tmp_path, {}), packages=["left-pad@99.99.99"])

"""The npm on the machine: asked for its configuration, and for a lock of what is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.collect.npm import client
from airgap.core.errors import UsageError
from tests.connected.npm.registry import Bench, install_npm, lock_of


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_without_npm_the_next_step_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError, match="npm: expected to find it on this machine, got none") as caught:
        client.read_config(str(tmp_path))
    assert caught.value.hint == "install Node.js, which brings npm"


@pytest.mark.parametrize(
    ("script", "got"),
    [
        ("echo no json", "expected JSON, got other text"),
        ("echo []", "expected a JSON object, got another value"),
        ("echo 'npm error code E1' >&2; echo 'npm error no \033[31m way' >&2; exit 1", r"got 'no \\x1b\[31m way'"),
        (
            "printf 'npm error code E\\nnpm error syscall x\\nnpm error errno E\\nnpm error no way\\n' >&2; exit 1",
            "got 'no way'",
        ),
        ("exit 1", "expected it to succeed, got ''"),
        ("sleep 5", "expected an answer within 0.2 s, got none"),
    ],
)
def test_an_npm_that_fails_is_quoted_with_care(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, got: str
) -> None:
    program(tmp_path / "bin", monkeypatch, f"exec {script}" if script.startswith("sleep") else script)
    monkeypatch.setattr(client, "_CONFIG_SECONDS", 0.2)

    with pytest.raises(UsageError, match=f"npm config.*{got}"):
        client.read_config(str(tmp_path))


def test_a_folder_that_is_not_there_is_a_mistake_in_the_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", monkeypatch, "echo {}")

    with pytest.raises(UsageError, match=r"npm config: expected to run it in '.*/none', got No such file or directory"):
        client.read_config(str(tmp_path / "none"))


def test_packages_by_name_become_a_lock(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.registry.publish("a", "1.0.0")
    (tmp_path / "lock.json").write_text(json.dumps(lock_of(("a", "1.0.0"))))
    (bench.folder / ".npmrc").write_text("fund=false\n")
    seen = tmp_path / "seen"
    script = (
        f'echo "$@" > {seen}; cat "$3/.npmrc" "$3/package.json" >> {seen}; cp {tmp_path}/lock.json "$3/package-lock.json"'
    )
    install_npm(tmp_path / "bin", monkeypatch, {"registry": bench.registry.url}, script)

    outcome = bench.collect(packages=("a@^1", "@s/b"))

    assert list(outcome.artifacts) == ["a/-/a-1.0.0.tgz"]
    line, *rest = seen.read_text().splitlines()
    assert "--ignore-scripts" in line
    assert {"--package-lock-only", "--allow-git=none"} <= set(line.split())
    assert line.endswith(" -- a@^1 @s/b")
    assert rest[0] == "fund=false"
    assert json.loads(rest[1])["private"] is True


def test_npm_works_in_a_folder_that_is_gone_afterwards(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f'echo "$3" > {tmp_path}/where; echo "npm error No matching version found for a@9" >&2; exit 1'
    install_npm(tmp_path / "bin", monkeypatch, {"registry": bench.registry.url}, script)

    with pytest.raises(UsageError, match="npm install: expected it to succeed, got 'No matching version found for a@9'"):
        bench.resolve(packages=("a@9",))
    assert not Path((tmp_path / "where").read_text().strip()).exists()


@pytest.mark.parametrize("package", ["--global", "-g"])
def test_a_package_is_no_option(bench: Bench, package: str) -> None:
    with pytest.raises(UsageError, match="request: expected an npm package, got '-"):
        bench.resolve(packages=(package,))


def test_packages_from_elsewhere_are_refused(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock: dict[str, Any] = lock_of(("a", "1.0.0"), resolved="git+ssh://git@git.invalid/a.git#0")
    (tmp_path / "lock.json").write_text(json.dumps(lock))
    script = f'cp {tmp_path}/lock.json "$3/package-lock.json"'
    install_npm(tmp_path / "bin", monkeypatch, {"registry": bench.registry.url}, script)

    with pytest.raises(UsageError, match="packages: expected packages of a registry, got 'a from git"):
        bench.resolve(packages=("git+ssh://git@git.invalid/a.git",))

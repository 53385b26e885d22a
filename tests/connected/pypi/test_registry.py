"""The index that this machine's pip is configured with: a large project for two targets, and real locks."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import uv

from airgap.connected.collect.pypi import ResolvedPypi, resolve_pypi
from airgap.connected.collect.pypi.pip_configuration import read_configuration, uv_variables
from airgap.connected.request import PypiSource
from airgap.connected.web.fetcher import Fetcher
from airgap.core.errors import UsageError
from tests.connected.pypi.shop import collect, names

pytestmark = pytest.mark.online
LINUX, WINDOWS = "cp311-manylinux_2_28_x86_64", "cp312-win_amd64"


def resolve(folder: Path, **asked: Any) -> ResolvedPypi:
    source = PypiSource(folder=str(folder), **asked)
    return resolve_pypi(source, lambda access: Fetcher(str(folder / "cache"), access))


def run_uv(folder: Path, *arguments: str) -> None:
    variables = uv_variables(read_configuration())
    command = [uv.find_uv_bin(), *arguments, "--quiet", "--no-python-downloads", "--index-strategy", "unsafe-best-match"]
    subprocess.run(command, cwd=folder, check=True, env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **variables})


def test_a_large_project_is_resolved_for_two_targets_without_a_download(tmp_path: Path) -> None:
    found = resolve(tmp_path, packages=("jupyterlab",), targets=(LINUX, WINDOWS))
    planned = found.planned()
    files = names(found)

    assert len({one.purl for one in planned}) > 60
    assert all(one.size for one in planned)
    assert any(name.startswith("pywinpty-") and name.endswith("win_amd64.whl") for name in files)
    assert any(name.startswith("tornado-") and "manylinux" in name for name in files)
    assert not list((tmp_path / "cache").glob("sha256/*/*"))


def test_a_few_packages_are_downloaded_and_verified(tmp_path: Path) -> None:
    got = collect(resolve(tmp_path, packages=("flask>=3", "markupsafe"), targets=(LINUX, WINDOWS)))

    assert {one.purl.partition("@")[0] for one in got.artifacts.values()} >= {"pkg:pypi/flask", "pkg:pypi/werkzeug"}
    assert len([name for name in got.artifacts if name.startswith("markupsafe-")]) == 2
    assert len(got.documents) == len(got.artifacts)
    assert all(one.custody[0]["kind"] == "registry" for one in got.artifacts.values())


PROJECT = """[project]
name = "mine"
version = "1"
requires-python = ">=3.11"
dependencies = ["flask>=3", "colorama; sys_platform == 'win32'", "markupsafe"]
"""


def test_locks_that_uv_made_mean_the_same_releases_in_both_formats(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    run_uv(tmp_path, "lock")
    run_uv(tmp_path, "export", "--frozen", "--format", "pylock.toml", "--no-emit-project", "-o", "pylock.toml")
    run_uv(tmp_path, "export", "--frozen", "--no-emit-project", "-o", "requirements.txt")
    locked = [
        names(resolve(tmp_path, targets=(LINUX, WINDOWS), **asked))
        for asked in ({"lockfiles": ("uv.lock",)}, {"lockfiles": ("pylock.toml",)}, {"requirements": ("requirements.txt",)})
    ]

    assert locked[0] == locked[1] == locked[2]
    assert any(name.startswith("colorama-") for name in locked[0])
    assert len([name for name in locked[0] if name.startswith("markupsafe-")]) == 2


def test_a_source_without_a_wheel_travels_with_what_builds_it(tmp_path: Path) -> None:
    found = resolve(tmp_path, packages=("docopt==0.6.2",), targets=(LINUX,), sdists=True)

    assert {name.partition("-")[0] for name in names(found)} >= {"docopt", "setuptools", "wheel"}
    with pytest.raises(UsageError, match="docopt"):
        resolve(tmp_path, packages=("docopt==0.6.2",), targets=(LINUX,))

"""What the tool is for: real files cross, and real clients install them where there is no network."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.clients.two_hosts import NO_NETWORK, Hosts

pytestmark = pytest.mark.root

WANTED = ["jupyterlab", "django", "fastapi", "boto3", "sphinx", "black", "mypy", "tox", "flask", "httpx", "pytest", "twine"]
MORE = ["ansible-core", "scrapy", "celery", "notebook", "cookiecutter", "pre-commit", "mkdocs", "bokeh", "streamlit"]


def test_the_namespace_has_no_way_out() -> None:
    """The other tests would prove little if it had one."""
    probe = "import socket; socket.create_connection(('192.0.2.1', 80), 5)"
    done = subprocess.run([*NO_NETWORK, sys.executable, "-c", probe], capture_output=True, check=False)

    assert b"Network is unreachable" in done.stderr


def test_a_folder_crosses_and_equals_its_source(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "empty").write_bytes(b"")
    (folder / "deep" / "text.txt").write_bytes(b"text\n" * 100_000)
    (folder / "deep" / "er" / "noise.bin").write_bytes(os.urandom(3_000_001))
    hosts = Hosts(tmp_path)
    hosts.meet()

    hosts.carry(folder)

    assert _digests(hosts.shown) == _digests(folder)


def test_a_bundle_is_read_from_a_medium_that_is_mounted_read_only(tmp_path: Path) -> None:
    folder, medium = tmp_path / "folder", tmp_path / "medium"
    folder.mkdir()
    medium.mkdir()
    (folder / "a.txt").write_bytes(b"a\n")
    hosts = Hosts(tmp_path)
    hosts.meet()
    bundle = hosts.carry(folder)
    other = Hosts(tmp_path / "other")
    other.root.mkdir()
    mount = f"mount -t tmpfs none {medium} && cp {bundle} {medium}/x && mount -o remount,ro {medium}"
    verify = f"{sys.executable} -m airgap verify {medium}/x --trust {tmp_path}/trust.json"

    done = subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c", f"{mount} && {verify}"], capture_output=True, check=False
    )

    assert done.returncode == 0, (done.stdout, done.stderr)


@pytest.mark.online
def test_150_real_wheels_cross_and_pip_installs_them_there(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    _download(wheels)
    hosts = Hosts(tmp_path)
    hosts.meet()

    hosts.carry(wheels)

    assert len(os.listdir(wheels)) >= 150
    assert _digests(hosts.shown) == _digests(wheels)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip: list[str | Path] = [
        venv / "bin" / "pip",
        "install",
        "-q",
        "--no-index",
        "--find-links",
        hosts.shown,
        "flask",
        "black",
    ]
    subprocess.run([*NO_NETWORK, *pip], check=True)
    run = subprocess.run([*NO_NETWORK, venv / "bin" / "python", "-c", "import flask, black"], check=False)
    assert run.returncode == 0


def _download(folder: Path) -> None:
    """Real wheels through the configured pip, at least 150 of them."""
    fetch: list[str | Path] = [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "-d", folder]
    subprocess.run([*fetch, *WANTED], check=True)
    for name in MORE:
        if len(os.listdir(folder)) >= 150:
            return
        subprocess.run([*fetch, name], check=True)


def _digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.is_file()
    }

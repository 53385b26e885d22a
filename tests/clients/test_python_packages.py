"""Real pip and uv install from a store in a network of its own what was exported through the configured index."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.namespace import namespace
from tests.clients.python_shop import LINUX, OLDEST_PIP, UV, WINDOWS, Shop, deliver, digests, make_pip
from tests.clients.two_hosts import NO_NETWORK, Hosts, airgap
from tests.isolated.scene import rot

pytestmark = [pytest.mark.online, pytest.mark.root]

REQUEST = f"""
[[source]]
ecosystem = "pypi"
packages = ["jupyterlab", "flask", "pandas"]
targets = ["{LINUX}", "{WINDOWS}"]
"""
PROJECT = """
[project]
name = "inside"
version = "1"
requires-python = ">=3.11"
dependencies = ["flask>=3", "colorama; sys_platform == 'win32'"]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    root = tmp_path_factory.mktemp("python")
    hosts = Hosts(root)
    hosts.meet()
    deliver(hosts, REQUEST, "first")
    with namespace("airgap-python") as net:
        yield Shop(hosts, net, root / "home")


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pip(tmp_path_factory.mktemp("pip") / "newest", None)


def fresh(python: Path, folder: Path) -> Path:
    """Another environment with the same pip, empty otherwise."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    (pip,) = (python.parent.parent / "lib").glob("python3*/site-packages/pip")
    (target,) = (folder / "lib").glob("python3*/site-packages")
    shutil.copytree(pip, target / "pip")
    return folder / "bin/python"


def test_the_store_holds_a_project_of_sixty_packages_for_two_platforms(shop: Shop) -> None:
    names = shop.packages()

    assert len({name.split("-")[0] for name in names}) >= 60
    assert any(name.endswith("win_amd64.whl") for name in names)
    assert any("manylinux" in name for name in names)
    assert any(name.startswith("colorama-") for name in names), "wanted on Windows only, where nobody exported"
    assert any(name.startswith("pexpect-") for name in names), "wanted everywhere but on Windows"
    assert airgap("check", "--store", shop.hosts.store, inside=NO_NETWORK)["result"] == "clean"


@pytest.mark.parametrize("version", [OLDEST_PIP, None])
def test_pip_installs_from_files(version: str | None, shop: Shop, tmp_path: Path) -> None:
    python = make_pip(tmp_path / "venv", version)

    shop.net.run(
        python, "-m", "pip", "install", "-q", "--index-url", shop.simple, "jupyterlab", "pandas", home=tmp_path / "h"
    )

    shop.net.run(python, "-c", "import jupyterlab, pandas", home=tmp_path / "h")


def test_pip_reads_core_metadata_before_it_fetches_a_wheel(shop: Shop, newest: Path, tmp_path: Path) -> None:
    python = fresh(newest, tmp_path / "venv")

    said = shop.net.run(
        python, "-m", "pip", "install", "--dry-run", "-v", "--index-url", shop.simple, "pandas", home=tmp_path / "h"
    )

    assert "Obtaining dependency information for pandas" in said.stdout + said.stderr


def test_pip_installs_from_the_flat_folder(shop: Shop, newest: Path, tmp_path: Path) -> None:
    python = fresh(newest, tmp_path / "venv")
    flat = shop.hosts.store / "current/pypi"

    shop.net.run(python, "-m", "pip", "install", "-q", "--no-index", "--find-links", flat, "flask", home=tmp_path / "h")


@pytest.mark.parametrize(
    ("version", "platform", "expected"),
    [("3.11", "x86_64-manylinux_2_28", LINUX), ("3.12", "x86_64-pc-windows-msvc", WINDOWS)],
)
def test_uv_syncs_what_each_target_needs(version: str, platform: str, expected: str, shop: Shop, tmp_path: Path) -> None:
    target = ("--python-version", version, "--python-platform", platform, "--default-index", shop.simple)
    (tmp_path / "wanted.in").write_text("jupyterlab\nflask\npandas\n")
    compiled = ("pip", "compile", "-q", "--generate-hashes", *target, tmp_path / "wanted.in", "-o", tmp_path / "wanted.txt")
    shop.net.run(UV, *compiled, home=tmp_path / "h")

    shop.net.run(
        UV, "pip", "sync", "-q", "--require-hashes", "--target", tmp_path / "into", *target, tmp_path / "wanted.txt",
        home=tmp_path / "h",
    )  # fmt: skip

    installed = {name.split("-")[0] for name in os.listdir(tmp_path / "into") if name.endswith(".dist-info")}
    assert {"jupyterlab", "pandas"} <= installed
    assert ("colorama" in installed) == (expected == WINDOWS)
    assert ("pexpect" in installed) == (expected == LINUX)


def test_pip_and_uv_install_through_the_generated_configuration(shop: Shop, newest: Path, tmp_path: Path) -> None:
    python = fresh(newest, tmp_path / "venv")
    home = tmp_path / "h"
    with shop.net.airgap_serve(shop.hosts.store, home) as url:
        airgap("clients", "--store", shop.hosts.store, "--url", url, "-o", tmp_path / "clients")
        configured = {"PIP_CONFIG_FILE": str(tmp_path / "clients/pip.conf")}
        shop.net.run(python, "-m", "pip", "install", "-q", "jupyterlab", home=home, env=configured)
        into = ("--target", tmp_path / "into")
        shop.net.run(UV, "pip", "install", "-q", "--config-file", tmp_path / "clients/uv.toml", *into, "flask", home=home)

    assert (tmp_path / "into/flask/__init__.py").exists()


def test_pip_installs_from_nginx(shop: Shop, newest: Path, tmp_path: Path) -> None:
    python = fresh(newest, tmp_path / "venv")
    airgap("clients", "--store", shop.hosts.store, "--url", "http://127.0.0.1:8080", "-o", tmp_path / "clients")
    configured = {"PIP_CONFIG_FILE": str(tmp_path / "clients/pip.conf")}
    server = (
        "nginx",
        "-e",
        "stderr",
        "-p",
        tmp_path / "clients",
        "-c",
        tmp_path / "clients/nginx.conf",
        "-g",
        "daemon off; user root;",
    )
    with shop.net.serving(*server, home=tmp_path / "h"):
        shop.net.run(python, "-m", "pip", "install", "-q", "--retries", "8", "flask", home=tmp_path / "h", env=configured)


def test_a_rewritten_uv_lock_is_taken_as_it_is(shop: Shop, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT)
    subprocess.run([UV, "lock", "-q"], cwd=project, check=True, capture_output=True)
    before = (project / "uv.lock").read_text()
    request = f'[[source]]\necosystem = "pypi"\nlockfile = "uv.lock"\ntargets = ["{LINUX}", "{WINDOWS}"]\n'
    (project / "request.toml").write_text(request)
    hosts = Hosts(tmp_path)
    hosts.meet()
    bundle = tmp_path / "lock.airgap"
    airgap("export", project / "request.toml", "-o", bundle, "--key", hosts.key, "--cache", shop.root / "cache")
    airgap("import", bundle, "--store", hosts.store, inside=NO_NETWORK)
    home = tmp_path / "h"
    env = {"UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
    with shop.net.airgap_serve(hosts.store, home) as url:
        airgap("rewrite-lock", project / "uv.lock", "--url", url)
        shop.net.run(UV, "sync", "-q", "--frozen", cwd=project, home=home, env=env)
        index = {"UV_DEFAULT_INDEX": f"{url}/pypi/simple"}
        shop.net.run(UV, "sync", "-q", "--locked", cwd=project, home=home, env={**env, **index})

    after = (project / "uv.lock").read_text()
    assert re.findall("sha256:[0-9a-f]{64}", after) == re.findall("sha256:[0-9a-f]{64}", before)
    assert url in after


def test_pip_refuses_a_wheel_that_was_changed_in_the_store_and_a_check_finds_it(
    shop: Shop, newest: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(shop.hosts.store, store, symlinks=True)
    (flask,) = (store / "current/pypi").glob("flask-*.whl")
    rot(str(flask), at=10)  # the time of the first file in the archive, which no checksum of zip covers
    python = fresh(newest, tmp_path / "venv")
    index = (store / "current/pypi/simple").as_uri()

    said = shop.net.run(python, "-m", "pip", "install", "--index-url", index, "flask", home=tmp_path / "h", expected=1)

    assert "DO NOT MATCH THE HASHES" in said.stderr
    synced = shop.net.run(
        UV, "pip", "install", "--default-index", index, "--target", tmp_path / "into", "flask",
        home=tmp_path / "h", expected=None,
    )  # fmt: skip
    assert synced.returncode != 0
    assert "Hash mismatch" in synced.stderr
    found = airgap("check", "--store", store, inside=NO_NETWORK, expected=4)
    assert any("flask" in str(finding) for finding in found["findings"] if finding["reason"])


def test_imports_under_a_loop_of_installs_lose_no_request(shop: Shop, newest: Path, tmp_path: Path) -> None:
    """A generation shows everything of the one before, and a request stays in the generation that it began with."""
    hosts = Hosts(tmp_path)
    hosts.meet()
    deliver(hosts, f'[[source]]\necosystem = "pypi"\npackages = ["flask"]\ntargets = ["{LINUX}"]\n', "b0")
    wheels = sorted((shop.hosts.store / "current/pypi").glob("*.whl"), key=lambda path: path.stat().st_size)[:12]
    flips, stop, python = [0], threading.Event(), fresh(newest, tmp_path / "venv")

    def import_one_after_another() -> None:
        after = tmp_path / "b0.airgap"
        while not stop.is_set() and flips[0] < len(wheels):
            folder = tmp_path / f"w{flips[0]}"
            folder.mkdir()
            shutil.copy(wheels[flips[0]], folder)
            flips[0] += 1
            bundle = tmp_path / f"b{flips[0]}.airgap"
            airgap("export", folder, "-o", bundle, "--key", hosts.key, "--after", after)
            airgap("import", bundle, "--store", hosts.store)
            after = bundle

    importer = threading.Thread(target=import_one_after_another)
    home = tmp_path / "h"
    with shop.net.airgap_serve(hosts.store, home) as url:
        importer.start()
        installs = 0
        try:
            while importer.is_alive():
                into = tmp_path / f"into{installs}"
                index = ("--index-url", f"{url}/pypi/simple", "--no-cache-dir", "--retries", "0", "--target", into)
                shop.net.run(python, "-m", "pip", "install", "-q", *index, "flask", home=home)
                installs += 1
        finally:
            stop.set()
            importer.join()

    assert flips[0] == len(wheels)
    assert installs >= 2


def test_an_interrupted_export_downloads_nothing_twice(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path)
    hosts.meet()
    cache = tmp_path / "cache"
    (tmp_path / "request.toml").write_text(REQUEST)
    command: list[str | Path] = [
        sys.executable, "-m", "airgap", "export", tmp_path / "request.toml", "-o", tmp_path / "out.airgap",
        "--key", hosts.key, "--cache", cache, "--jobs", "1",
    ]  # fmt: skip
    # whoever runs the tests in the background has them ignore Ctrl-C, and children inherit that
    running = subprocess.Popen(["env", "--default-signal=INT", *command], stderr=subprocess.PIPE)
    while running.poll() is None and len(finished(cache)) < 20:
        threading.Event().wait(0.02)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    before = finished(cache)

    assert running.returncode not in {0, None}
    assert len(before) >= 20
    assert not (tmp_path / "out.airgap").exists()

    subprocess.run(command, check=True)
    after = finished(cache)
    assert before.items() <= after.items(), "the same files, not written again"
    assert len(after) > len(before)


def finished(cache: Path) -> dict[str, tuple[int, int]]:
    """Downloads that are complete: name, inode and time of their last change."""
    found = {}
    for path in cache.glob("sha256/??/*"):
        if re.fullmatch("[0-9a-f]{64}", path.name):
            status = path.stat()
            found[path.name] = (status.st_ino, status.st_mtime_ns)
    return found


def test_pypiserver_hands_out_the_flat_folder(shop: Shop, newest: Path, tmp_path: Path) -> None:
    server = make_pip(tmp_path / "server", None)
    subprocess.run([server, "-m", "pip", "install", "-q", "pypiserver"], check=True, capture_output=True)
    python = fresh(newest, tmp_path / "venv")
    home = tmp_path / "h"
    run = (server.parent / "pypi-server", "run", "-i", "127.0.0.1", "-p", "8099", shop.hosts.store / "current/pypi")
    with shop.net.serving(*run, home=home):
        index = ("--index-url", "http://127.0.0.1:8099/simple", "--retries", "8")
        shop.net.run(python, "-m", "pip", "install", "-q", *index, "flask", home=home)


def test_devpi_takes_what_a_view_gives(shop: Shop, tmp_path: Path) -> None:
    server = make_pip(tmp_path / "server", None)
    subprocess.run([server, "-m", "pip", "install", "-q", "devpi-server", "devpi-client"], check=True, capture_output=True)
    upload = tmp_path / "upload"
    upload.mkdir()
    for path in (shop.hosts.store / "current/pypi").glob("flask-*.whl"):
        shutil.copy(path, upload)
    home, scripts = tmp_path / "h", server.parent
    shop.net.run(scripts / "devpi-init", "--serverdir", tmp_path / "devpi", "--no-root-pypi", home=home)
    run = (scripts / "devpi-server", "--serverdir", tmp_path / "devpi", "--host", "127.0.0.1", "--port", "3141")
    devpi = scripts / "devpi"
    with shop.net.serving(*run, home=home):
        use = (devpi, "use", "http://127.0.0.1:3141")
        for _ in range(60):
            if shop.net.run(*use, home=home, expected=None).returncode == 0:
                break
            threading.Event().wait(0.5)
        shop.net.run(devpi, "login", "root", "--password", "", home=home)
        shop.net.run(devpi, "index", "-c", "inside", "bases=", home=home)
        shop.net.run(devpi, "use", "root/inside", home=home)
        shop.net.run(devpi, "upload", "--from-dir", upload, home=home)
        said = shop.net.run(devpi, "getjson", "http://127.0.0.1:3141/root/inside/flask", home=home)
        links = json.dumps(json.loads(said.stdout))

    for digest in digests(upload.iterdir()):
        assert digest in links

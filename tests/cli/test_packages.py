"""``airgap export`` of packages, from an index and a registry on this machine into a store."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from airgap.cli import downloads
from airgap.cli.downloads import downloading
from airgap.connected.gather import gather
from airgap.connected.request import FilesSource, PypiSource, Request, read_request
from airgap.core.errors import UsageError
from airgap.core.times import parse_duration
from tests.cli.conftest import Airgap
from tests.cli.keyring import key_file
from tests.cli.test_answers import faults
from tests.connected.npm.registry import Registry, install_npm, lock_of
from tests.connected.pypi.shop import Host, Index, Made, selling, wheel
from tests.connected.web.server import Site, body
from tests.isolated.scene import Scene

SIX, RICH = wheel("six", requires_python=">=3.6"), wheel("rich", tags="py3-none-any")
REQUEST = """
[[source]]
ecosystem = "pypi"
requirements = "wanted.txt"
requested_by = "agent:bot"

[[source]]
ecosystem = "npm"
lockfile = "package-lock.json"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Both clients configured with one server, a request in the current folder, and a store that believes alice."""
    monkeypatch.chdir(tmp_path)
    host = Host(tmp_path, monkeypatch)
    host.write("wanted.txt", "".join(f"{made.pin()}\n" for made in (SIX, RICH)))
    host.write("request.toml", REQUEST)
    host.write("package-lock.json", json.dumps(lock_of(("left", "1.0.0"))))
    key_file(".", "alice")
    with selling(Index([SIX, RICH])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        registry = Registry(site, "/npm/")
        registry.publish("left", "1.0.0")
        install_npm(tmp_path / "bin", monkeypatch, {"registry": registry.url.removesuffix("/")})
        Scene(str(tmp_path)).set_up()
        yield site


EXPORT = ("export", "request.toml", "-o", "out.airgap", "--key", "alice.key.pem", "--cache", "cache")


def artifacts(site: Site) -> list[str]:
    """Which artifacts were asked for, with GET."""
    return [seen.path for seen in site.log if seen.method == "GET" and seen.path.endswith((".whl", ".tgz"))]


def test_packages_go_from_an_index_into_the_views_of_a_store(shop: Site, airgap: Airgap) -> None:
    assert airgap(*EXPORT).code == 0
    imported = airgap("import", "out.airgap", "--store", "store", "--json")
    assert imported.json["result"] == "accepted"

    assert Path(f"store/current/pypi/{SIX.name}").read_bytes() == SIX.content
    assert "&gt;=3.6" in Path("store/current/pypi/simple/six/index.html").read_text()
    packument = json.loads(Path("store/current/npm/left/index.html").read_text())
    assert packument["versions"]["1.0.0"]["dist"]["tarball"].endswith("/npm/left/-/left-1.0.0.tgz")
    shown = airgap("show", "pkg:pypi/six@1.0", "--store", "store", "--json").json["artifacts"][0]
    assert [hop["kind"] for hop in shown["custody"]] == ["agent", "registry"]
    assert shown["view"] == f"pypi/{SIX.name}"
    assert airgap("check", "--store", "store").code == 0


def test_evidence_that_nobody_gives_is_counted_and_not_listed_one_by_one(shop: Site, airgap: Airgap) -> None:
    said = airgap(*EXPORT).out

    assert "without evidence: 1 artifact, withheld-by-mirror: the registry gives neither" in said
    assert "without evidence: 2 artifacts, withheld-by-mirror: the index" in said
    assert "not carried" not in said


@pytest.mark.parametrize(
    "wrong", [("--key", "none.pem"), ("--container", "box"), ("--volume-size", "huge"), ("--trust", "none.json")]
)
def test_what_is_wrong_with_the_command_line_is_said_before_anything_is_asked(
    wrong: tuple[str, str], shop: Site, airgap: Airgap
) -> None:
    ended = airgap(*EXPORT, *wrong)

    assert ended.code == 2, ended
    assert not shop.log


@pytest.mark.parametrize("is_json", [False, True])
def test_a_dry_run_downloads_no_artifact(is_json: bool, shop: Site, airgap: Airgap) -> None:
    ended = airgap(*EXPORT, "--dry-run", *["--json"] * is_json)

    assert ended.code == 0
    assert artifacts(shop) == []
    assert not Path("out.airgap").exists()
    if is_json:
        assert faults("plan", ended.json) == []
        sizes = {item["path"]: item["size"] for item in ended.json["artifacts"]}
        assert sizes[f"artifacts/pypi/{SIX.name}"] == len(SIX.content)
        assert ended.json["counts"]["artifacts"] == 3
    else:
        assert "artifacts/npm/left/-/left-1.0.0.tgz" in ended.out
        assert "3 artifacts, " in ended.out
        assert "would travel; nothing was written" in ended.out


def test_a_second_export_downloads_nothing_again(shop: Site, airgap: Airgap) -> None:
    assert airgap(*EXPORT).code == 0
    before = len(shop.log)

    assert airgap("export", "request.toml", "-o", "two.airgap", "--key", "alice.key.pem", "--cache", "cache").code == 0

    assert len(shop.log) == before


def test_a_mirror_that_lies_about_a_wheel_is_named_before_anything_is_sealed(shop: Site, airgap: Airgap) -> None:
    lie = wheel("six", entries={"evil.py": b"evil"})
    sent = lie.content.ljust(len(SIX.content))[: len(SIX.content)]
    shop.answers[f"/files/{SIX.name}"] = body(sent)
    ended = airgap(*EXPORT)

    assert ended.code == 3
    assert f"{SIX.name}: expected sha256 {SIX.sha256}, got " in ended.err
    assert sha256(sent).hexdigest() in ended.err
    assert not Path("out.airgap").exists()


def test_a_mirror_that_lies_in_its_index_is_named_before_anything_is_downloaded(shop: Site, airgap: Airgap) -> None:
    lie = Made(SIX.name, b"another", "six")
    Index([lie, RICH]).fill(shop)
    ended = airgap(*EXPORT)

    assert ended.code == 3
    assert f"expected sha256:{SIX.sha256}" in ended.err
    assert f"got sha256:{lie.sha256}" in ended.err
    assert artifacts(shop) == []


def test_every_file_that_cannot_be_had_has_a_line(shop: Site, airgap: Airgap) -> None:
    for made in (SIX, RICH):
        shop.answers[f"/files/{made.name}"] = (404, {}, b"")
    ended = airgap(*EXPORT)

    assert ended.code == 2
    for made in (SIX, RICH):
        assert sum(line.startswith(f"airgap: {made.name}: expected ") for line in ended.err.splitlines()) == 1
    said = airgap(*EXPORT, "--json")
    assert faults("error", said.json) == []
    assert len(said.json["message"].splitlines()) == 2


def test_on_a_terminal_downloads_are_shown(shop: Site, airgap: Airgap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    wanted = read_request("request.toml")
    shown: list[str] = []
    monkeypatch.setattr(downloads._Shown, "finish_file", noting(downloads._Shown.finish_file, shown))
    with downloading(wanted, "cache", 2) as open_fetcher:
        found = gather(wanted, open_fetcher)

    assert len(found.artifacts) == 3
    assert shown
    assert all(text.endswith(" files") for text in shown)


def noting(method: Callable[[downloads._Shown], None], shown: list[str]) -> Callable[[downloads._Shown], None]:
    def finish(self: downloads._Shown) -> None:
        method(self)
        shown.append(self._count)

    return finish


@pytest.mark.parametrize("missing", ["urllib3", "packaging"])
def test_without_the_extra_its_name_is_said(missing: str, tmp_path: Path) -> None:
    (tmp_path / "request.toml").write_text('[[source]]\necosystem = "pypi"\npackages = ["six"]\n')
    key_file(str(tmp_path), "alice")
    code = (
        f"import sys\nsys.modules[{missing!r}] = None\nfrom airgap.cli.app import run\n"
        "sys.exit(run(['export', 'request.toml', '-o', 'x', '--key', 'alice.key.pem']))"
    )
    env = {"PYTHONPATH": os.getcwd(), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert f"expected the library {missing}" in done.stderr
    assert "pip install 'airgap[connected]'" in done.stderr


def test_whoever_gives_no_way_to_download_gets_files_only() -> None:
    source = PypiSource(folder=".", packages=("six",))
    wanted = Request(channel="main", expires=parse_duration("1 day"), destination=None, sources=(source,))
    with pytest.raises(UsageError, match="expected files only"):
        gather(wanted)


def test_plain_files_need_no_library_for_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airgap.connected.web.fetcher", None)
    source = FilesSource(folder=".", paths=("x",))
    wanted = Request(channel="main", expires=parse_duration("1 day"), destination=None, sources=(source,))
    with downloading(wanted, "cache", 1) as open_fetcher:
        assert open_fetcher is None


def test_files_and_packages_travel_together(shop: Site, airgap: Airgap) -> None:
    Path("notes.txt").write_text("notes")
    with open("request.toml", "a", encoding="utf-8") as file:
        file.write('\n[[source]]\necosystem = "files"\npath = "notes.txt"\n')
        file.write('\n[[source]]\necosystem = "pypi"\nrequirements = "wanted.txt"\n')
    planned = airgap(*EXPORT, "--dry-run", "--json").json["artifacts"]
    said = airgap(*EXPORT, "--json").json

    assert said["result"] == "sealed"
    assert {item["path"] for item in planned} == {
        f"artifacts/pypi/{SIX.name}",
        f"artifacts/pypi/{RICH.name}",
        "artifacts/npm/left/-/left-1.0.0.tgz",
        "artifacts/files/notes.txt",
    }

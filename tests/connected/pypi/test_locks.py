"""pylock.toml and uv.lock: which releases and files they mean for a target, and what they may not hold."""

import shutil
import subprocess

import pytest

from airgap.core.errors import AirgapError, FormatError, UsageError
from airgap.core.reasons import Reason
from tests.connected.pypi.shop import Host, Index, Made, collect, names, selling, wheel
from tests.connected.web.server import body

LINUX, WINDOWS = "cp311-manylinux_2_28_x86_64", "cp312-win_amd64"
DEMO = wheel("demo")
EXTRA = wheel("extra")
HEAD = 'lock-version = "1.0"\ncreated-by = "test"\n'


def entry(made: Made, where: str, *, marker: str = "", more: str = "", digits: str = "") -> str:
    """One package of a lock."""
    marker = f'marker = "{marker}"\n' if marker else ""
    sha = digits or made.sha256
    return (
        f'[[packages]]\nname = "{made.project}"\nversion = "1.0"\n{marker}'
        f'[[packages.wheels]]\n{where}\nhashes = {{ sha256 = "{sha}" }}\n{more}\n'
    )


def url(made: Made, host: str = "https://upstream.example") -> str:
    return f'url = "{host}/files/{made.name}"'


def test_a_lock_is_read_for_its_target_with_extras_and_groups(host: Host) -> None:
    text = f"{HEAD}extras = ['more']\ndependency-groups = ['dev']\n"
    text += entry(DEMO, url(DEMO)) + entry(EXTRA, url(EXTRA), marker="'more' in extras and sys_platform == 'win32'")
    group = wheel("group")
    text += entry(group, url(group), marker="'dev' in dependency_groups")
    with selling(Index([DEMO, EXTRA, group])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        lock = host.write("pylock.test.toml", text)

        assert names(host.resolve(lockfiles=(lock,), targets=(LINUX,))) == [DEMO.name, group.name]
        assert names(host.resolve(lockfiles=(lock,), targets=(WINDOWS,))) == [DEMO.name, EXTRA.name, group.name]


def test_the_index_comes_first_and_the_address_of_the_lock_second(host: Host) -> None:
    with selling(Index([DEMO])) as site, selling() as upstream:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        upstream.answers[f"/files/{DEMO.name}"] = body(DEMO.content)
        text = HEAD + entry(DEMO, url(DEMO, upstream.url), more="upload-time = 2025-01-01T00:00:00Z")
        lock = host.write("pylock.toml", text)
        assert collect(host.resolve(lockfiles=(lock,), targets=(LINUX,))).artifacts
        assert not upstream.requests

        shutil.rmtree(host.folder / "cache")
        del site.answers[f"/files/{DEMO.name}"]
        got = collect(host.resolve(lockfiles=(lock,), targets=(LINUX,)))
        assert upstream.requests[f"/files/{DEMO.name}"] == 1
        assert got.artifacts[DEMO.name].metadata["upload-time"] == "2026-01-02T03:04:05.678Z"


def test_a_file_that_no_index_has_comes_from_the_address_of_the_lock(host: Host) -> None:
    with selling(Index([])) as site, selling() as upstream:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        upstream.answers[f"/files/{DEMO.name}"] = body(DEMO.content)
        text = HEAD + entry(DEMO, url(DEMO, upstream.url), more="upload-time = 2025-01-01T00:00:00")
        got = collect(host.resolve(lockfiles=(host.write("pylock.toml", text),), targets=(LINUX,)))

        assert got.artifacts[DEMO.name].custody == ({"kind": "registry", "name": upstream.url},)
        assert got.artifacts[DEMO.name].metadata == {"upload-time": "2025-01-01T00:00:00Z"}


def test_a_path_counts_from_the_folder_of_the_lock(host: Host) -> None:
    (host.folder / "wheels here").mkdir()
    (host.folder / "wheels here" / DEMO.name).write_bytes(DEMO.content)
    lock = host.write("pylock.toml", HEAD + entry(DEMO, f'path = "./wheels here/{DEMO.name}"'))
    with selling(Index([])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        assert list(collect(host.resolve(lockfiles=(lock,), targets=(LINUX,))).artifacts) == [DEMO.name]


@pytest.mark.parametrize(("digits", "more"), [("0" * 64, ""), ("", "size = 7")])
def test_an_index_that_contradicts_the_lock_stops_before_any_download(host: Host, digits: str, more: str) -> None:
    with selling(Index([DEMO])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        lock = host.write("pylock.toml", HEAD + entry(DEMO, url(DEMO), digits=digits, more=more))
        with pytest.raises(FormatError, match="as the lock says, got") as caught:
            host.resolve(lockfiles=(lock,), targets=(LINUX,))

        assert caught.value.reason is Reason.CONTENT_MISMATCH
        assert not site.requests[f"/files/{DEMO.name}"]


def test_every_file_that_an_index_contradicts_is_named_once(host: Host) -> None:
    with selling(Index([DEMO, EXTRA])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        text = HEAD + "".join(entry(made, url(made), digits="0" * 64) for made in (DEMO, EXTRA))
        with pytest.raises(FormatError, match=r"^demo-1\.0-.* as the lock says, got") as caught:
            host.resolve(lockfiles=(host.write("pylock.toml", text),), targets=(LINUX, WINDOWS))

        assert [sentence.partition(":")[0] for sentence in caught.value.others] == [EXTRA.name]


def test_of_two_indexes_the_one_that_agrees_with_the_lock_counts(host: Host) -> None:
    other = wheel("demo", entries={"more.py": b""})
    with selling(Index([other], root="/other/simple"), Index([DEMO])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple", PIP_EXTRA_INDEX_URL=f"{site.url}/other/simple")
        lock = host.write("pylock.toml", HEAD + entry(DEMO, url(DEMO)))
        got = collect(host.resolve(lockfiles=(lock,), targets=(LINUX,)))

        assert got.artifacts[DEMO.name].custody[0]["name"] == f"{site.url}/simple"


VCS = '[[packages]]\nname = "tool"\n[packages.vcs]\ntype = "git"\nurl = "https://x.example/t"\ncommit-id = "0"\n'
FOLDER = '[[packages]]\nname = "mine"\n[packages.directory]\npath = "."\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "packages = 1", "got a fault"),
        (HEAD.replace("1.0", "2.0") + "packages = []\n", "got a fault"),
        ("x = " + "[" * 100_000, "got a fault"),
        (f"x = {'1' * 5000}", "got a fault"),
        (HEAD + VCS + FOLDER, "expected packages of an index, got tool, mine from a repository, folder or URL"),
        (
            HEAD + "requires-python = '>=3.12'\npackages = []\n",
            "expected a lock for cp311-manylinux_2_28_x86_64, got one for Python",
        ),
        (HEAD + "environments = [\"sys_platform == 'win32'\"]\npackages = []\n", "got one for other environments"),
        (HEAD + entry(DEMO, url(DEMO)) * 2, "expected one entry of demo for a target, got 2"),
        (HEAD + entry(DEMO, url(DEMO), marker="extra == 'x'"), "expected a marker with a meaning"),
        (HEAD + entry(DEMO, url(DEMO)).replace("sha256", "md5"), "expected a sha256 digest"),
        (HEAD + entry(DEMO, f'url = "ftp://x.example/{DEMO.name}"'), "expected an http, https or file URL"),
    ],
)
def test_a_lock_that_cannot_be_served_is_refused_naming_why(host: Host, text: str, said: str) -> None:
    host.set(PIP_NO_INDEX="1")
    with pytest.raises(AirgapError, match="expected") as caught:
        host.resolve(lockfiles=(host.write("pylock.toml", text),), targets=(LINUX,))
    assert said in caught.value.message


def test_a_time_that_no_calendar_has_leaves_that_of_the_index(host: Host) -> None:
    text = HEAD + entry(DEMO, url(DEMO), more="upload-time = 0001-01-01T00:00:00+23:59")
    with selling(Index([DEMO])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        found = host.resolve(lockfiles=(host.write("pylock.toml", text),), targets=(LINUX,))

    assert str(found.selection.files[0].link.uploaded).startswith("2026-")


def test_a_lock_without_a_version_takes_it_from_the_file(host: Host) -> None:
    text = HEAD + entry(DEMO, url(DEMO)).replace('version = "1.0"\n', "")
    with selling(Index([DEMO])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        assert names(host.resolve(lockfiles=(host.write("pylock.toml", text),), targets=(LINUX,))) == [DEMO.name]


@pytest.mark.parametrize("name", ["poetry.lock", "pylock.a.b.toml", "Pipfile.lock"])
def test_other_locks_are_refused_by_name(host: Host, name: str) -> None:
    host.set(PIP_NO_INDEX="1")
    with pytest.raises(UsageError, match=r"expected pylock\.toml, pylock\.NAME\.toml or uv\.lock"):
        host.resolve(lockfiles=(host.write(name, ""),), targets=(LINUX,))


@pytest.mark.parametrize("name", ["pylock.toml", "uv.lock"])
def test_a_lock_that_is_not_there_is_said(host: Host, name: str) -> None:
    host.set(PIP_NO_INDEX="1")
    with pytest.raises(UsageError, match=f"{name}: expected to read it"):
        host.resolve(lockfiles=(name,), targets=(LINUX,))


PROJECT = """[project]
name = "mine"
version = "1"
requires-python = ">=3.11"
dependencies = ["demo", "extra; sys_platform == 'win32'"]
[project.optional-dependencies]
more = ["optional"]
[dependency-groups]
dev = ["grouped"]
"""


def test_a_lock_made_by_uv_is_read_by_uv_and_served_for_each_target(host: Host) -> None:
    import uv

    optional, grouped = wheel("optional"), wheel("grouped")
    with selling(Index([DEMO, EXTRA, optional, grouped])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        host.write("pyproject.toml", PROJECT)
        command = [uv.find_uv_bin(), "lock", "--quiet", "--default-index", f"{site.url}/simple", "--no-python-downloads"]
        subprocess.run(command, cwd=host.folder, check=True)
        linux = host.resolve(lockfiles=("uv.lock",), targets=(LINUX,))
        windows = host.resolve(lockfiles=("uv.lock",), targets=(WINDOWS,))

        assert names(linux) == [DEMO.name, grouped.name, optional.name]
        assert names(windows) == [DEMO.name, EXTRA.name, grouped.name, optional.name]
        assert len(collect(windows).artifacts) == 4


def test_a_broken_lock_of_uv_is_refused_in_the_words_of_uv(host: Host) -> None:
    host.set(PIP_NO_INDEX="1")
    host.write("pyproject.toml", PROJECT)
    with pytest.raises(UsageError, match=r"uv: expected to read .*uv\.lock, got: error: Failed to parse") as caught:
        host.resolve(lockfiles=(host.write("uv.lock", "version = \x1b[31m"),), targets=(LINUX,))
    assert "\x1b" not in caught.value.message

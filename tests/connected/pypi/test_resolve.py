"""From a request to files of an index on this machine: pip's configuration, uv, the download, and what is handed over."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from airgap.core.entries import Role
from airgap.core.errors import FormatError, UsageError
from airgap.core.reasons import Reason
from tests.connected.pypi.shop import Host, Index, collect, names, sdist, selling, wheel
from tests.connected.web.server import body

LINUX = "cp311-manylinux_2_28_x86_64"
WINDOWS = "cp312-win_amd64"
CLICK = wheel("click", "8.1.7", requires=["colorama; platform_system == 'Windows'"], requires_python=">=3.7")
COLORAMA = wheel("colorama", "0.4.6", tags="py2.py3-none-any")
FAST_LINUX = wheel("fast", "2.0", tags="cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64")
FAST_WINDOWS = wheel("fast", "2.0", tags="cp312-cp312-win_amd64")


@pytest.mark.parametrize("speaks_json", [True, False])
def test_names_are_resolved_by_uv_for_each_target_with_its_own_markers(host: Host, speaks_json: bool) -> None:
    with selling(Index([CLICK, COLORAMA, FAST_LINUX, FAST_WINDOWS], speaks_json=speaks_json)) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple/")
        linux = host.resolve(packages=("click>=8", "fast"), targets=(LINUX,))
        both = host.resolve(packages=("click>=8", "fast"), targets=(LINUX, WINDOWS))

        assert names(linux) == [CLICK.name, FAST_LINUX.name]
        assert names(both) == [CLICK.name, COLORAMA.name, FAST_LINUX.name, FAST_WINDOWS.name]


def test_a_dry_run_downloads_no_file_and_knows_all_sizes(host: Host) -> None:
    with selling(Index([CLICK], speaks_json=False)) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        (planned,) = host.resolve(requirements=(host.write("r.txt", CLICK.pin()),), targets=(LINUX,)).planned()

        assert planned == (f"artifacts/pypi/{CLICK.name}", "pkg:pypi/click@8.1.7", len(CLICK.content))
        assert site.sent[f"/files/{CLICK.name}"] == 0


def test_a_file_travels_with_its_core_metadata_and_with_what_the_index_said(host: Host) -> None:
    with selling(Index([CLICK])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        requested = {"kind": "agent", "name": "dependency-bot"}
        lock = host.write("r.txt", CLICK.pin())
        got = collect(host.resolve(requirements=(lock,), targets=(LINUX,), requested_by=requested))

        artifact = got.artifacts[CLICK.name]
        assert artifact.purl == "pkg:pypi/click@8.1.7"
        assert Path(artifact.source.file).read_bytes() == CLICK.content
        assert artifact.metadata == {"requires-python": ">=3.7", "upload-time": "2026-01-02T03:04:05.678Z"}
        assert artifact.custody == (requested, {"kind": "registry", "name": f"{site.url}/simple"})
        document = got.documents[f"documents/pypi/{CLICK.name}.metadata"]
        assert (document.role, document.media) == (Role.INDEX, "text/plain")
        assert Path(document.source.file).read_bytes().startswith(b"Metadata-Version: 2.1\nName: click\n")


def test_without_a_target_the_running_machine_is_one(host: Host) -> None:
    with selling(Index([CLICK, COLORAMA])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")

        assert CLICK.name in names(host.resolve(packages=("click",)))


def test_markers_of_a_lock_are_judged_for_the_target(host: Host) -> None:
    colorama = COLORAMA.pin().replace(" ", " ; sys_platform == 'win32' ", 1)
    lock = host.write("r.txt", f"{CLICK.pin()}\n{colorama}\n")
    with selling(Index([CLICK, COLORAMA])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")

        assert names(host.resolve(requirements=(lock,), targets=(LINUX,))) == [CLICK.name]
        assert names(host.resolve(requirements=(lock,), targets=(WINDOWS,))) == [CLICK.name, COLORAMA.name]


def test_an_index_that_names_another_digest_than_the_lock_stops_before_any_download(host: Host) -> None:
    other = wheel("click", "8.1.7", entries={"evil.py": b"1"})
    with selling(Index([other])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        with pytest.raises(
            FormatError, match=f"expected sha256:{CLICK.sha256} as the lock says, got sha256:{other.sha256}"
        ) as caught:
            host.resolve(requirements=(host.write("r.txt", CLICK.pin()),), targets=(LINUX,))

        assert caught.value.reason is Reason.CONTENT_MISMATCH
        assert not site.requests[f"/files/{other.name}"]


def test_bytes_that_differ_from_the_digest_are_refused(host: Host) -> None:
    with selling(Index([CLICK])) as site:
        site.answers[f"/files/{CLICK.name}"] = (200, {}, CLICK.content.replace(b"Name: click", b"Name: clack"))
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        resolved = host.resolve(requirements=(host.write("r.txt", CLICK.pin()),), targets=(LINUX,))
        with pytest.raises(FormatError, match=CLICK.sha256) as caught:
            collect(resolved)

        assert caught.value.reason is Reason.CONTENT_MISMATCH


def test_every_package_without_a_wheel_is_named_with_its_target(host: Host) -> None:
    lock = host.write("r.txt", f"{FAST_LINUX.pin()}\nabsent==3 --hash=sha256:{'0' * 64}\n")
    with selling(Index([FAST_LINUX])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        with pytest.raises(UsageError) as caught:
            host.resolve(requirements=(lock,), targets=(LINUX, "cp311-macosx_11_0_arm64"))

        said = caught.value.message
        assert "fast==2.0 for cp311-macosx_11_0_arm64" in said
        assert f"absent==3 for {LINUX} (no such release in the index)" in said
        assert f"fast==2.0 for {LINUX}" not in said
        assert caught.value.hint is not None
        assert "sdists = true" in caught.value.hint


def test_a_source_travels_with_what_builds_it(host: Host) -> None:
    source = sdist("old", pyproject='[build-system]\nrequires = ["maker>=1", "winmaker; sys_platform == \'win32\'"]\n')
    maker = wheel("maker", requires=["helper"])
    helper, winmaker = wheel("helper"), wheel("winmaker")
    with selling(Index([source, maker, helper, winmaker])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        lock = host.write("r.txt", source.pin())
        got = collect(host.resolve(requirements=(lock,), targets=(LINUX,), sdists=True))

        assert list(got.artifacts) == [helper.name, maker.name, source.name]
        (loss,) = (loss for loss in got.losses if loss.what == "not-selected")
        assert loss.purl == "pkg:pypi/old@1.0"
        assert LINUX in loss.detail
        with pytest.raises(UsageError, match="expected a wheel"):
            host.resolve(requirements=(lock,), targets=(LINUX,))


def test_a_source_that_is_built_by_a_url_is_refused(host: Host) -> None:
    source = sdist("old", pyproject='[build-system]\nrequires = ["maker @ https://host.example/maker.zip"]\n')
    with selling(Index([source])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        with pytest.raises(UsageError, match=r"old-1\.0\.tar\.gz: expected 'maker' from an index"):
            host.resolve(requirements=(host.write("r.txt", source.pin()),), targets=(LINUX,), sdists=True)


def test_a_source_that_needs_nothing_to_be_built_travels_alone(host: Host) -> None:
    source = sdist("old", pyproject="[build-system]\nrequires = []\n")
    with selling(Index([source])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        lock = host.write("r.txt", source.pin())

        assert names(host.resolve(requirements=(lock,), targets=(LINUX,), sdists=True)) == [source.name]


def test_no_source_that_fits_is_said_without_the_hint_to_take_sources(host: Host) -> None:
    with selling(Index([FAST_LINUX])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        with pytest.raises(UsageError, match="expected a file of each package") as caught:
            host.resolve(requirements=(host.write("r.txt", FAST_LINUX.pin()),), targets=(WINDOWS,), sdists=True)

        assert caught.value.hint == "name other targets or versions"


def test_a_yanked_file_travels_when_it_is_pinned_and_says_so(host: Host) -> None:
    index = Index([CLICK], said={CLICK.name: {"yanked": "broken"}})
    with selling(index) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        lock = host.write("r.txt", CLICK.pin())
        got = collect(host.resolve(requirements=(lock,), targets=(LINUX,)))

        assert got.artifacts[CLICK.name].metadata["yanked"] == "broken"
        with pytest.raises(UsageError, match="yanked"):
            host.resolve(packages=("click",), targets=(LINUX,))


def test_a_wheel_that_says_another_python_inside_is_refused(host: Host) -> None:
    liar = wheel("liar", requires_python=">=3.12")
    index = Index([liar._replace(requires_python=">=3.7")])
    with selling(index) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        resolved = host.resolve(requirements=(host.write("r.txt", liar.pin()),), targets=(LINUX, WINDOWS))
        with pytest.raises(UsageError, match=f"expected a wheel for {LINUX}, got one for Python '>=3.12'"):
            collect(resolved)


def test_all_indexes_count_alike_as_for_pip_and_the_custody_names_the_one(host: Host) -> None:
    pure = wheel("pure")
    linux, windows = Index([FAST_LINUX], root="/ours/simple"), Index([FAST_WINDOWS, pure])
    with selling(linux, windows) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple", PIP_EXTRA_INDEX_URL=f"{site.url}/ours/simple")
        got = collect(host.resolve(packages=("fast", "pure"), targets=(LINUX, WINDOWS)))

        assert {name: one.custody[0]["name"] for name, one in got.artifacts.items()} == {
            FAST_LINUX.name: f"{site.url}/ours/simple",
            FAST_WINDOWS.name: f"{site.url}/simple",
            pure.name: f"{site.url}/simple",
        }


def test_find_links_folders_and_pages_are_asked_as_well(host: Host) -> None:
    shelf = host.folder / "shelf, ours"
    shelf.mkdir()
    (shelf / FAST_LINUX.name).write_bytes(FAST_LINUX.content)
    page = Index([COLORAMA], speaks_json=False)
    with selling(page, Index([CLICK])) as site:
        links = f"{shelf.as_uri()} {site.url}/simple/colorama/"
        host.set(PIP_INDEX_URL=f"{site.url}/simple", PIP_FIND_LINKS=links)
        got = collect(host.resolve(packages=("fast", "colorama", "click"), targets=(LINUX,)))

        assert list(got.artifacts) == [CLICK.name, COLORAMA.name, FAST_LINUX.name]
        assert got.artifacts[FAST_LINUX.name].custody[0]["name"].startswith("file://")


def test_an_index_that_tells_no_digest_needs_a_lock(host: Host) -> None:
    with selling(Index([CLICK, FAST_LINUX], is_silent=True)) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        assert names(host.resolve(requirements=(host.write("r.txt", CLICK.pin()),), targets=(LINUX,))) == [CLICK.name]

        two = f"{CLICK.pin()} --hash=sha256:{'0' * 64}"
        resolved = host.resolve(requirements=(host.write("two.txt", two),), targets=(LINUX,))
        with pytest.raises(UsageError, match="expected a digest in the index"):
            resolved.planned()


def test_a_lock_in_another_algorithm_is_held_after_the_download(host: Host) -> None:
    import hashlib

    good = {name: hashlib.new(name, CLICK.content).hexdigest() for name in ("sha384", "sha512")}
    with selling(Index([CLICK])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        for name, digits in good.items():
            lock = f"click==8.1.7 --hash={name}:{digits} --hash={name}:{'0' * len(digits)}"
            assert collect(host.resolve(requirements=(host.write("r.txt", lock),), targets=(LINUX,))).artifacts
            bad = f"click==8.1.7 --hash={name}:{'1' * len(digits)} --hash={name}:{'0' * len(digits)}"
            resolved = host.resolve(requirements=(host.write("bad.txt", bad),), targets=(LINUX,))
            with pytest.raises(FormatError, match=f"expected {name}:0+ or one of 1 more as the lock says"):
                collect(resolved)


def test_passwords_reach_their_host_and_nothing_else(host: Host, capfd: pytest.CaptureFixture[str]) -> None:
    with selling(Index([CLICK])) as site, selling(Index([COLORAMA])) as other:
        port = site.url.removeprefix("http://")
        host.set(
            PIP_INDEX_URL=f"http://alice:s3cr%40t@{port}/simple",
            PIP_EXTRA_INDEX_URL=f"{other.url}/simple",
        )
        resolved = host.resolve(packages=("click", "colorama"), targets=(LINUX,))
        got = collect(resolved)
        with pytest.raises(UsageError) as caught:
            host.resolve(packages=("click>=99",), targets=(LINUX,))

        asked = {seen.headers.get("authorization") for seen in site.log if seen.path.startswith("/files")}
        assert asked == {"Basic YWxpY2U6czNjckB0"}
        assert {seen.headers.get("authorization") for seen in other.log} == {None}
        written = f"{got} {resolved} {caught.value} {caught.value.hint} {capfd.readouterr()}"
        assert "s3cr" not in written
        assert "alice" not in str(got)


def test_requirements_without_hashes_and_their_constraints_are_resolved_together(host: Host) -> None:
    old = wheel("click", "7.0")
    host.write("limits.txt", "click<8\n")
    host.write("more.txt", "colorama\n")
    lines = host.write("r.txt", "-c limits.txt\n-r more.txt\nclick  # the newest\n")
    with selling(Index([CLICK, COLORAMA, old])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        assert names(host.resolve(requirements=(lines,), targets=(LINUX,))) == [old.name, COLORAMA.name]
        host.set(PIP_CONSTRAINT=str(host.folder / "limits.txt"))
        assert names(host.resolve(packages=("click",), targets=(LINUX,))) == [old.name]


def test_constraints_behind_a_password_are_read_and_never_stand_in_a_command_line(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = wheel("click", "7.0")
    ran: list[str] = []
    run = subprocess.run

    def note(command: list[str], **more: Any) -> Any:
        ran.extend(command)
        return run(command, **more)

    monkeypatch.setattr(subprocess, "run", note)
    with selling(Index([CLICK, old])) as site:
        site.answers["/limits.txt"] = body(b"click<8\n")
        host.set(PIP_INDEX_URL=f"{site.url}/simple", PIP_CONSTRAINT=f"{site.url}/limits.txt".replace("://", "://me:hush@"))
        assert names(host.resolve(packages=("click",), targets=(LINUX,))) == [old.name]
    assert "compile" in ran
    assert "hush" not in " ".join(ran)


def test_settings_of_uv_change_no_index(host: Host) -> None:
    with selling(Index([CLICK])) as site, selling(Index([wheel("click", "99.0")])) as other:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        for name in ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL"):
            host.set(**{name: f"{other.url}/simple"})
        host.write("uv.toml", f'[[index]]\nurl = "{other.url}/simple"\n')

        assert names(host.resolve(packages=("click",), targets=(LINUX,))) == [CLICK.name]
        assert not other.log


def test_words_about_pythons_without_a_meaning_reach_no_manifest(host: Host) -> None:
    odd = wheel("odd", requires_python="whenever")
    with selling(Index([odd])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        got = collect(host.resolve(requirements=(host.write("r.txt", odd.pin()),), targets=(LINUX,)))

        assert "requires-python" not in got.artifacts[odd.name].metadata


def test_two_sources_may_ask_for_one_file(host: Host) -> None:
    with selling(Index([CLICK])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        locks = (host.write("a.txt", CLICK.pin()), host.write("b.txt", CLICK.pin()))

        assert names(host.resolve(requirements=locks, packages=("click",), targets=(LINUX,))) == [CLICK.name]


def test_an_index_in_a_file_without_hashes_is_refused_and_in_a_lock_is_idle(host: Host) -> None:
    with selling(Index([CLICK])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        option = "--index-url https://elsewhere.example/simple\n"
        with pytest.raises(UsageError, match="expected no index in a file without hashes"):
            host.resolve(requirements=(host.write("r.txt", option + "click\n"),), targets=(LINUX,))
        lock = host.write("lock.txt", option + CLICK.pin())
        assert names(host.resolve(requirements=(lock,), targets=(LINUX,))) == [CLICK.name]


def test_a_package_with_a_hash_belongs_into_a_file(host: Host) -> None:
    host.set(PIP_NO_INDEX="1")
    with pytest.raises(UsageError, match="expected packages without hashes"):
        host.resolve(packages=(CLICK.pin(),))


def test_a_uv_that_cannot_run_or_never_ends_is_said(host: Host) -> None:
    program = host.folder / "uv-that-is-none"
    program.write_text("")
    host.set(PIP_NO_INDEX="1")
    host.monkeypatch.setattr("uv.find_uv_bin", lambda: str(program))
    with pytest.raises(UsageError, match=r"uv: expected to resolve for .*, got Permission denied"):
        host.resolve(packages=("click",))
    program.write_text("#!/bin/sh\nexec sleep 30\n")
    program.chmod(0o755)
    host.monkeypatch.setattr("airgap.connected.collect.pypi.resolver._SECONDS", 0.1)
    with pytest.raises(UsageError, match=r"within 0\.1 s, got no end"):
        host.resolve(packages=("click",))


def test_a_missing_uv_names_the_extra(host: Host) -> None:
    def nowhere() -> str:
        raise FileNotFoundError

    with selling(Index([CLICK])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        host.monkeypatch.setattr("uv.find_uv_bin", nowhere)
        with pytest.raises(UsageError, match="expected it to resolve Python packages, got none") as caught:
            host.resolve(packages=("click",), targets=(LINUX,))
        assert caught.value.hint == "pip install 'airgap[connected]'"
        # a lock needs none
        assert names(host.resolve(requirements=(host.write("r.txt", CLICK.pin()),), targets=(LINUX,))) == [CLICK.name]


def test_a_platform_that_uv_does_not_know_needs_a_lock(host: Host) -> None:
    with selling(Index([CLICK])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        with pytest.raises(UsageError, match="expected a platform that uv resolves for"):
            host.resolve(packages=("click",), targets=("cp311-manylinux_2_28_s390x",))
        lock = host.write("r.txt", CLICK.pin())
        assert names(host.resolve(requirements=(lock,), targets=("cp311-manylinux_2_28_s390x",))) == [CLICK.name]


def test_supplied_evidence_travels_beside_its_file_and_takes_its_loss(host: Host) -> None:
    (host.folder / "evidence").mkdir()
    (host.folder / "evidence" / f"{CLICK.name}.provenance").write_text(json.dumps({"version": 1}))
    (host.folder / "signer.pem").write_text("key")
    with selling(Index([CLICK, COLORAMA])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple")
        lock = host.write("r.txt", f"{CLICK.pin()}\n{COLORAMA.pin()}\n")
        got = collect(host.resolve(requirements=(lock,), targets=(LINUX,), evidence=("evidence",), keys=("signer.pem",)))

        places = [(source.path, role) for source, role, _ in got.artifacts[CLICK.name].evidence]
        assert places == [
            (f"documents/pypi/{CLICK.name}.provenance", Role.ATTESTATION),
            ("documents/keys/signer.pem", Role.KEY),
        ]
        assert [loss.purl for loss in got.losses] == ["pkg:pypi/colorama@0.4.6"]


def test_one_file_from_two_places_with_two_contents_is_refused(host: Host) -> None:
    first, second = wheel("click", "8.1.7"), wheel("click", "8.1.7", entries={"more.py": b""})
    shelf = host.folder / "shelf"
    shelf.mkdir()
    (shelf / second.name).write_bytes(second.content)
    locks = (host.write("a.txt", first.pin()), host.write("b.txt", second.pin()))
    with selling(Index([first])) as site:
        host.set(PIP_INDEX_URL=f"{site.url}/simple", PIP_FIND_LINKS=str(shelf))
        with pytest.raises(FormatError) as caught:
            host.resolve(requirements=locks, targets=(LINUX,))

        assert caught.value.reason is Reason.CONTENT_MISMATCH

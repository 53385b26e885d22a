"""Requirements files: what they say, what they include, and what no index could serve."""

import time
from pathlib import Path

import pytest

from airgap.connected.collect.pypi.pin import check_locked, pins_of
from airgap.connected.collect.pypi.requirements_text import parse_requirements, read_requirements
from airgap.connected.collect.pypi.target import parse_target
from airgap.core.errors import AirgapError, FormatError, UsageError

A, B = "a" * 64, "b" * 64
LINUX = parse_target("cp311-manylinux_2_28_x86_64")


def read(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "r.txt").write_text(text)
    return [str(line.requirement) for line in read_requirements(str(tmp_path / "r.txt")).lines]


def test_continued_lines_comments_and_hashes_are_read(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text(
        "\ufeff# made by a tool \\\n"
        "Flask[async]==3.0 ; python_version >= '3.8' \\\n"
        f"    --hash=sha256:{A} \\\n"
        f"    --hash=sha256:{B.upper()}\n"
        "    # via something\n"
        "\n"
        f"click==8.1.7 --hash=sha512:{A}{B}  # why not \\\n"
    )
    first, second = read_requirements(str(tmp_path / "r.txt")).lines

    assert str(first.requirement) == 'Flask[async]==3.0; python_version >= "3.8"'
    assert first.hashes == {("sha256", A), ("sha256", B)}
    assert first.where.endswith("r.txt:2")
    assert second.hashes == {("sha512", A + B)}


def test_a_last_line_that_is_continued_counts(tmp_path: Path) -> None:
    assert read(tmp_path, "click \\") == ["click"]


def test_files_are_included_from_where_they_stand_and_each_once(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.txt").write_text("--requirement=b.txt\nclick\n")
    (tmp_path / "more" / "b.txt").write_text("-r ../r.txt\nidna\n")
    (tmp_path / "more" / "c.txt").write_text("click<9\n")
    (tmp_path / "r.txt").write_text("-r more/a.txt\n-c more/c.txt\n")
    found = read_requirements(str(tmp_path / "r.txt"))

    assert [str(line.requirement) for line in found.lines] == ["idna", "click"]
    assert [str(line.requirement) for line in found.constraints] == ["click<9"]


def test_options_about_indexes_are_noted_and_idle_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text(
        "-i https://index.example/simple\n--extra-index-url=https://x.example\n--require-hashes\nclick\n"
    )
    found = read_requirements(str(tmp_path / "r.txt"))

    assert [option.rpartition(": ")[2] for option in found.index_options] == ["-i", "--extra-index-url"]


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "--pre",
        "./wheels/x-1.0-py3-none-any.whl",
        "git+https://host.example/x.git",
        "x @ https://host.example/x.zip",
        "https://host.example/x.zip",
        "x==1 --global-option=evil",
        "x==1 --hash=md5:00",
        "x==1 --hash=sha256:zz",
        "-r missing.txt",
        "x ==",
        "x; " + "(" * 3000 + "os_name == 'posix'" + ")" * 500,
        "x; " + "(" * 1500 + "os_name == 'posix'" + ")" * 1500,
        "x" * 5000,
    ],
)
def test_what_no_index_could_serve_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    with pytest.raises(AirgapError, match=r"r\.txt:1|missing\.txt"):
        read(tmp_path, line)


def test_heaps_of_files_and_large_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airgap.connected.collect.pypi.requirements_text.MAX_FILES", 3)
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n")
    with pytest.raises(FormatError, match="expected at most 3 files"):
        read_requirements(str(tmp_path / "0.txt"))
    monkeypatch.setattr("airgap.connected.collect.pypi.requirements_text.MAX_FILE", 10)
    with pytest.raises(FormatError, match="expected at most 10 bytes"):
        read(tmp_path, "x" * 11)


def test_long_runs_of_blanks_and_of_continued_lines_cost_no_time(tmp_path: Path) -> None:
    begin = time.monotonic()
    assert read(tmp_path, "x" + "\\\n" * 300_000 + "y" + " " * 1_000_000 + "#") == ["xy"]
    with pytest.raises(UsageError):
        read(tmp_path, "x" + " " * 1_000_000 + "y")
    assert time.monotonic() - begin < 5


def test_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(FormatError, match="expected UTF-8"):
        read_requirements(str(tmp_path / "r.txt"))


def test_hashes_of_one_release_are_joined_and_two_releases_are_a_fault() -> None:
    text = f"Click==8.0 --hash=sha256:{A}\nclick==8 --hash=sha256:{B}\n"
    (pin,) = pins_of(parse_requirements(text, where="r"), LINUX)

    assert pin.hashes == {("sha256", A), ("sha256", B)}
    with pytest.raises(FormatError, match=r"r:2: expected one version of click, got 9 beside 8"):
        pins_of(parse_requirements(f"click==8 --hash=sha256:{A}\nclick==9 --hash=sha256:{A}\n", where="r"), LINUX)


def test_two_versions_for_different_releases_of_one_python_both_travel() -> None:
    text = "".join(
        f"x=={version} ; python_full_version {limit} '3.11.4' --hash=sha256:{A}\n"
        for version, limit in ((1, "<"), (2, ">="))
    )

    assert [str(pin.version) for pin in pins_of(parse_requirements(text, where="r"), LINUX)] == ["1", "2"]


@pytest.mark.parametrize("line", ["click", "click>=8", "click==8.*", "click==8,!=9", "click===8"])
def test_a_lock_that_leaves_a_choice_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match="expected name==version, got"):
        check_locked(parse_requirements(f"{line} --hash=sha256:{A}", where="r"))


def test_a_lock_in_which_a_hash_is_missing_is_refused() -> None:
    with pytest.raises(UsageError, match="r:2: expected a hash as for other packages"):
        check_locked(parse_requirements(f"click==8 --hash=sha256:{A}\nidna==3\n", where="r"))


@pytest.mark.parametrize("marker", ["os_name ~= 'posix'", "'x' in extras"])
def test_a_marker_without_a_meaning_is_refused(marker: str) -> None:
    with pytest.raises(FormatError, match="r:1: expected a marker with a meaning"):
        pins_of(parse_requirements(f"x==1 ; {marker} --hash=sha256:{A}", where="r"), LINUX)


def test_an_extra_in_a_marker_is_none_of_ours() -> None:
    requirements = parse_requirements(f"x==1 ; extra == 'test' --hash=sha256:{A}", where="r")

    assert pins_of(requirements, LINUX) == []

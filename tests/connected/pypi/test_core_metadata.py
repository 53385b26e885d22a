"""What a wheel says inside has to be what its name says outside."""

from pathlib import Path

import pytest

from airgap.connected.collect.pypi.core_metadata import MAX_METADATA, read_metadata
from airgap.connected.collect.pypi.distribution import Distribution, is_release
from airgap.connected.collect.pypi.source_tree import build_requirements
from airgap.core.errors import FormatError
from tests.connected.pypi.shop import Made, sdist, tarred, wheel, zipped


def put(tmp_path: Path, made: Made) -> tuple[Distribution, str]:
    (tmp_path / made.name).write_bytes(made.content)
    return Distribution.parse(made.name), str(tmp_path / made.name)


def test_the_metadata_is_handed_over_as_it_is(tmp_path: Path) -> None:
    found = read_metadata(*put(tmp_path, wheel("Some.Thing", "1.0", requires_python=">=3.9")))

    assert found.requires_python == ">=3.9"
    assert found.content == b"Metadata-Version: 2.1\nName: Some.Thing\nVersion: 1.0\nRequires-Python: >=3.9\n"


@pytest.mark.parametrize(
    "made",
    [
        wheel("demo", inside="Metadata-Version: 2.1\nName: other\nVersion: 1.0\n"),
        wheel("demo", inside="Metadata-Version: 2.1\nName: demo\nVersion: 1.1\n"),
        wheel("demo", inside="Metadata-Version: 2.1\nName: demo\nVersion: what\n"),
        wheel("demo", inside="Metadata-Version: 2.1\n"),
        wheel("demo", inside=f"Metadata-Version: 2.1\nName: demo\nVersion: {'9' * 5000}\n"),
        wheel("demo", entries={"other-1.0.dist-info/METADATA": b""}),
        wheel("demo")._replace(content=zipped({"other-1.0.dist-info/METADATA": b"Name: demo\nVersion: 1.0\n"})),
        wheel("demo")._replace(content=zipped({"demo-1.0.dist-info/WHEEL": b""})),
        wheel("demo")._replace(content=b"no archive"),
        wheel("demo")._replace(content=wheel("demo").content[:200]),
    ],
)
def test_a_wheel_that_is_another_inside_is_refused(tmp_path: Path, made: Made) -> None:
    with pytest.raises(FormatError, match=r"demo-1\.0-py3-none-any\.whl: expected"):
        read_metadata(*put(tmp_path, made))


def test_a_compression_with_an_unbounded_dictionary_is_refused(tmp_path: Path) -> None:
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("demo-1.0.dist-info/METADATA", "Name: demo\nVersion: 1.0\n")
    with pytest.raises(FormatError, match="got compression 14"):
        read_metadata(*put(tmp_path, wheel("demo")._replace(content=out.getvalue())))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_metadata_files_of_one_name_are_refused(tmp_path: Path) -> None:
    import io
    import zipfile

    out = io.BytesIO(wheel("demo").content)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("demo-1.0.dist-info/METADATA", "Name: demo\nVersion: 1.0\n")
    with pytest.raises(FormatError, match="expected one METADATA, got 2"):
        read_metadata(*put(tmp_path, wheel("demo")._replace(content=out.getvalue())))


def test_metadata_larger_than_any_is_refused(tmp_path: Path) -> None:
    text = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n\n" + "x" * MAX_METADATA
    with pytest.raises(FormatError, match="expected metadata of at most"):
        read_metadata(*put(tmp_path, wheel("demo", inside=text)))


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_build_requirements_are_read_from_a_source(tmp_path: Path, suffix: str) -> None:
    project = '[build-system]\nrequires = ["hatchling>=1", "other; python_version < \'3.9\'"]\n'
    found = build_requirements(*put(tmp_path, sdist("demo", pyproject=project, suffix=suffix)))

    assert found == ("hatchling>=1", "other; python_version < '3.9'")


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
@pytest.mark.parametrize("project", [None, "", "[project]\nname = 'demo'\n"])
def test_a_source_that_says_nothing_is_built_by_setuptools(tmp_path: Path, project: str | None, suffix: str) -> None:
    assert build_requirements(*put(tmp_path, sdist("demo", pyproject=project, suffix=suffix))) == (
        "setuptools>=40.8.0",
        "wheel",
    )


def test_a_pyproject_deeper_inside_is_not_the_projects(tmp_path: Path) -> None:
    deep = tarred({"demo-1.0/tests/pyproject.toml": b"[build-system]\nrequires = ['evil']\n"})

    assert "evil" not in build_requirements(*put(tmp_path, sdist("demo")._replace(content=deep)))


@pytest.mark.parametrize(
    "made",
    [
        sdist("demo", pyproject="[build-system]\nrequires = 1\n"),
        sdist("demo", pyproject="build-system = 1\n"),
        sdist("demo", pyproject="[build-system]\n"),
        sdist("demo", pyproject='[build-system]\nrequires = ["a\\nb"]\n'),
        sdist("demo", pyproject="no toml"),
        sdist("demo", pyproject="x = 1 # " + "x" * 1024 * 1024),
        sdist("demo")._replace(content=b"no archive"),
        sdist("demo", suffix=".zip")._replace(content=b"no archive"),
    ],
)
def test_a_source_that_is_none_is_refused(tmp_path: Path, made: Made) -> None:
    with pytest.raises(FormatError):
        build_requirements(*put(tmp_path, made))


def test_a_source_that_unpacks_to_more_than_any_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airgap.connected.collect.pypi.source_tree.MAX_UNPACKED", 4096)
    bomb = sdist("demo")._replace(content=tarred({"demo-1.0/zeros": bytes(1_000_000)}))
    with pytest.raises(FormatError, match="expected at most 4096 bytes unpacked"):
        build_requirements(*put(tmp_path, bomb))


def test_a_compression_that_nobody_knows_is_said(tmp_path: Path) -> None:
    content = bytearray(sdist("demo", pyproject="", suffix=".zip").content)
    for at in (i for i in range(len(content)) if bytes(content[i : i + 4]) in {b"PK\x01\x02", b"PK\x03\x04"}):
        content[at + (10 if content[at + 2] == 1 else 8)] = 97
    with pytest.raises(FormatError, match="expected members stored or deflated, got compression 97"):
        build_requirements(*put(tmp_path, sdist("demo", suffix=".zip")._replace(content=bytes(content))))


@pytest.mark.parametrize(
    "name", ["demo.whl", "demo-1.0.exe", "demo-1.0-py3-none.whl", "demo-x.tar.gz", "../demo-1.0.tar.gz", "demo-1.0~.zip"]
)
def test_other_names_are_no_distributions(name: str) -> None:
    with pytest.raises(FormatError, match=r"name.*: expected"):
        Distribution.parse(name)


def test_a_release_is_known_by_a_look_at_the_name() -> None:
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    project, version = canonicalize_name("a-b"), Version("1.0")
    for name in ("A.B-1.0-py3-none-any.whl", "a_b-1-py3-none-any.whl", "a-b-1.0.0.tar.gz", "a__b-1.0.zip"):
        assert is_release(name, project, version)
    for name in ("a_b-1.1-py3-none-any.whl", "b-1.0.zip", "a-b-1.0.exe", "a_b-what.zip", f"a_b-{'1' * 300}.zip", "a_b.whl"):
        assert not is_release(name, project, version)


def test_the_purl_of_a_release_quotes_its_version() -> None:
    found = Distribution.parse("Some_Thing-1!2.0+cpu-py3-none-any.whl")

    assert found.purl == "pkg:pypi/some-thing@1%212.0%2Bcpu"
    assert found.path == "artifacts/pypi/Some_Thing-1!2.0+cpu-py3-none-any.whl"

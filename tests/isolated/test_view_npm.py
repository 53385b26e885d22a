"""Packuments: how trimmed ones are read, merged and shown."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.core.errors import FormatError
from airgap.core.names import check_path
from airgap.core.packument import parse_packument
from airgap.core.reasons import Reason
from airgap.isolated.views.npm import precedence, render, tarball

INTEGRITY = "sha512-" + "A" * 86 + "=="


def release(version: str, *, name: str = "left-pad", **more: Any) -> dict[str, Any]:
    return {"name": name, "version": version, "dist": {"integrity": INTEGRITY}, **more}


def packument(*versions: str, name: str = "left-pad", tags: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "dist-tags": tags or {},
        "versions": {version: release(version, name=name, **more) for version in versions},
        "time": {version: f"2026-01-0{day}T00:00:00.000Z" for day, version in enumerate(versions, 1)},
    }


def parsed(value: Any) -> Any:
    return parse_packument(json.dumps(value).encode())


def shown(*documents: dict[str, Any], carried: tuple[str, ...] = (), gone: tuple[str, ...] = ()) -> dict[str, Any]:
    name = documents[0]["name"]
    tarballs = {tarball(name, version) for version in carried}
    found = render(name, documents, shown=tarballs, gone={tarball(name, version) for version in gone})
    ((path, content),) = found
    assert path == f"npm/{name}/index.html"
    value = json.loads(content)
    assert isinstance(value, dict)
    return value


def test_a_packument_says_what_clients_install_by() -> None:
    value = packument("1.0.0", tags={"latest": "1.0.0"}, dependencies={"a": "^1"}, bin={"left-pad": "x.js"}, os=["linux"])
    assert shown(parsed(value), carried=("1.0.0",)) == {
        "_id": "left-pad",
        "name": "left-pad",
        "dist-tags": {"latest": "1.0.0"},
        "versions": {
            "1.0.0": {
                "name": "left-pad",
                "version": "1.0.0",
                "dependencies": {"a": "^1"},
                "bin": {"left-pad": "x.js"},
                "os": ["linux"],
                "dist": {
                    "integrity": INTEGRITY,
                    "tarball": "http://airgap.invalid/npm/left-pad/-/left-pad-1.0.0.tgz",
                },
            }
        },
        "time": {"1.0.0": "2026-01-01T00:00:00.000Z"},
    }


def test_a_scope_is_a_folder_and_not_part_of_the_file_name() -> None:
    value = shown(packument("1.0.0+build.1", name="@scope/name"), carried=("1.0.0+build.1",))
    address = "http://airgap.invalid/npm/@scope/name/-/name-1.0.0%2Bbuild.1.tgz"
    assert value["versions"]["1.0.0+build.1"]["dist"]["tarball"] == address


def test_later_documents_win_for_each_version_tag_and_time() -> None:
    old = packument("1.0.0", "1.1.0", tags={"latest": "1.1.0", "next": "1.1.0"})
    new = packument("1.1.0", "2.0.0", tags={"latest": "2.0.0"}, deprecated="use something else")
    value = shown(old, new, carried=("1.0.0", "1.1.0", "2.0.0"))

    assert list(value["versions"]) == ["1.0.0", "1.1.0", "2.0.0"]
    assert value["dist-tags"] == {"latest": "2.0.0", "next": "1.1.0"}
    assert "deprecated" not in value["versions"]["1.0.0"]
    assert value["versions"]["1.1.0"]["deprecated"] == "use something else"
    assert value["time"]["1.1.0"] == "2026-01-01T00:00:00.000Z"


def test_a_version_that_did_not_travel_is_listed_and_a_recalled_one_is_not() -> None:
    value = shown(packument("1.0.0", "1.1.0", "1.2.0", tags={"bad": "1.2.0"}), carried=("1.0.0",), gone=("1.2.0",))
    assert set(value["versions"]) == set(value["time"]) == {"1.0.0", "1.1.0"}
    assert value["dist-tags"] == {"latest": "1.0.0"}


def test_a_package_of_which_everything_is_recalled_has_no_packument() -> None:
    assert list(render("left-pad", [packument("1.0.0")], shown=set(), gone={tarball("left-pad", "1.0.0")})) == []


def test_a_tarball_that_no_document_speaks_of_is_not_listed() -> None:
    assert list(render("left-pad", [], shown={tarball("left-pad", "1.0.0")})) == []
    assert list(shown(packument("1.0.0"), carried=("1.0.0", "2.0.0"))["versions"]) == ["1.0.0"]


def test_a_document_of_another_package_does_not_count() -> None:
    stranger = packument("9.0.0", name="right-pad", tags={"latest": "9.0.0"})
    assert list(render("left-pad", [packument("1.0.0"), stranger], shown=set())) == list(
        render("left-pad", [packument("1.0.0")], shown=set())
    )


@pytest.mark.parametrize(
    ("tags", "carried", "latest"),
    [
        ({"latest": "1.0.0"}, ("1.0.0", "2.0.0"), "1.0.0"),
        ({"latest": "2.0.0"}, ("1.0.0",), "1.0.0"),
        ({"latest": "7.0.0"}, ("1.0.0", "2.0.0"), "2.0.0"),
        ({}, ("2.0.0", "10.0.0", "11.0.0-rc.1"), "10.0.0"),
        ({}, ("11.0.0-rc.1",), "11.0.0-rc.1"),
        ({}, (), "10.0.0"),
        ({"latest": "2.0.0"}, (), "10.0.0"),
    ],
)
def test_latest_names_a_version_that_can_be_installed(tags: dict[str, str], carried: tuple[str, ...], latest: str) -> None:
    versions = ("11.0.0-rc.1", "2.0.0", "10.0.0", "1.0.0")
    assert shown(packument(*versions, tags=tags), carried=carried)["dist-tags"] == {"latest": latest}


def test_versions_are_ordered_as_semantic_versioning_says() -> None:
    ordered = [
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
        "1.0.0", "1.2.0", "1.10.0", "1.10.1", "2.0.0",
    ]  # fmt: skip
    assert sorted(set(ordered), key=precedence) == ordered


@given(st.permutations(range(4)))
def test_the_order_of_members_does_not_matter(order: list[int]) -> None:
    (expected,) = render("left-pad", [packument("1.0.0", "1.1.0", "1.2.0", "1.3.0")], shown=set())
    said = packument("1.0.0", "1.1.0", "1.2.0", "1.3.0")
    for member in ("versions", "time"):
        said[member] = {f"1.{number}.0": said[member][f"1.{number}.0"] for number in order}
    assert list(render("left-pad", [said], shown=set())) == [expected]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{",
        b'{"name":"a","name":"a","versions":{},"time":{},"dist-tags":{}}',
        '{"name":"a","versions":{},"time":{},"dist-tags":{}}'.encode("utf-16"),
        b'{"name":"a","versions":' + b'{"":' * 100_000 + b"1" + b"}" * 100_000 + b',"time":{},"dist-tags":{}}',
        b'{"name":"a","versions":{},"time":{"1.0.0":NaN},"dist-tags":{}}',
    ],
)
def test_bytes_that_are_no_strict_json_object_are_refused(raw: bytes) -> None:
    with pytest.raises(FormatError, match="packument: expected"):
        parse_packument(raw)


@pytest.mark.parametrize(
    ("member", "value", "got"),
    [
        ("readme", "text", "expected the members dist-tags, name, time, versions, got"),
        ("name", 7, "expected the name of an npm package, got 7"),
        ("name", "", "expected the name of an npm package"),
        ("name", "../../x", "expected the name of an npm package"),
        ("name", "a/b", "expected the name of an npm package"),
        ("name", "@a/b/c", "expected the name of an npm package"),
        ("name", "@/b", "expected the name of an npm package"),
        ("name", ".hidden", "expected the name of an npm package"),
        ("name", "left-pad\n", "expected the name of an npm package"),
        ("name", "a" * 215, "expected the name of an npm package"),
        ("versions", [], "expected versions as an object"),
        ("versions", {"../1.0.0": {}}, "expected a version, got '../1.0.0'"),
        ("versions", {"1.0": release("1.0")}, "expected a version"),
        ("versions", {"1.0.0-..": release("1.0.0-..")}, "expected a version"),
        ("versions", {"1.0.0-" + "a" * 300: {}}, "expected a version"),
        ("versions", {"1.0.0": None}, "expected an object with an object dist"),
        ("versions", {"1.0.0": {**release("1.0.0"), "dist": None}}, "expected an object with an object dist"),
        ("versions", {"1.0.0": release("1.0.1")}, "expected the same name and version inside"),
        ("versions", {"1.0.0": release("1.0.0", name="x")}, "expected the same name and version inside"),
        ("versions", {"1.0.0": release("1.0.0", scripts={})}, "clients install by, got 'scripts'"),
        ("versions", {"1.0.0": release("1.0.0", dist={"tarball": "x"})}, "clients install by, got 'tarball'"),
        ("time", [], "expected time as an object of text"),
        ("time", {"1.0.0": 5}, "expected time as an object of text"),
        ("dist-tags", {"latest": ["1.0.0"]}, "expected dist-tags as an object of text"),
    ],
)
def test_a_packument_that_says_something_else_is_refused(member: str, value: object, got: str) -> None:
    with pytest.raises(FormatError) as caught:
        parsed({**packument("1.0.0"), member: value})
    assert got in caught.value.message


def test_a_name_that_is_a_device_somewhere_is_refused() -> None:
    with pytest.raises(FormatError) as caught:
        parsed(packument("1.0.0", name="@scope/con"))
    assert caught.value.reason is Reason.BAD_NAME


@given(st.text(min_size=1, max_size=20), st.text(alphabet="0123456789.-+a/", max_size=12))
def test_no_name_leads_a_page_out_of_its_folder(name: str, version: str) -> None:
    try:
        said = parsed(packument(version, name=name))
    except FormatError:
        return
    for path, _ in render(name, [said], shown=set()):
        check_path(path)
        assert path == f"npm/{name}/index.html"

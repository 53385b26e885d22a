"""The index of Python packages: what its pages say, to the letter, and that nothing odd gets into them."""

import json
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.core.names import check_path
from airgap.isolated.views.pypi import File, release_of, render

WHEEL = "Fancy.Name-1.0+local.1-py3-none-any.whl"
PAGE = "pypi/simple/fancy-name/"
FOLDER = "http://127.0.0.1/sub/pypi/simple/fancy-name/"


class Anchors(HTMLParser):
    """Collects links as a client reads them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def file(name: str = WHEEL, metadata: dict[str, Any] | None = None, core_metadata: bytes | None = None) -> File:
    return File(name, b"\xab" * 32, 1234, metadata or {}, core_metadata)


def pages(*files: File) -> dict[str, bytes]:
    return dict(render(files))


def link(one: File) -> dict[str, str | None]:
    (found,) = Anchors(pages(one)[PAGE + "index.html"]).found
    return found


def said(one: File) -> dict[str, Any]:
    (found,) = json.loads(pages(one)[PAGE + "index.json"])["files"]
    assert isinstance(found, dict)
    return found


def test_a_page_of_html_is_to_the_letter() -> None:
    page = pages(file(metadata={"requires-python": ">=3.9"}, core_metadata=b"\xcd" * 32))[PAGE + "index.html"]
    metadata = "sha256=" + "cd" * 32
    assert page.decode() == (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n'
        "  <head>\n"
        '    <meta charset="utf-8">\n'
        '    <meta name="pypi:repository-version" content="1.1">\n'
        "    <title>Links for fancy-name</title>\n"
        "  </head>\n"
        "  <body>\n"
        "    <h1>Links for fancy-name</h1>\n"
        f'    <a href="../../Fancy.Name-1.0%2Blocal.1-py3-none-any.whl#sha256={"ab" * 32}" data-requires-python="&gt;=3.9"'
        f' data-core-metadata="{metadata}">{WHEEL}</a><br>\n'
        "  </body>\n"
        "</html>\n"
    )


def test_json_says_what_html_says_and_size_and_time() -> None:
    metadata = {"requires-python": ">=3.9", "upload-time": "2026-01-02T03:04:05.678901Z", "yanked": "broken"}
    page = pages(file(metadata=metadata, core_metadata=b"\xcd" * 32))[PAGE + "index.json"]
    assert page.endswith(b"}\n")
    assert json.loads(page) == {
        "meta": {"api-version": "1.1"},
        "name": "fancy-name",
        "versions": ["1.0+local.1"],
        "files": [
            {
                "filename": WHEEL,
                "url": "../../Fancy.Name-1.0%2Blocal.1-py3-none-any.whl",
                "hashes": {"sha256": "ab" * 32},
                "size": 1234,
                "requires-python": ">=3.9",
                "upload-time": "2026-01-02T03:04:05.678901Z",
                "yanked": "broken",
                "core-metadata": {"sha256": "cd" * 32},
            }
        ],
    }


def test_every_link_leads_to_the_file_from_wherever_the_tree_is_served() -> None:
    target = "http://127.0.0.1/sub/pypi/Fancy.Name-1.0%2Blocal.1-py3-none-any.whl"
    assert urljoin(FOLDER, link(file())["href"]) == f"{target}#sha256={'ab' * 32}"
    assert urljoin(FOLDER + "index.html", said(file())["url"]) == target


def test_the_first_page_lists_projects_by_their_normalised_name() -> None:
    found = pages(file("zope.interface-5.0.tar.gz"), file(), file("Zope_Interface-6.0.zip"))
    hrefs = [one["href"] for one in Anchors(found["pypi/simple/index.html"]).found]
    assert hrefs == ["fancy-name/", "zope-interface/"]
    assert json.loads(found["pypi/simple/index.json"]) == {
        "meta": {"api-version": "1.1"},
        "projects": [{"name": "fancy-name"}, {"name": "zope-interface"}],
    }
    assert json.loads(found["pypi/simple/zope-interface/index.json"])["versions"] == ["5.0", "6.0"]


def test_an_empty_index_has_its_first_pages() -> None:
    assert list(pages()) == ["pypi/simple/index.html", "pypi/simple/index.json"]


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "six-1.0.egg",
        "six-1.0.tar.bz2",
        "six-1.0-py3-none-any.whl.metadata",
        "six.tar.gz",
        "-1.0.tar.gz",
        "---1.0.tar.gz",
        "_-1.0.tar.gz",
        ".-1.0.tar.gz",
        "six-<b>.tar.gz",
        "si x-1.0.tar.gz",
        "six\n-1.0.tar.gz",
        "six-1.0\n.tar.gz",
        "..%2fsix-1.0.tar.gz",
        "..\\six-1.0.tar.gz",
        "../six-1.0.tar.gz",
        "s\u00edx-1.0.tar.gz",
        "simple-index.html",
        "a" * 201 + "-1.0.tar.gz",
    ],
)
def test_what_is_no_name_of_a_distribution_is_not_listed(name: str) -> None:
    assert release_of(name) is None
    assert list(pages(file(name))) == ["pypi/simple/index.html", "pypi/simple/index.json"]


@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("six-1.0-py2.py3-none-any.whl", ("six", "1.0")),
        ("six-1.0-1-py3-none-any.whl", ("six", "1.0")),
        ("Six_Pack.and--more-1!2.0rc1.post1.dev1.tar.gz", ("six-pack-and-more", "1!2.0rc1.post1.dev1")),
    ],
)
def test_project_and_version_are_read_from_the_file_name(name: str, release: tuple[str, str]) -> None:
    assert release_of(name) == release


@pytest.mark.parametrize(
    ("yanked", "attribute", "member"),
    [(True, "", True), ("a <b>\" ' reason", "a <b>\" ' reason", "a <b>\" ' reason")],
)
def test_yanked_files_say_so_and_why(yanked: Any, attribute: str, member: Any) -> None:
    one = file(metadata={"yanked": yanked})
    assert link(one)["data-yanked"] == attribute
    assert said(one)["yanked"] == member


@pytest.mark.parametrize(
    "metadata",
    [
        {"yanked": False},
        {"yanked": ""},
        {"yanked": 1},
        {"yanked": "a\nb"},
        {"requires-python": ""},
        {"requires-python": 3},
        {"requires-python": ">=3\u202e"},
        {"requires-python": ">" * 501},
        {"upload-time": "yesterday"},
        {"upload-time": "2026-01-02T03:04:05+01:00"},
        {"upload-time": "2026-01-02T03:04:05Z\n"},
        {"upload-time": None},
        {"dist-info-metadata": {"sha256": "00"}},
    ],
)
def test_metadata_that_is_not_what_its_standard_says_is_left_out(metadata: dict[str, Any]) -> None:
    assert pages(file(metadata=metadata)) == pages(file())


def test_text_of_others_cannot_leave_its_attribute() -> None:
    hostile = '"><script>alert(1)</script><a href="x'
    page = pages(file(metadata={"requires-python": hostile, "yanked": hostile}))[PAGE + "index.html"]
    assert b"<script" not in page
    assert Anchors(page).found[0]["data-requires-python"] == hostile


@given(st.permutations([file("b-1.0.zip"), file("a-1.0.zip"), file("a-2.0.zip"), file()]))
def test_the_order_of_files_does_not_matter(files: list[File]) -> None:
    assert list(render(files)) == list(render(sorted(files)))


@given(st.text(min_size=1), st.sampled_from([".tar.gz", ".zip", "-1.0.tar.gz", "-1.0-py3-none-any.whl"]))
def test_no_file_name_leads_a_page_out_of_its_folder(stem: str, suffix: str) -> None:
    for path, _ in render([file(stem + suffix)]):
        check_path(path)
        assert path.startswith("pypi/simple/")
        assert path.count("/") in {2, 3}

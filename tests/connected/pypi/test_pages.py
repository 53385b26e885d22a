"""What an index says, in HTML and in JSON, and what a hostile one may not do."""

import json
import time
from typing import Any

import pytest

from airgap.connected.collect.pypi.html_page import read_html
from airgap.connected.collect.pypi.json_page import read_json
from airgap.connected.collect.pypi.link import Link
from airgap.core.errors import FormatError

PAGE = "https://index.example/simple/demo/"
A, B = "a" * 64, "b" * 64


def html(text: str) -> tuple[Link, ...]:
    return read_html(text.encode(), page=PAGE, index="https://index.example/simple")


def as_json(*files: Any, api: Any = "1.1", **more: Any) -> tuple[Link, ...]:
    value = {"meta": {"api-version": api}, "name": "demo", "files": list(files), **more}
    return read_json(json.dumps(value).encode(), page=PAGE, index="https://index.example/simple")


def test_all_that_a_page_in_html_says_of_a_file_is_read() -> None:
    (link,) = html(
        f'<a href="../../f/demo-1.0-py3-none-any.whl?x=1#sha256={A}" data-requires-python="&gt;=3.8" '
        "data-yanked='bad &amp; ugly' data-provenance=\"https://index.example/p\" rel=internal>demo</a>"
    )

    assert link == Link(
        file_name="demo-1.0-py3-none-any.whl",
        url="../../f/demo-1.0-py3-none-any.whl?x=1",
        page=PAGE,
        listed_in="https://index.example/simple",
        hashes=frozenset({("sha256", A)}),
        requires_python=">=3.8",
        yanked="bad & ugly",
        provenance="https://index.example/p",
    )


def test_a_bare_yanked_attribute_counts_and_no_attribute_does_not() -> None:
    first, second = html("<A HREF=d-1.tar.gz data-yanked>x</A><a href=d-2.tar.gz>x</a>")

    assert (first.yanked, second.yanked) == ("", None)


def test_what_stands_in_comments_or_in_no_tag_is_no_link() -> None:
    text = '<!-- <a href="no-1.zip"> --> 1 < 2 <br/><p title="<a href=\'no-2.zip\'>">'
    text += '<a name=x><a href="yes-1.zip">y</a><a href="dir/">'

    assert [link.file_name for link in html(text)] == ["yes-1.zip"]


def test_the_base_of_a_page_counts_once() -> None:
    (link,) = html('<base href="https://files.example/x/"><base href="https://evil.example/"><a href="d-1.zip">d</a>')
    (odd,) = html('<base href="https://[broken/"><a href="d-1.zip">d</a>')

    assert link.page == "https://files.example/x/"
    assert odd.page == PAGE


def test_a_digest_that_can_be_forged_counts_as_none() -> None:
    links = html(
        f'<a href="d-1.zip#md5={"a" * 32}">d</a>'
        '<a href="d-2.zip#sha256=short">d</a>'
        f'<a href="d-3.zip#sha256={A.upper()}">d</a>'
    )

    assert [link.hashes for link in links] == [frozenset(), frozenset(), frozenset({("sha256", A)})]


def test_a_name_is_percent_decoded_and_an_impossible_url_has_none() -> None:
    links = html('<a href="d-1%2Bcpu.zip">d</a><a href="https://[x/d-2.zip">d</a>')

    assert [link.file_name for link in links] == ["d-1+cpu.zip"]


@pytest.mark.parametrize(
    "text", ["<!--" * 300_000, "<a " * 400_000, '<a "' * 300_000, "<a href='" * 200_000, "<" * 1_000_000]
)
def test_a_page_that_never_ends_its_tags_costs_no_time(text: str) -> None:
    begin = time.monotonic()
    assert html(text) == ()
    assert time.monotonic() - begin < 5


def test_another_version_of_the_interface_is_refused() -> None:
    with pytest.raises(FormatError, match=r"expected version 1 of the index interface, got '2\.0'"):
        html('<meta name="pypi:repository-version" content="2.0">')
    assert html('<meta name="pypi:repository-version" content="1.3"><meta name=other content=9>') == ()
    for api in ("2.0", "1.x", None, 1):
        with pytest.raises(FormatError, match="expected version 1"):
            as_json(api=api)


def test_a_page_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(FormatError, match="expected a page in UTF-8"):
        read_html(b"\xff", page=PAGE, index="index")


def test_all_that_json_says_of_a_file_is_read() -> None:
    (link,) = as_json(
        {
            "filename": "ignored.zip",
            "url": "../../f/demo-1.0.zip",
            "hashes": {"sha256": A, "md5": "x", "sha512": 1},
            "requires-python": ">=3.8",
            "size": 12,
            "upload-time": "2026-01-02T03:04:05Z",
            "yanked": "why",
            "provenance": "https://index.example/p",
            "core-metadata": True,
        },
        api="1.3",
    )

    assert link == Link(
        file_name="demo-1.0.zip",
        url="../../f/demo-1.0.zip",
        page=PAGE,
        listed_in="https://index.example/simple",
        hashes=frozenset({("sha256", A)}),
        requires_python=">=3.8",
        size=12,
        uploaded="2026-01-02T03:04:05Z",
        yanked="why",
        provenance="https://index.example/p",
        can_attest=True,
    )


def test_values_that_json_cannot_mean_count_as_unsaid() -> None:
    odd = {"url": "d-1.zip", "hashes": {}, "size": True, "upload-time": "yesterday", "yanked": False, "requires-python": 3}
    (link,) = as_json({**odd, "provenance": 5})

    assert (link.size, link.uploaded, link.yanked, link.requires_python, link.provenance) == (None,) * 5
    assert as_json({**odd, "size": -1})[0].size is None
    assert as_json({**odd, "yanked": True})[0].yanked == ""
    assert as_json({**odd, "yanked": ""})[0].yanked is None


def test_only_a_word_about_provenance_in_a_new_enough_interface_means_that_there_is_none() -> None:
    file = {"url": "d-1.zip", "hashes": {}}

    assert as_json({**file, "provenance": None}, api="1.3")[0].can_attest
    assert as_json({**file, "provenance": None}, api="1.10")[0].can_attest
    assert not as_json({**file, "provenance": None}, api="1.2")[0].can_attest
    assert not as_json(file, api="1.3")[0].can_attest


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"{}", b'{"meta": {}, "files": {}}', b'{"meta": {"api-version": "1.0"}, "files": [1]}', b"[" * 100_000],
)
def test_json_that_is_no_answer_of_an_index_is_refused(content: bytes) -> None:
    with pytest.raises(FormatError):
        read_json(content, page=PAGE, index="index")


@pytest.mark.parametrize("entry", [{"url": 1, "hashes": {}}, {"url": "x"}, {"hashes": {}}, "x"])
def test_an_entry_without_url_or_hashes_is_refused(entry: Any) -> None:
    with pytest.raises(FormatError, match="expected files with url and hashes"):
        as_json(entry)


def test_more_files_than_any_project_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airgap.connected.collect.pypi.link.MAX_LINKS", 2)
    file = {"url": "d-1.zip", "hashes": {}}

    assert len(as_json(file, file)) == 2
    with pytest.raises(FormatError, match="expected at most 2 files"):
        as_json(file, file, file)
    with pytest.raises(FormatError, match="expected at most 2 files"):
        html("<a href=d-1.zip>" * 3)

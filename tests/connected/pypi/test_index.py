"""Asking indexes: which pages, in which order, and what their answers are taken for."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from airgap.connected.collect.pypi.index import ask_indexes, read_page
from airgap.connected.web.wanted import Answer, Page
from airgap.core.errors import UsageError

DEMO, OTHER = canonicalize_name("demo"), canonicalize_name("other")
ONE = Version("1.0")


class Canned:
    """Answers by URL, in HTML."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        self._pages = pages
        self.asked: list[str] = []

    def pages(self, wanted: Sequence[Page]) -> list[Answer]:
        self.asked += [page.url for page in wanted]
        return [self._answer(page) for page in wanted]

    def _answer(self, page: Page) -> Answer:
        text = self._pages.get(page.url)
        assert page.is_optional
        return Answer(404 if text is None else 200, "text/html", (text or "").encode(), page.url)


def test_every_index_is_asked_for_every_project_in_one_go() -> None:
    canned = Canned(
        {
            "https://one.example/simple/demo/": "<a href=demo-1.0-py3-none-any.whl>",
            "https://two.example/simple/demo/": "<a href=demo-1.0-cp311-none-any.whl><a href=demo-2.0.zip>",
        }
    )
    offers = ask_indexes([OTHER, DEMO, DEMO], ["https://one.example/simple", "https://two.example/simple"], [], canned)

    assert canned.asked == [
        f"https://{host}.example/simple/{name}/" for host in ("one", "two") for name in ("demo", "other")
    ]
    assert [link.listed_in for link in offers.of(DEMO, ONE)] == ["https://one.example/simple", "https://two.example/simple"]
    assert offers.of(OTHER, ONE) == ()
    assert offers.attesting == set()


def test_a_folder_and_a_page_of_find_links_hold_any_project(tmp_path: Path) -> None:
    (tmp_path / "demo-1.0+x y.zip").touch()
    (tmp_path / "demo-1.0.zip").touch()
    (tmp_path / "links.html").touch()
    canned = Canned(
        {
            "https://links.example/": "<a href=demo-1.0.tar.gz data-provenance=x>",
            f"file://{tmp_path}/links.html": "<a href=other-1.0.zip>",
        }
    )
    locations = [f"file://{tmp_path}/", "https://links.example/", f"file://{tmp_path}/links.html", "https://gone.example/"]
    offers = ask_indexes([DEMO], [], locations, canned)

    assert [(link.page, link.url) for link in offers.of(DEMO, ONE)] == [
        (f"file://{tmp_path}/", "demo-1.0.zip"),
        ("https://links.example/", "demo-1.0.tar.gz"),
    ]
    assert len(offers.of(OTHER, ONE)) == 1


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> list[str]:
        raise PermissionError(13, "no")

    monkeypatch.setattr("os.listdir", refuse)
    with pytest.raises(UsageError, match="expected to read it, got Permission denied"):
        ask_indexes([DEMO], [], [f"file://{tmp_path}"], Canned({}))


@pytest.mark.parametrize("kind", ["application/vnd.pypi.simple.v1+json", "application/octet-stream", "text/html"])
def test_json_is_known_by_its_type_or_its_look(kind: str) -> None:
    content = b' {"meta": {"api-version": "1.0"}, "files": [{"url": "demo-1.0.zip", "hashes": {}}]}'
    (link,) = read_page(Answer(200, kind, content, "https://one.example/simple/demo/"), "index")

    assert link.file_name == "demo-1.0.zip"

"""What the configured indexes offer, of the projects that are wanted.

Of several indexes, the first that has a project counts for it, in the order in which uv asks them: who registers a
company's name in a public index gets nowhere. Source: uv, "Package indexes", first-index strategy; PEP 503; PEP 691.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import quote

from packaging.utils import NormalizedName
from packaging.version import Version

from airgap.connected.collect.pypi import html_page, json_page
from airgap.connected.collect.pypi.distribution import is_release
from airgap.connected.collect.pypi.link import Link
from airgap.connected.web.address import is_file, path_of, shown
from airgap.connected.web.wanted import Answer, Page
from airgap.core.errors import UsageError

ACCEPT: Final = f"{json_page.ACCEPT}, {html_page.ACCEPT}"


class Pages(Protocol):
    """What reads pages."""

    def pages(self, wanted: Sequence[Page]) -> list[Answer]:
        """What an index says, in the order of the questions."""
        ...


class Offers:
    """All files that may be chosen from."""

    def __init__(self, found: Sequence[Link], listed: Mapping[NormalizedName, Sequence[Link]]) -> None:
        self._found = found
        self._listed = listed
        self._releases: dict[tuple[NormalizedName, Version], tuple[Link, ...]] = {}

    @property
    def attesting(self) -> set[str]:
        """The indexes that name attestations of some file."""
        return {link.listed_in for links in self._listed.values() for link in links if link.provenance}

    def of(self, project: NormalizedName, version: Version) -> tuple[Link, ...]:
        """The files of one release."""
        if (project, version) not in self._releases:
            links = (*self._found, *self._listed.get(project, ()))
            self._releases[project, version] = tuple(link for link in links if is_release(link.file_name, project, version))
        return self._releases[project, version]


def ask_indexes(
    projects: Iterable[NormalizedName], indexes: Sequence[str], find_links: Sequence[str], pages: Pages
) -> Offers:
    """Read what the indexes say of these projects.

    Raises:
        UsageError: an index cannot be read.
        FormatError: it says something that is no answer of an index.
    """
    missing = sorted(set(projects))
    listed: dict[NormalizedName, Sequence[Link]] = {}
    for index in indexes:
        answers = pages.pages([_page(index, project) for project in missing])
        listed |= {
            project: read_page(answer, shown(index))
            for project, answer in zip(missing, answers, strict=True)
            if answer.status == 200
        }
        missing = [project for project in missing if project not in listed]
    return Offers([link for location in find_links for link in _located(location, pages)], listed)


def read_page(answer: Answer, index: str) -> tuple[Link, ...]:
    """The files on a page; mirrors answer in HTML to those who ask for JSON, too.

    Raises:
        FormatError: it is no answer of an index.
    """
    is_json = "json" in answer.content_type.lower() or answer.content.lstrip()[:1] == b"{"
    read = json_page.read_json if is_json else html_page.read_html
    return read(answer.content, page=answer.url, index=index)


def _page(index: str, project: NormalizedName) -> Page:
    return Page(url=f"{index}/{project}/", accept=ACCEPT, name=f"the index page of {project}", is_optional=True)


def _located(location: str, pages: Pages) -> Iterator[Link]:
    """The files in a folder, or those that a page links. Source: pip, ``--find-links``."""
    if is_file(location) and os.path.isdir(path_of(location)):
        try:
            names = sorted(os.listdir(path_of(location)))
        except OSError as exc:
            raise UsageError(f"{shown(location)}: expected to read it, got {os.strerror(exc.errno or 0)}") from exc
        for name in names:
            yield Link(file_name=name, url=quote(name), page=f"{location}/", listed_in=shown(location))
        return
    (answer,) = pages.pages([Page(url=location, accept=ACCEPT, name="the page of find-links", is_optional=True)])
    if answer.status == 200:
        yield from read_page(answer, shown(location))

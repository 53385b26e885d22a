"""What the configured indexes offer, of the projects that are wanted.

All indexes that pip is configured with count alike, as they do for pip: whoever configured a public one beside a private
one has the risk that comes with it on every install already. What two of them call by one name has to be one file.
Source: pip, "Dependency confusion" and ``--extra-index-url``; PEP 503; PEP 691.
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
    asked = [(index, project) for index in indexes for project in sorted(set(projects))]
    answers = pages.pages([_page(index, project) for index, project in asked])
    listed: dict[NormalizedName, list[Link]] = {}
    for (index, project), answer in zip(asked, answers, strict=True):
        if answer.status == 200:
            listed.setdefault(project, []).extend(read_page(answer, shown(index)))
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
            yield Link(file_name=name, url=quote(name), page=f"{location.rstrip('/')}/", listed_in=shown(location))
        return
    (answer,) = pages.pages([Page(url=location, accept=ACCEPT, name="the page of find-links", is_optional=True)])
    if answer.status == 200:
        yield from read_page(answer, shown(location))

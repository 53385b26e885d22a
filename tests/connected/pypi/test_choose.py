"""Which file of a release a machine gets, and when none of them may be taken."""

from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from airgap.connected.collect.pypi.carry import settle
from airgap.connected.collect.pypi.choose import Choice, Chooser
from airgap.connected.collect.pypi.index import Offers
from airgap.connected.collect.pypi.link import Hashes, Link
from airgap.connected.collect.pypi.pin import Pin
from airgap.connected.collect.pypi.target import parse_target
from airgap.core.errors import FormatError, UsageError
from airgap.core.reasons import Reason

LINUX = parse_target("cp311-manylinux_2_28_x86_64")
DEMO = canonicalize_name("demo")
PAGE = "https://index.example/simple/demo/"


def digest(letter: str) -> Hashes:
    return frozenset({("sha256", letter * 64)})


def link(name: str, letter: str = "a", **said: Any) -> Link:
    found = Link(
        file_name=name, url=f"/f/{name}", page=PAGE, listed_in="https://index.example/simple", hashes=digest(letter)
    )
    return found._replace(**said)


def choose(*links: Link, hashes: Hashes = frozenset(), sdists: bool = False) -> Choice | None:
    pin = Pin(DEMO, Version("1.0"), "lock", hashes)
    return Chooser(LINUX, sdists=sdists).choose(pin, Offers([], {DEMO: links}))


def chosen(*links: Link, hashes: Hashes = frozenset(), sdists: bool = False) -> str | None:
    choice = choose(*links, hashes=hashes, sdists=sdists)
    return choice.link.file_name if choice else None


ANY = "demo-1.0-py3-none-any.whl"
OLD = "demo-1.0-cp311-cp311-manylinux2014_x86_64.whl"
NEW = "demo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
TOO_NEW = "demo-1.0-cp311-cp311-manylinux_2_29_x86_64.whl"
ABI3 = "demo-1.0-cp38-abi3-manylinux_2_17_x86_64.whl"
BUILT = "demo-1.0-2-cp311-cp311-manylinux_2_28_x86_64.whl"
SOURCE = "demo-1.0.tar.gz"


def test_the_best_tag_wins_and_then_the_highest_build() -> None:
    everything = [link(name) for name in (ANY, OLD, TOO_NEW, ABI3, BUILT, NEW, SOURCE)]

    for best in (BUILT, NEW, OLD, ABI3, ANY):
        assert chosen(*everything) == best
        everything = [one for one in everything if one.file_name != best]
    assert chosen(*everything) is None
    assert chosen(*everything, sdists=True) == SOURCE


def test_a_file_for_another_python_is_passed_over_and_a_meaningless_word_is_not() -> None:
    assert chosen(link(NEW, requires_python=">=3.12"), link(ANY, requires_python=">=3.8")) == ANY
    assert chosen(link(NEW, requires_python="some day")) == NEW
    assert chosen(link(NEW, requires_python=f">={'3' * 450}")) is None
    assert chosen(link(NEW, requires_python=f">={'3' * 5000}")) == NEW


def test_a_yanked_file_is_taken_only_where_no_other_fits() -> None:
    assert chosen(link(NEW, yanked=""), link(ANY)) == ANY
    assert chosen(link(NEW, yanked="")) == NEW


def test_names_that_nobody_installs_are_passed_over() -> None:
    assert chosen(link("demo-1.0-py3.whl"), link("demo-1.0-a-py3-none-any.whl"), link(ANY)) == ANY


def test_a_lock_chooses_among_the_files_whose_digest_it_has() -> None:
    assert chosen(link(NEW, "b"), link(ANY, "a"), hashes=digest("a")) == ANY
    assert chosen(link(NEW, hashes=frozenset()), link(ANY, "a"), hashes=digest("a")) == ANY
    assert chosen(link(NEW, "b"), link(SOURCE, "a"), hashes=digest("a"), sdists=True) == SOURCE


def test_a_file_that_fits_with_another_digest_is_named() -> None:
    with pytest.raises(
        FormatError,
        match=r"demo-1\.0-py3-none-any\.whl: expected sha256:a+ or one of 1 more as the lock says, got sha256:c+ in",
    ) as caught:
        choose(link(ANY, "c"), link(TOO_NEW, "a"), hashes=digest("a") | digest("b"))
    assert caught.value.reason is Reason.CONTENT_MISMATCH


def test_two_indexes_with_two_contents_of_one_name_are_refused() -> None:
    other = link(ANY, "b", listed_in="https://other.example/simple")
    with pytest.raises(FormatError, match=r"expected sha256:.* in https://"):
        choose(link(ANY, "a"), other)
    assert chosen(link(ANY, "a"), other._replace(hashes=digest("a"))) == ANY


def test_a_file_that_is_chosen_for_several_targets_is_carried_once() -> None:
    windows = parse_target("cp311-win_amd64")
    choice = choose(link(ANY))
    assert choice is not None
    (carry,) = settle([(choice, LINUX), (choice, windows), (choice._replace(hashes=digest("a")), LINUX)])

    assert carry.targets == (LINUX, windows)
    assert carry.laws == (digest("a"),)
    assert carry.urls == (f"https://index.example/f/{ANY}",)


def test_two_contents_from_two_sources_are_refused() -> None:
    one, other = choose(link(ANY, "a")), choose(link(ANY, "b"))
    assert one is not None
    assert other is not None
    further = one._replace(link=one.link._replace(listed_in="https://other.example"))
    assert len(settle([(one, LINUX), (further, LINUX)])) == 1
    with pytest.raises(FormatError, match=r"expected sha256:a+ as in .*, got sha256:b+ in") as caught:
        settle([(one, LINUX), (other, LINUX)])
    assert caught.value.reason is Reason.CONTENT_MISMATCH


def test_a_file_on_disk_without_a_digest_is_looked_at(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("shelf")
    local = link(ANY, url=ANY, page=f"file://{folder}/", hashes=frozenset())
    choice = choose(local)
    assert choice is not None
    with pytest.raises(UsageError, match="expected to read it"):
        settle([(choice, LINUX)])
    (folder / ANY).write_bytes(b"x")
    (carry,) = settle([(choice, LINUX)])
    assert carry.link.size == 1
    with pytest.raises(FormatError, match="as the lock says, got sha256:2d71"):
        settle([(choice._replace(hashes=digest("a")), LINUX)])


def test_something_on_disk_that_is_no_file_is_refused() -> None:
    choice = choose(link(ANY, url="null", page="file:///dev/", hashes=frozenset()))
    assert choice is not None
    with pytest.raises(UsageError, match="expected a regular file"):
        settle([(choice, LINUX)])


def test_a_page_of_a_server_cannot_point_at_a_local_file() -> None:
    choice = choose(link(ANY, url=f"file:///etc/{ANY}"))
    assert choice is not None
    with pytest.raises(FormatError, match="expected an http or https URL on a page from the web"):
        settle([(choice, LINUX)])[0].download()

import unicodedata
from itertools import combinations, permutations

from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from airgap.core.display import printable
from airgap.core.errors import FormatError
from airgap.core.names import check_distinct, check_path, fold
from airgap.core.purl import check_purl, file_purl, is_match
from tests.laws.values import names

UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}

paths = st.lists(names, min_size=1, max_size=4).map("/".join)
close_paths = st.lists(st.sampled_from(["a", "A", "b", "ß", "SS", "a/b", "A/c", "a/b/c", "b/a", "é", "b/é/x"]), max_size=5)


@given(text=st.text(max_size=60))
def test_nothing_that_steers_a_terminal_is_printed(text: str) -> None:
    shown = printable(text, limit=40)

    assert not UNSAFE & {unicodedata.category(character) for character in shown}
    assert not BIDI & {unicodedata.bidirectional(character) for character in shown}


@given(text=st.text(max_size=60))
def test_what_was_made_printable_stays_as_it_is(text: str) -> None:
    shown = printable(text, limit=1000)

    assert printable(shown, limit=1000) == shown


@given(text=st.text(st.sampled_from('ab/.~ \\:\x00\x1b\u202eé\u0301"Con1')) | st.text(max_size=20))
def test_a_path_that_passes_is_one_file_below_its_folder_on_every_system(text: str) -> None:
    try:
        check_path(text)
    except FormatError:
        return

    assert not {"", ".", ".."} & set(text.split("/"))
    assert not set(text) & set("\\:\0")
    assert unicodedata.normalize("NFC", text) == text
    assert not UNSAFE & {unicodedata.category(character) for character in text}


@given(chosen=close_paths)
def test_names_are_apart_exactly_when_no_two_of_them_meet(chosen: list[str]) -> None:
    """Judged by brute force: every file and every folder, each pair of them."""
    files = [fold(path) for path in chosen]
    folders = {path[:at] for path in chosen for at, character in enumerate(path) if character == "/"}
    meet = (
        len(set(files)) != len(files)
        or any(fold(one) == fold(other) for one, other in combinations(folders, 2))
        or any(fold(folder) in files for folder in folders)
    )

    assert is_distinct(chosen) is not meet


@given(chosen=close_paths)
def test_the_order_of_names_makes_no_difference(chosen: list[str]) -> None:
    assert len({is_distinct(order) for order in permutations(chosen)}) == 1


def is_distinct(chosen: list[str] | tuple[str, ...]) -> bool:
    try:
        check_distinct(chosen)
    except FormatError as exc:
        assert exc.reason == "name-clash"  # noqa: PT017 -- both outcomes are looked at
        return False
    return True


@given(path=paths)
def test_the_purl_of_any_path_is_canonical_and_names_it(path: str) -> None:
    text = file_purl(path)
    read = PackageURL.from_string(text)

    check_purl(text)
    assert "/".join(filter(None, (read.namespace, read.name))) == path


PIECES = ["a", "b", "B", ".", "..", "/", ":", "~", "@1", "%2F", "%41", "%C3%A9", "%25", "?a=1", "&b=%20", "#c"]


@given(pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))
def test_a_purl_that_passes_is_written_the_same_by_the_reference_reader(pieces: list[str]) -> None:
    text = "pkg:generic/" + "".join(pieces)
    try:
        check_purl(text)
    except FormatError:
        return

    # the reference writes the slash of a version as it is
    assert PackageURL.from_string(text).to_string() == text.replace("%2F", "/")


@given(pattern=st.text("ab*", max_size=8), text=st.text("ab", max_size=8))
def test_a_pattern_covers_what_its_stars_can_stand_for(pattern: str, text: str) -> None:
    assert is_match(text, pattern) is covers(pattern, text)


def covers(pattern: str, text: str) -> bool:
    """The definition, step by step."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(covers(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return text[:1] == pattern[0] and covers(pattern[1:], text[1:])

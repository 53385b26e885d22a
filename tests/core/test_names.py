import re
import unicodedata

import pytest

from airgap.core import names
from airgap.core.errors import FormatError
from airgap.core.names import check_distinct, check_path, check_token, fold
from airgap.core.reasons import Reason

TRAVERSAL = "an empty, '.' or '..' component"
EDGES = "a component that begins with '~' or blank, or ends with '.' or blank"
DEVICE = "a reserved device name"
SHORT = "a look-alike of an 8.3 short name"
INVISIBLE = "the invisible or unassigned character "
CONTROL = "the control character "


def refusal(path: str) -> str:
    """What is wrong with a path, in the words of the refusal."""
    with pytest.raises(FormatError) as caught:
        check_path(path)
    assert caught.value.reason is Reason.BAD_NAME
    assert caught.value.message.isascii()
    return caught.value.message.partition("expected a portable relative path, got ")[2]


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "artifacts/files/package-1.0.tar.gz",
        "artifacts/npm/@scope/name/-/name-1.0.tgz",
        "documents/x (1), [2] = +3.json",
        ".hidden/..a/a..b/...c",
        "Zürich/東京/🔒",
        "console/auxiliary/com10/lpt/nulls/conin",
        "a~b~c/a~1234567/abcdefgh~1",
        "x" * 255,
        "é" * 127,
        "/".join(["d"] * 32),
        "/".join(["c" * 255] * 3 + ["c" * 254] + ["e"]),
    ],
)
def test_a_portable_relative_path_passes(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    ("path", "got"),
    [
        pytest.param("../x", TRAVERSAL, id="T001 at the start"),
        pytest.param("a/../x", TRAVERSAL, id="T001 in the middle"),
        pytest.param("a/..", TRAVERSAL, id="T001 at the end"),
        pytest.param("/etc/passwd", TRAVERSAL, id="T002 absolute"),
        pytest.param("a//etc", TRAVERSAL, id="T003 doubled slash"),
        pytest.param("", TRAVERSAL, id="T017 empty"),
        pytest.param("a/", TRAVERSAL, id="T017 slash at the end"),
        pytest.param("./a", TRAVERSAL, id="T017 dot"),
        pytest.param("C:/x", "the character ':'", id="T005 drive"),
        pytest.param("a\\b", "the character '\\\\'", id="T006 backslash"),
        pytest.param("\\\\host\\share", "the character '\\\\'", id="T005 share"),
        pytest.param("a.txt:stream", "the character ':'", id="T007 stream"),
        pytest.param("a\0b", CONTROL + "U+0000", id="T008 NUL"),
        pytest.param("a\nb", CONTROL + "U+000A", id="T009 newline"),
        pytest.param("a\rb", CONTROL + "U+000D", id="T009 carriage return"),
        pytest.param("a\tb", CONTROL + "U+0009", id="T009 tab"),
        pytest.param("a\x7f", CONTROL + "U+007F", id="T009 DEL"),
        pytest.param("a\x85", CONTROL + "U+0085", id="T009 C1"),
        pytest.param("a\x1b[2J", CONTROL + "U+001B", id="T010 escape"),
        pytest.param("exe.\u202egnp", INVISIBLE + "U+202E", id="T010 bidi override"),
        pytest.param("a\u2028b", INVISIBLE + "U+2028", id="T010 line separator"),
        pytest.param("e\u0301", "text that is not in Unicode normal form C", id="T011 NFD"),
        pytest.param("\u212b", "text that is not in Unicode normal form C", id="T011 Angstrom sign"),
        pytest.param("a\u200b", INVISIBLE + "U+200B", id="T013 zero width space"),
        pytest.param("a\u00ad", INVISIBLE + "U+00AD", id="T013 soft hyphen"),
        pytest.param("a\u034f", INVISIBLE + "U+034F", id="T013 grapheme joiner"),
        pytest.param("a\u3164", INVISIBLE + "U+3164", id="T013 hangul filler"),
        pytest.param("a\ufe0f", INVISIBLE + "U+FE0F", id="T013 variation selector"),
        pytest.param("a\U000e0100", INVISIBLE + "U+E0100", id="T013 variation selector 17"),
        pytest.param("a\udc80", INVISIBLE + "U+DC80", id="T014 surrogate"),
        pytest.param("a\ufffe", INVISIBLE + "U+FFFE", id="T014 noncharacter"),
        pytest.param("\ufeffa", INVISIBLE + "U+FEFF", id="T014 byte order mark"),
        pytest.param("a\ue000", INVISIBLE + "U+E000", id="T014 private use"),
        pytest.param("con", DEVICE, id="T015 con"),
        pytest.param("x/AUX.tar.gz", DEVICE, id="T015 aux with suffixes"),
        pytest.param("NuL.", EDGES, id="T015 nul with dot"),
        pytest.param("nul .txt", DEVICE, id="T015 nul with blank"),
        pytest.param("con  .tar.gz/x", DEVICE, id="T015 con with blanks"),
        pytest.param("prn/x", DEVICE, id="T015 prn as folder"),
        pytest.param("com0", DEVICE, id="T015 com0"),
        pytest.param("Lpt9.x", DEVICE, id="T015 lpt9"),
        pytest.param("com¹", DEVICE, id="T015 superscript"),
        pytest.param("conin$", DEVICE, id="T015 console input"),
        pytest.param("CONOUT$.txt", DEVICE, id="T015 console output"),
        pytest.param("a. ", EDGES, id="T015 blank at the end"),
        pytest.param("a.", EDGES, id="T015 dot at the end"),
        pytest.param("a/ b", EDGES, id="T015 blank at the start"),
        pytest.param("~root/x", EDGES, id="T015 tilde at the start"),
        pytest.param("PROGRA~1", SHORT, id="T015 short name"),
        pytest.param("git~1/config", SHORT, id="T015 short name of a folder"),
        pytest.param("abc~12.tx", SHORT, id="T015 short name with suffix"),
        pytest.param("x" * 256, "a component of more than 255 bytes", id="T016 component"),
        pytest.param("é" * 128, "a component of more than 255 bytes", id="T016 component in bytes"),
        pytest.param("/".join(["c" * 255] * 4) + "/e", "more than 1024 bytes", id="T016 path"),
        pytest.param("/".join(["d"] * 33), "more than 32 levels", id="T016 depth"),
    ],
)
def test_a_path_that_some_system_reads_otherwise_is_refused(path: str, got: str) -> None:
    assert refusal(path) == got


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_t009_no_control_character_passes(code: int) -> None:
    assert refusal(f"a{chr(code)}b") == f"{CONTROL}U+{code:04X}"


def test_the_refusal_of_a_long_name_is_short() -> None:
    with pytest.raises(FormatError) as caught:
        check_path("\u202e" * 10_000)

    assert len(caught.value.message) < 300


def test_the_pattern_for_common_paths_passes_nothing_that_the_rules_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each special word stands at each place of a component, so that the short cut and the rules meet on every edge."""
    words = [
        "con",
        "NUL",
        "aux",
        "Prn",
        "com1",
        "lpt0",
        "a",
        ".",
        "..",
        " ",
        "~",
        "~1",
        "-",
        "",
        "x" * 100,
        "x" * 101,
        "é",
        "\n",
    ]
    paths = [f"{one}{other}{last}" for one in words for other in (*words, "/") for last in words]
    passed = {path for path in paths if is_passed(path)}
    monkeypatch.setattr(names, "_PLAIN", re.compile(r"(?!)"))

    assert passed == {path for path in paths if is_passed(path)}
    assert len(passed) > 100


def is_passed(path: str) -> bool:
    try:
        check_path(path)
    except FormatError:
        return False
    return True


@pytest.mark.parametrize("text", ["a", "0", "main", "site-1.lab_2", "a" * 64])
def test_a_token_names_a_channel(text: str) -> None:
    check_token(text, what="channel")


@pytest.mark.parametrize(
    "text", ["", "A", "a b", "a/b", "..", "a..b", ".a", "a.", "-a", "a-", "a\n", "é", "a" * 65, "\u0430"]
)
def test_t022_what_could_not_be_a_folder_is_no_token(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_token(text, what="channel")

    assert caught.value.reason is Reason.BAD_NAME
    assert caught.value.message == f"channel: expected 1 to 64 of a-z 0-9 . _ -, got {text!a}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A", "a"),
        ("straße", "STRASSE"),
        ("é", "e\u0301"),
        ("ﬁle", "file"),
        ("\u03c2", "\u03c3"),
        ("İ", "i\u0307"),
        ("K", "\u212a"),
        ("\u1fb3", "\u03b1\u03b9"),
    ],
)
def test_names_that_some_file_system_takes_for_one_fold_together(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_folding_is_canonical_caseless_matching() -> None:
    """Unicode D145 says when two strings match: their NFD(toCasefold(NFD(x))) are equal."""
    text = "Àᾼ"

    assert fold(text) == unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())
    assert fold("Abc") != fold("Abd")


@pytest.mark.parametrize(
    "paths",
    [
        [],
        ["a"],
        ["a/b", "a/c", "a/d/e", "a/d/f", "b"],
        ["a/b/c", "a/b/d", "a/e"],
        ["x/y/z", "x/w", "w/x", "w/y/z"],
        ["a", "ab", "a.b"],
        ["dir/a", "dir.a", "dira"],
    ],
)
def test_names_apart_pass(paths: list[str]) -> None:
    check_distinct(paths)


@pytest.mark.parametrize(
    ("paths", "one", "other"),
    [
        pytest.param(["a/b", "a/b"], "a/b", "a/b", id="T019 twice"),
        pytest.param(["é", "e\u0301"], "é", "e\u0301", id="T011 normal forms"),
        pytest.param(["ß", "SS"], "ß", "SS", id="T012 sharp s"),
        pytest.param(["a/X", "a/x"], "a/X", "a/x", id="T012 case"),
        pytest.param(["A/x", "a/y"], "A/", "a/", id="T012 folders"),
        pytest.param(["a/B/c/d", "a/b/e/f"], "a/B/", "a/b/", id="T012 folder in the middle"),
        pytest.param(["a/b/x", "A/b/y"], "a/b/", "A/b/", id="T012 folder at the root, same leaf"),
        pytest.param(["a", "a/b"], "a", "a/", id="T018 file, then folder"),
        pytest.param(["a/b/c", "a/b"], "a/b", "a/b/", id="T018 folder, then file"),
        pytest.param(["a/b/c/d", "A"], "A", "a/", id="T018 folder, then file in other case"),
    ],
)
def test_names_that_fall_together_are_refused_by_both_names(paths: list[str], one: str, other: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_distinct(paths)

    assert caught.value.reason is Reason.NAME_CLASH
    assert caught.value.message == (
        f"name {other!a}: expected a name apart from all others, got one that falls together with {one!a}"
    )

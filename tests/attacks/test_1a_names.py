"""Threats 1a: names and paths, in a manifest that a trusted exporter signed."""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

from pathlib import Path

import pytest

from airgap.core.errors import FormatError
from airgap.core.policy import PRESETS
from airgap.core.reasons import Reason
from airgap.core.verdict import Standing
from tests.attacks.conftest import Refuse
from tests.forge.build import Bundle, bundle
from tests.forge.edit import put, swap
from tests.forge.program import run
from tests.forge.site import make_store, refused, take
from tests.forge.trust import document, signer, trust_file

IN = "artifacts/files/"
ONE = {IN + "a": b"x"}


def named(path: str) -> Bundle:
    """A bundle of one file, which the manifest calls something else."""
    return bundle(ONE, documents={}, on_manifest=put("artifacts", 0, "path", to=path))


def is_bad_name(refuse: Refuse, path: str, words: str) -> None:
    found = refuse(named(path))
    assert (found.reason, found.check, found.expected) == (Reason.BAD_NAME, "manifest", "a portable relative path")
    assert words in found.got
    assert found.subject == f"name {path!a:.120}"


@pytest.mark.parametrize("path", ["../" + IN + "x", IN + "../../x", IN + "x/..", IN + "x/../y"])
def test_T001_a_parent_in_a_path_is_refused(refuse: Refuse, path: str) -> None:
    is_bad_name(refuse, path, "'..' component")


def test_T001_inspect_refuses_a_parent_in_a_path_too(tmp_path: Path) -> None:
    done = run("inspect", named(IN + "../x").write(tmp_path / "x.airgap"), "--manifest")

    assert done.code == 3
    assert done.out == ""


def test_T002_an_absolute_path_is_refused(refuse: Refuse) -> None:
    is_bad_name(refuse, "/etc/passwd", "an empty")


@pytest.mark.parametrize("path", ["artifacts//etc/passwd", IN + "/etc/passwd", IN + "a//b"])
def test_T003_a_doubled_slash_is_refused(refuse: Refuse, path: str) -> None:
    is_bad_name(refuse, path, "an empty")


def test_T004_an_ecosystem_whose_name_begins_like_another_is_not_shown_in_its_view(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    outcome = take(store, bundle({"artifacts/filesystem/x": b"x"}, documents={}).write(tmp_path / "x"))

    assert outcome.verdict.standing is Standing.ACCEPTED
    assert list((tmp_path / "store/current/files").iterdir()) == []


def test_T004_a_folder_whose_name_begins_like_the_store_is_outside_of_it(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    (tmp_path / "store-inbox").mkdir()
    outcome = take(store, bundle().write(tmp_path / "store-inbox/x"))

    assert outcome.verdict.standing is Standing.ACCEPTED


@pytest.mark.parametrize("path", ["C:/x", IN + "C:x", IN + "c:/x", IN + "\\\\server\\share", IN + "\\\\?\\C:"])
def test_T005_a_drive_or_share_is_refused(refuse: Refuse, path: str) -> None:
    is_bad_name(refuse, path, "the character ")


@pytest.mark.parametrize("path", [IN + "a\\b", IN + "..\\x", "artifacts\\files\\x"])
def test_T006_a_backslash_is_refused(refuse: Refuse, path: str) -> None:
    is_bad_name(refuse, path, "the character '\\\\'")


@pytest.mark.parametrize("path", [IN + "x:stream", IN + "x::$DATA", IN + "x:"])
def test_T007_a_stream_suffix_is_refused(refuse: Refuse, path: str) -> None:
    is_bad_name(refuse, path, "the character ':'")


def test_T008_a_nul_is_refused(refuse: Refuse) -> None:
    is_bad_name(refuse, IN + "x\0.txt", "the control character U+0000")


@pytest.mark.parametrize("character", "\x01\t\n\r\x1f\x7f\x80\x85\x9f")
def test_T009_a_control_character_is_refused(refuse: Refuse, character: str) -> None:
    is_bad_name(refuse, f"{IN}x{character}y", f"the control character U+{ord(character):04X}")


@pytest.mark.parametrize(
    ("text", "words"),
    [("\x1b[31m", "U+001B"), ("\u202e", "U+202E"), ("\u2066", "U+2066"), ("\u200f", "U+200F"), ("\u2028", "U+2028")],
)
def test_T010_an_escape_sequence_or_bidi_override_in_a_name_is_refused(refuse: Refuse, text: str, words: str) -> None:
    is_bad_name(refuse, f"{IN}x{text}y", words)


def test_T010_an_escape_sequence_elsewhere_is_escaped_where_it_is_shown(tmp_path: Path) -> None:
    hostile = "\x1b[2J\u202e\u0085\r\n"
    loss = {"purl": "pkg:generic/x", "what": "unresolved", "detail": hostile}
    made = bundle(predicate={"tool": hostile}, on_manifest=put("losses", to=[loss]))
    done = run("inspect", made.write(tmp_path / "x.airgap"), "--losses")

    assert done.code == 0
    assert not set("\x1b\u202e\u0085\r") & set(done.out + done.err)
    assert r"\u{1b}[2J\u{202e}" in done.out


@pytest.mark.parametrize("member", ["tool", "detail"])
def test_T010_a_line_break_elsewhere_begins_no_line_of_its_own(tmp_path: Path, member: str) -> None:
    hostile = "x\naccepted: all of it holds"
    loss = {"purl": "pkg:generic/x", "what": "unresolved", "detail": hostile if member == "detail" else "x"}
    said = {"tool": hostile} if member == "tool" else {}
    done = run("inspect", bundle(predicate=said, on_manifest=put("losses", to=[loss])).write(tmp_path / "x.airgap"))

    assert "accepted" in done.out
    assert not any(line.startswith("accepted") for line in done.out.splitlines())


def test_T011_a_name_that_is_not_in_normal_form_c_is_refused(refuse: Refuse) -> None:
    is_bad_name(refuse, IN + "e\u0301", "text that is not in Unicode normal form C")


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.txt", "A.txt"), ("stra\xdfe", "strasse"), ("\u03c3", "\u03c2"), ("\u212a", "k"), ("dir/x", "Dir/y")],
)
def test_T012_names_that_differ_only_in_case_are_refused(refuse: Refuse, one: str, other: str) -> None:
    names = sorted((one, other))
    made = bundle(
        {IN + "a": b"1", IN + "b": b"2"},
        documents={},
        on_manifest=lambda m: put("artifacts", 0, "path", to=IN + names[0])(
            put("artifacts", 1, "path", to=IN + names[1])(m)
        ),
    )
    found = refuse(made)

    if one == "\u212a":  # the Kelvin sign is not even normal form C
        assert found.reason is Reason.BAD_NAME
    else:
        assert found.reason is Reason.NAME_CLASH
        assert found.expected == "a name apart from all others"


@pytest.mark.parametrize("character", "\u00ad\u034f\u115f\u180b\u200b\u200d\u2060\u3164\ufe0f\ufeff\uffa0\U000e0100")
def test_T013_a_character_that_draws_nothing_is_refused(refuse: Refuse, character: str) -> None:
    is_bad_name(refuse, f"{IN}x{character}", f"U+{ord(character):04X}")


@pytest.mark.parametrize("raw", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x28"])
def test_T014_a_name_that_is_not_utf_8_is_refused(refuse: Refuse, raw: bytes) -> None:
    found = refuse(bundle(on_manifest_text=swap(b"files/a.txt", b"files/" + raw)))

    assert found.reason is Reason.MALFORMED
    assert "bytes that are not UTF-8" in found.got


@pytest.mark.parametrize("character", "\ufffe\uffff\ufdd0\ufeff\ue000\u0378")
def test_T014_a_noncharacter_is_refused(refuse: Refuse, character: str) -> None:
    is_bad_name(refuse, f"{IN}x{character}", f"U+{ord(character):04X}")


@pytest.mark.parametrize("name", ["con", "NUL", "nul.txt", "Com1", "lpt9.tar.gz", "aux", "com\u00b9", "CONIN$", "prn/x"])
def test_T015_a_device_name_is_refused(refuse: Refuse, name: str) -> None:
    is_bad_name(refuse, IN + name, "a reserved device name")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x.", "ends with"),
        ("x ", "ends with"),
        ("~x", "begins with"),
        (" x", "begins with"),
        ("PROGRA~1", "8.3 short name"),
    ],
)
def test_T015_a_name_that_windows_rewrites_is_refused(refuse: Refuse, name: str, words: str) -> None:
    is_bad_name(refuse, IN + name, words)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (IN + "x" * 256, "a component of more than 255 bytes"),
        (IN + "\u00e9" * 128, "a component of more than 255 bytes"),
        (IN + "/".join(["x" * 200] * 6), "more than 1024 bytes"),
        (IN + "/".join("x" * 31), "more than 32 levels"),
    ],
)
def test_T016_a_name_beyond_the_limits_is_refused(refuse: Refuse, path: str, words: str) -> None:
    is_bad_name(refuse, path, words)


def test_T016_names_at_the_limits_are_admitted(tmp_path: Path) -> None:
    longest = IN + "/".join(["x" * 250] * 4)
    paths = [IN + "y" * 255, longest + "z" * (1024 - len(longest)), IN + "/".join("w" * 30)]
    # the forge writes no pax headers; a directory needs none
    made = bundle(dict.fromkeys(paths, b"x"), documents={}, predicate={"container": "directory"})
    outcome = take(make_store(tmp_path / "store"), made.write_directory(tmp_path / "x"))

    assert outcome.verdict.standing is Standing.ACCEPTED


@pytest.mark.parametrize("path", ["", ".", "..", IN, IN + ".", IN + "./x", IN + "x/./y"])
def test_T017_an_empty_or_dot_component_is_refused(refuse: Refuse, path: str) -> None:
    is_bad_name(refuse, path, "an empty, '.' or '..' component")


@pytest.mark.parametrize("names", [("a", "a/b"), ("A", "a/b"), ("a/b", "a/b/c/d")])
def test_T018_a_file_that_is_also_a_folder_is_refused(refuse: Refuse, names: tuple[str, str]) -> None:
    found = refuse(bundle({IN + name: b"x" for name in names}, documents={}))

    assert found.reason is Reason.NAME_CLASH
    assert found.got.startswith("one that falls together with")


def test_T019_a_name_that_is_there_twice_is_refused(refuse: Refuse) -> None:
    found = refuse(bundle(on_manifest=lambda m: put("artifacts", 1, to=m["artifacts"][0])(m)))

    assert (found.reason, found.expected) == (Reason.MALFORMED, "entries sorted by path without repetition")


def test_T019_an_artifact_and_a_document_that_a_view_shows_under_one_name_are_refused(refuse: Refuse) -> None:
    found = refuse(bundle({IN + "a": b"1"}, documents={"documents/files/a": b"2"}))

    assert found.reason is Reason.NAME_CLASH


@pytest.mark.parametrize("name", [".git/config", "x/.htaccess", ".svn/x"])
def test_T020_a_name_that_the_policy_keeps_out_of_views_is_refused(tmp_path: Path, name: str) -> None:
    policy = PRESETS["standard"] + '[names]\nrefuse = [".git", ".ht*", ".svn"]\n'
    store = make_store(tmp_path / "store", policy=policy)
    found = refused(store, bundle({IN + name: b"x"}, documents={}).write(tmp_path / "x"))

    assert (found.reason, found.subject) == (Reason.BAD_NAME, IN + name)
    assert found.expected == "names the policy allows"


@pytest.mark.parametrize("digest", ["A" * 64, "a" * 63, "a" * 65, "../" + "a" * 61, "a" * 31 + "/" + "a" * 32, ""])
def test_T021_a_digest_that_is_no_digest_is_refused(refuse: Refuse, digest: str) -> None:
    found = refuse(bundle(on_manifest=put("artifacts", 0, "sha256", to=digest)))

    assert found.reason is Reason.MALFORMED
    assert found.expected == "64 lower-case hex digits"


@pytest.mark.parametrize("member", ["channel", "destination"])
@pytest.mark.parametrize("name", ["../x", "a/b", "", "A", "a..b", "x" * 65, "a\n", ".hidden", "nul\0"])
def test_T022_a_channel_or_site_that_is_no_plain_name_is_refused(refuse: Refuse, member: str, name: str) -> None:
    found = refuse(bundle(predicate={member: name}))

    assert found.reason in {Reason.MALFORMED, Reason.BAD_NAME}
    assert found.check == "signature"


def test_T022_a_signer_that_is_no_plain_name_is_refused(tmp_path: Path) -> None:
    value = document()
    value["signers"]["../x"] = signer([])
    with pytest.raises(FormatError, match="at 'signers'"):
        make_store(tmp_path / "store", trust=trust_file(value))

    assert list(tmp_path.iterdir()) == []

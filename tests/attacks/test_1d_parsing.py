"""Threats 1d: the manifest, the envelope and the statement as JSON, signed by a trusted exporter."""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airgap.core.policy import PRESETS
from airgap.core.reasons import Reason
from airgap.core.verdict import Finding
from tests.attacks.conftest import Refuse
from tests.forge.build import Bundle, bundle, prefix
from tests.forge.caps import MIB, below, within
from tests.forge.edit import Edit, drop, put, swap
from tests.forge.site import fault, look_at, make_store, refused

# How each document of a bundle gets other bytes, under signatures that hold wherever they can.
TEXTS: dict[str, Callable[[Edit[bytes]], Bundle]] = {
    "manifest": lambda edit: bundle(on_manifest_text=edit),
    "statement": lambda edit: bundle(on_statement_text=edit),
    "envelope": lambda edit: bundle(on_envelope_text=edit),
    "trust area": lambda edit: bundle(on_areas=lambda areas: (edit(areas[0][:-1]) + b"\n", *areas[1:])),
}
FIRST_KEY = {"manifest": b'{"artifacts"', "statement": b'{"_type"', "envelope": b'{"payload"'}

every_text = pytest.mark.parametrize("what", TEXTS)
every_object = pytest.mark.parametrize("what", FIRST_KEY)


def in_metadata(text: bytes) -> Bundle:
    """A bundle whose manifest holds some JSON text where any is allowed."""
    return bundle(on_manifest_text=swap(b'"metadata":{}', b'"metadata":{"x":' + text + b"}"))


def is_malformed(found: Finding, words: str = "") -> None:
    assert found.reason is Reason.MALFORMED
    assert words in found.got


@every_object
def test_T080_a_repeated_key_is_refused(refuse: Refuse, what: str) -> None:
    first = FIRST_KEY[what]
    is_malformed(refuse(TEXTS[what](swap(first, first + b":0," + first[1:]))))


def test_T080_a_repeated_key_in_free_metadata_is_refused(refuse: Refuse) -> None:
    is_malformed(refuse(in_metadata(b'{"a":1,"a":1}')), "another encoding")


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"-Infinity"])
def test_T081_a_number_that_is_none_is_refused(refuse: Refuse, text: bytes) -> None:
    is_malformed(refuse(in_metadata(text)), "a number that is no integer")


@pytest.mark.parametrize("text", [b"1.0", b"1e3", b"1E3", b"0.5", b"-0.0", b"1e999999999"])
def test_T082_a_number_with_fraction_or_exponent_is_refused(refuse: Refuse, text: bytes) -> None:
    is_malformed(refuse(in_metadata(text)), "a number that is no integer")


@pytest.mark.parametrize("text", [b"01", b"-0", b"+1", b"0x10"])
def test_T082_an_integer_in_another_spelling_is_refused(refuse: Refuse, text: bytes) -> None:
    is_malformed(refuse(in_metadata(text)))


@pytest.mark.parametrize("text", [b"9007199254740992", b"-9007199254740992", b"1" * 4300, b"9" * 100_000])
def test_T083_an_integer_beyond_the_exact_ones_is_refused(refuse: Refuse, text: bytes) -> None:
    is_malformed(refuse(in_metadata(text)), "an integer beyond 2^53-1")


@every_text
@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_T084_deep_nesting_is_refused_before_anything_recurses(refuse: Refuse, what: str, bracket: bytes) -> None:
    is_malformed(refuse(TEXTS[what](lambda _: bracket * (150_000 // len(bracket)))))


def test_T084_deep_nesting_in_free_metadata_is_refused(refuse: Refuse) -> None:
    is_malformed(refuse(in_metadata(b"[" * 100_000 + b"]" * 100_000)), "more")


@every_text
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_T085_another_encoding_is_refused(refuse: Refuse, what: str, encoding: str) -> None:
    is_malformed(refuse(TEXTS[what](lambda raw: raw.decode().encode(encoding))))


@pytest.mark.parametrize("text", [rb'"\ud800"', rb'"\udc00x"', rb'"\ude00\ud83d"'])
def test_T086_a_lone_surrogate_is_refused(refuse: Refuse, text: bytes) -> None:
    is_malformed(refuse(in_metadata(text)))


@every_text
@pytest.mark.parametrize("more", [b"{}", b"x", b"\0", b"\n{}", b" null"])
def test_T087_anything_behind_the_value_is_refused(refuse: Refuse, what: str, more: bytes) -> None:
    is_malformed(refuse(TEXTS[what](lambda raw: raw + more)))


@pytest.mark.parametrize(
    ("areas", "name"),
    [
        ((1024 * 1024 + 1, 1000, 1000), "trust area"),
        ((3, 256 * 1024 + 1, 1000), "envelope area"),
        ((3, 1000, 256 * 1024 * 1024 + 1), "manifest area"),
        ((3, 1000, 1024 * 1024 * 1024 + 1), "manifest area"),
        ((2**32 - 1, 0, 0), "head"),
    ],
)
def test_T088_an_area_beyond_its_cap_is_refused_before_it_is_read(
    tmp_path: Path, areas: tuple[int, int, int], name: str
) -> None:
    made = bundle()
    path = tmp_path / "x"
    head = prefix([range(size) for size in areas]) if sum(areas) < 2**32 - 20 else _overflowing(made)  # type: ignore[misc]
    path.write_bytes(head)
    with path.open("r+b") as file:
        file.truncate(2 * 1024 * MIB)
    with within(seconds=5), below(MIB):
        found = fault(look_at(str(path)).verdict)

    assert found.subject == name
    assert found.reason is (Reason.MALFORMED if name == "head" else Reason.TOO_LARGE)


def _overflowing(made: Bundle) -> bytes:
    """A head whose areas add up to its length only in 32 bits."""
    return made.raw[:16] + b"\xff" * 4 + made.raw[20:28]


def test_T088_the_policy_caps_the_manifest(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", policy=PRESETS["standard"] + "[limits]\nmanifest = 1024\n")
    found = refused(store, bundle().write(tmp_path / "x"))

    assert (found.reason, found.subject, found.expected) == (Reason.TOO_LARGE, "manifest area", "at most 1024 bytes")


@pytest.mark.parametrize("limit", ["entries = 2", "bytes = 100"])
def test_T088_the_policy_caps_entries_and_content(tmp_path: Path, limit: str) -> None:
    store = make_store(tmp_path / "store", policy=PRESETS["standard"] + f"[limits]\n{limit}\n")
    found = refused(store, bundle().write(tmp_path / "x"))

    assert (found.reason, found.subject) == (Reason.TOO_LARGE, "manifest")


def test_T088_losses_count_as_entries(tmp_path: Path) -> None:
    loss = {"purl": "pkg:generic/x", "what": "unresolved", "detail": "x"}
    store = make_store(tmp_path / "store", policy=PRESETS["standard"] + "[limits]\nentries = 10\n")
    found = refused(store, bundle(on_manifest=put("losses", to=[loss] * 8)).write(tmp_path / "x"))

    assert found.reason is Reason.TOO_LARGE


MEMBERS = {
    "manifest": ("artifacts", "documents", "format", "frameSize", "frames", "losses"),
    "statement": ("_type", "predicate", "predicateType", "subject"),
    "envelope": ("payload", "payloadType", "signatures"),
}
EACH = [(what, name) for what, names in MEMBERS.items() for name in names]
PREDICATE = (
    "channel sequence previous created expires destination container archiveSize base totals tool".split()  # noqa: SIM905
)


def edited(what: str, edit: Edit[Any]) -> Bundle:
    return bundle(**{f"on_{what}": edit})  # type: ignore[arg-type]  # one of the JSON layers


@pytest.mark.parametrize(("what", "name"), EACH)
def test_T089_a_missing_member_is_refused(refuse: Refuse, what: str, name: str) -> None:
    is_malformed(refuse(edited(what, drop(name))))


@pytest.mark.parametrize(("what", "name"), EACH)
@pytest.mark.parametrize("value", [None, True, {"a": 1}, "x", -1])
def test_T089_a_member_of_another_type_is_refused(refuse: Refuse, what: str, name: str, value: Any) -> None:
    found = refuse(edited(what, put(name, to=value)))

    if (what, name, value) == ("envelope", "payloadType", "x"):
        assert found.expected == "payload type application/vnd.in-toto+json"
    is_malformed(found)


@every_object
@pytest.mark.parametrize("name", ["unknown", "Format", ""])
def test_T089_an_unknown_member_is_refused(refuse: Refuse, what: str, name: str) -> None:
    is_malformed(refuse(edited(what, put(name, to=1))))


@pytest.mark.parametrize("name", PREDICATE)
def test_T089_a_missing_member_of_the_predicate_is_refused(refuse: Refuse, name: str) -> None:
    is_malformed(refuse(bundle(on_statement=drop("predicate", name))))


@pytest.mark.parametrize("name", PREDICATE)
def test_T089_a_wrong_member_of_the_predicate_is_refused(refuse: Refuse, name: str) -> None:
    is_malformed(refuse(bundle(on_statement=put("predicate", name, to=[1]))))


@pytest.mark.parametrize("name", ["path", "size", "sha256", "purl", "stored", "evidence", "custody", "metadata"])
def test_T089_a_missing_member_of_an_artifact_is_refused(refuse: Refuse, name: str) -> None:
    is_malformed(refuse(bundle(on_manifest=drop("artifacts", 0, name))))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("path", 1),
        ("size", "1"),
        ("size", True),
        ("size", -1),
        ("sha256", None),
        ("purl", "generic/x"),
        ("purl", "pkg:generic/x y"),
        ("stored", 1),
        ("evidence", ["documents/files/none"]),
        ("evidence", [1]),
        ("evidence", ["documents/files/a.txt.sig"] * 2),
        ("custody", [{"kind": "ghost", "name": "x"}]),
        ("custody", [{"kind": "mirror"}]),
        ("custody", [{"kind": "mirror", "name": ""}]),
        ("custody", ["mirror"]),
        ("metadata", []),
        ("metadata", {"\u00e9": 1}),
        ("metadata", {"x": "y" * 1024 * 1024}),
        ("unknown", 1),
    ],
)
def test_T089_a_wrong_member_of_an_artifact_is_refused(refuse: Refuse, name: str, value: Any) -> None:
    is_malformed(refuse(bundle(on_manifest=put("artifacts", 0, name, to=value))))


@pytest.mark.parametrize("name", ["path", "size", "sha256", "role", "mediaType"])
def test_T089_a_missing_member_of_a_document_is_refused(refuse: Refuse, name: str) -> None:
    is_malformed(refuse(bundle(on_manifest=drop("documents", 0, name))))


@pytest.mark.parametrize(
    ("name", "value"),
    [("role", "virus"), ("mediaType", "text"), ("mediaType", "Text/Plain"), ("size", "1"), ("path", "artifacts/files/q")],
)
def test_T089_a_wrong_member_of_a_document_is_refused(refuse: Refuse, name: str, value: Any) -> None:
    is_malformed(refuse(bundle(on_manifest=put("documents", 0, name, to=value))))


def test_T090_a_later_version_of_the_head_asks_for_a_newer_program(refuse: Refuse) -> None:
    found = refuse(bundle(on_head=lambda head: head[:15] + b"\x02" + head[16:]))

    assert (found.reason, found.got) == (Reason.UNSUPPORTED_VERSION, "2")


@pytest.mark.parametrize("what", ["manifest", "statement"])
def test_T090_a_later_version_of_a_document_is_refused(refuse: Refuse, what: str) -> None:
    name, value = {"manifest": ("format", 2), "statement": ("predicateType", "urn:airgap:bundle:2")}[what]
    is_malformed(refuse(edited(what, put(name, to=value))))


@every_object
@pytest.mark.parametrize(("old", "new"), [(b'":', b'": '), (b",", b" ,"), (b'{"', b'{ "'), (b'"a', rb'"\u0061')])
def test_T091_another_encoding_of_the_same_value_is_refused(refuse: Refuse, what: str, old: bytes, new: bytes) -> None:
    is_malformed(refuse(TEXTS[what](lambda raw: raw.replace(old, new, 1) if old in raw else b" " + raw)))


@every_object
def test_T091_another_order_of_keys_is_refused(refuse: Refuse, what: str) -> None:
    def turn(raw: bytes) -> bytes:
        return json.dumps(dict(reversed(json.loads(raw).items())), separators=(",", ":")).encode()

    is_malformed(refuse(TEXTS[what](turn)))


def test_T091_another_order_of_keys_in_free_metadata_is_refused(refuse: Refuse) -> None:
    is_malformed(refuse(in_metadata(b'{"b":1,"a":1}')), "another encoding")


@every_text
@pytest.mark.parametrize("text", [b'"' + rb"\"" * 60_000, b'["' + rb"\\" * 60_000, b'"' * 150_001])
def test_T092_a_text_made_to_be_slow_is_refused_in_no_time(refuse: Refuse, what: str, text: bytes) -> None:
    is_malformed(refuse(TEXTS[what](lambda _: text)))


@pytest.mark.parametrize("text", [rb"\"" * 200_000, rb"\\" * 200_000, b'"' * 400_000, b'"[' * 200_000])
def test_T092_an_entry_made_to_be_slow_is_refused_in_no_time(refuse: Refuse, text: bytes) -> None:
    is_malformed(refuse(bundle(on_manifest_text=lambda _: b'{"artifacts":[{"' + text)))


def test_T092_a_path_made_to_be_slow_is_refused_in_no_time(refuse: Refuse) -> None:
    path = "artifacts/files/" + "com1." * 100_000
    found = refuse(bundle(on_manifest=put("artifacts", 0, "path", to=path)))

    assert found.reason is Reason.BAD_NAME


@pytest.mark.parametrize("purl", ["pkg:generic/" + "a" * 3000, "pkg:" + "a/" * 1000, "pkg:generic/" + "%41" * 600 + "%"])
def test_T092_a_purl_made_to_be_slow_is_refused_in_no_time(refuse: Refuse, purl: str) -> None:
    is_malformed(refuse(bundle(on_manifest=put("artifacts", 0, "purl", to=purl))))

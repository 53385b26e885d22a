"""docs/format.md suffices: a reader written from it alone agrees with the program."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airgap.bundle import frames, tarstream
from airgap.bundle.argument import Examined, examine
from airgap.bundle.claims import read_claims
from airgap.bundle.rules import Asker
from airgap.cli.app import run
from airgap.core import names, purl
from airgap.core.errors import FormatError
from airgap.core.keys import Algorithm, PrivateKey
from airgap.core.policy import PRESETS, Policy
from airgap.core.trust import open_trust
from airgap.core.verdict import Standing
from airgap.evidence.prove import Prover
from tests.forge import text
from tests.forge.build import bundle
from tests.forge.edit import drop, put
from tests.forge.keys import MALLORY, hybrid, key
from tests.forge.trust import document, revoked, trust_file
from tests.second_reader import reader, signing, values
from tests.second_reader.reader import Entry, read
from tests.second_reader.values import Refused

FORMAT = Path(__file__).parents[2] / "docs" / "format.md"
MADE = datetime(2026, 1, 1, tzinfo=UTC)
NOW = MADE + timedelta(days=30)
KEYS = {
    "alice": hybrid("alice"),
    "bob": (key("bob"),),
    "carol": (key("carol", Algorithm.ECDSA_P384),),
    "mallory": (MALLORY,),
}
FILES = {
    "empty": b"",
    "text.txt": b"the same line again and again\n" * 90_000,
    "noise.bin": b"".join(sha256(b"%d" % n).digest() for n in range(70_000)),  # does not compress
    "tool.tar.gz": b"an artifact",
    "tool.tar.gz.asc": b"its evidence",
    "/".join(["a-component-of-the-path"] * 6) + "/name.txt": b"needs the prefix field",
    "größe/日本語.txt": b"needs a pax header",
    "x" * 101: b"needs one too",
}


def write_keys(folder: Path, name: str, keys: Sequence[PrivateKey]) -> None:
    (folder / f"{name}.key.pem").write_bytes(b"".join(one.pem(None) for one in keys))
    (folder / f"{name}.pub.pem").write_bytes(b"".join(one.public.pem for one in keys))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A connected host: files of every kind, signers of three kinds, a trust document that knows all but Mallory."""
    root = tmp_path_factory.mktemp("host")
    for name, content in FILES.items():
        path = root / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name, keys in KEYS.items():
        write_keys(root, name, keys)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("SOURCE_DATE_EPOCH", str(int(MADE.timestamp())))
        signers = [part for name in ("alice", "bob", "carol") for part in ("--signer", f"{name}.pub.pem")]
        assert run(["trust", "init", "-o", "trust.json", *signers, "--key", "alice.key.pem"]) == 0
        for name in KEYS:
            for container in ("archive", "directory"):
                arguments = ["-o", f"{name}.{container}", "--key", f"{name}.key.pem", "--container", container]
                assert run(["export", "src", *arguments]) == 0
        arguments = ["-o", "cut.airgap", "--key", "bob.key.pem", "--volume-size", "70000"]
        assert run(["export", "src", *arguments]) == 0
    return root


def program(paths: Sequence[Path], trust: bytes, at: datetime) -> Examined:
    asker = Asker(trust=open_trust(trust), policy=Policy.parse(PRESETS["standard"]), at=at, evidence=Prover)
    return examine([str(path) for path in paths], asker)


def second(paths: Sequence[Path], trust: bytes, at: datetime) -> list[Entry]:
    return read([str(path) for path in paths], trust, at)


def entries(path: Path) -> list[Entry]:
    return [Entry(e.path, e.size, e.sha256.hex()) for e in read_claims([str(path)]).manifest().entries]


def copy(path: Path, tmp_path: Path, change: Callable[[bytearray], object]) -> Path:
    raw = bytearray(path.read_bytes())
    change(raw)
    changed = tmp_path / "changed.airgap"
    changed.write_bytes(raw)
    return changed


def flip(at: int) -> Callable[[bytearray], object]:
    def change(raw: bytearray) -> None:
        raw[at] ^= 1

    return change


@pytest.mark.parametrize("container", ["archive", "directory"])
@pytest.mark.parametrize("signer", ["alice", "bob", "carol"])
def test_both_readers_find_the_same_entries(host: Path, signer: str, container: str) -> None:
    bundle, trust = host / f"{signer}.{container}", (host / "trust.json").read_bytes()

    assert program([bundle], trust, NOW).verdict.standing is Standing.ACCEPTED
    assert second([bundle], trust, NOW) == entries(bundle)
    assert {(e.size, e.sha256) for e in entries(bundle)} == {(len(c), sha256(c).hexdigest()) for c in FILES.values()}


def test_both_kinds_of_frames_were_read(host: Path) -> None:
    made = read_claims([str(host / "alice.archive")]).manifest().frames

    assert {made.digest(index) is None for index in range(len(made))} == {True, False}


def test_volumes_are_joined_in_any_order(host: Path) -> None:
    volumes = sorted(host.glob("cut.airgap.*"), reverse=True)

    assert len(volumes) > 3
    assert second(volumes, (host / "trust.json").read_bytes(), NOW) == entries(host / "bob.archive")


DAMAGES: dict[str, tuple[Callable[[bytearray], object], str]] = {
    "a byte of the manifest": (lambda raw: flip(raw.index(b'"documents"'))(raw), "manifest-mismatch"),
    "a byte of the signature": (lambda raw: flip(raw.index(b'"sig":"') + 20)(raw), "bad-signature"),
    "a byte inside a raw block": (lambda raw: flip(raw.index(FILES["noise.bin"][9000:9032]))(raw), "content-mismatch"),
    "a byte of the last frame": (flip(-9), "frame-damaged"),
    "the version": (flip(15), "unsupported-version"),
    "the magic": (flip(0), "not-a-bundle"),
    "the padding": (lambda raw: flip(raw.index(b"     "))(raw), "malformed"),
    "one byte more": (lambda raw: raw.append(0), "wrong-size"),
    "one byte less": (lambda raw: raw.pop(), "wrong-size"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_both_readers_refuse_a_damaged_archive_for_the_same_reason(host: Path, tmp_path: Path, damage: str) -> None:
    change, reason = DAMAGES[damage]
    bundle, trust = copy(host / "bob.archive", tmp_path, change), (host / "trust.json").read_bytes()

    with pytest.raises(Refused) as refused:
        second([bundle], trust, NOW)

    assert str(refused.value) == reason
    assert reason in {finding.reason for finding in program([bundle], trust, NOW).verdict.findings}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("artifacts/files/tool.tar.gz", b"another one", "content-mismatch"),
        ("artifacts/files/tool.tar.gz", b"longer than it was", "wrong-size"),
        ("artifacts/files/stranger", b"", "undeclared-file"),
        ("SHA256SUMS", b"", "filler-mismatch"),
    ],
)
def test_both_readers_refuse_a_changed_directory(host: Path, name: str, content: bytes, reason: str) -> None:
    bundle, trust = host / "alice.directory", (host / "trust.json").read_bytes()
    path = bundle / name
    before = path.read_bytes() if path.exists() else None
    try:
        path.write_bytes(content)
        with pytest.raises(Refused) as refused:
            second([bundle], trust, NOW)
        found = {finding.reason for finding in program([bundle], trust, NOW).verdict.findings}
    finally:
        path.unlink() if before is None else path.write_bytes(before)

    assert str(refused.value) == reason
    assert reason in found


@pytest.mark.parametrize(
    ("signer", "at", "reason"),
    [
        ("mallory", NOW, "unknown-signer"),
        ("alice", NOW + timedelta(days=90), "expired"),
        ("alice", NOW + timedelta(days=400), "trust-expired"),
    ],
)
def test_both_readers_refuse_a_stranger_and_what_is_over(host: Path, signer: str, at: datetime, reason: str) -> None:
    bundle, trust = host / f"{signer}.archive", (host / "trust.json").read_bytes()

    with pytest.raises(Refused) as refused:
        second([bundle], trust, at)

    assert str(refused.value) == reason
    assert program([bundle], trust, at).verdict.reason == reason


def test_both_readers_refuse_half_a_hybrid_signature(host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_keys(tmp_path, "half", hybrid("alice")[:1])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(MADE.timestamp())))
    bundle, trust = tmp_path / "half.airgap", (host / "trust.json").read_bytes()
    assert run(["export", str(host / "src"), "-o", str(bundle), "--key", str(tmp_path / "half.key.pem")]) == 0

    with pytest.raises(Refused) as refused:
        second([bundle], trust, NOW)

    assert str(refused.value) == "incomplete-signer"
    assert program([bundle], trust, NOW).verdict.reason == "incomplete-signer"


def test_both_readers_follow_a_trust_update_in_the_bundle(
    host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(host)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(MADE.timestamp())))
    newer, bundle, trust = str(tmp_path / "2.json"), tmp_path / "new.airgap", (host / "trust.json").read_bytes()
    arguments = ["-o", newer, "--add-exporter", "mallory.pub.pem", "--key", "alice.key.pem"]
    assert run(["trust", "amend", "trust.json", *arguments]) == 0
    arguments = ["-o", str(bundle), "--key", "mallory.key.pem", "--trust-update", newer]
    assert run(["export", "src", *arguments]) == 0

    assert program([bundle], trust, NOW).verdict.standing is Standing.ACCEPTED
    assert second([bundle], trust, NOW) == entries(host / "bob.archive")


def test_the_worked_example_of_the_document_is_a_bundle_for_both_readers(tmp_path: Path) -> None:
    example = FORMAT.read_text(encoding="utf-8").partition("## 17 Worked example")[2]
    prefix, frame = (bytes.fromhex(text) for text in re.findall(r"```hex\n(.+?)```", example, re.DOTALL))
    envelope, _, manifest, trust = (text.encode() for text in re.findall(r"```json\n(.+?)\n```", example))
    bundle = tmp_path / "hello.airgap"
    bundle.write_bytes(prefix + b"[]\n" + envelope.ljust(25_495) + b"\n" + manifest.ljust(378) + b"\n" + frame)

    assert sha256(bundle.read_bytes()).hexdigest() in example
    assert program([bundle], trust, NOW).verdict.standing is Standing.ACCEPTED
    assert second([bundle], trust, NOW) == [Entry("artifacts/files/hello.txt", 6, sha256(b"hello\n").hexdigest())]


def verdict(check: Callable[[str], object], text: str) -> str | None:
    try:
        check(text)
    except (Refused, FormatError) as exc:
        return str(exc.reason if isinstance(exc, FormatError) else exc)
    return None


ODD = st.sampled_from(
    [*"ab.~:\\ /A1-", "con", "nul", "\u00e9", "e\u0301", "\u200b", "\u3164", "\ue000", "\u00b9", "\x7f", "ß", "com"]
)


@given(st.lists(ODD, min_size=1, max_size=12).map("".join))
@settings(max_examples=400)
def test_both_readers_judge_a_path_alike(path: str) -> None:
    assert verdict(values.check_path, path) == verdict(names.check_path, path)


@given(
    st.lists(
        st.sampled_from(["a", "A", "b/a", "B/c", "a/b", "ß", "SS", "\u00e9/x", "\u00c9/y", "c/d/e", "c/D/f"]), unique=True
    )
)
@settings(max_examples=200)
def test_both_readers_find_the_same_clashes(paths: list[str]) -> None:
    second = verdict(lambda _: values.check_distinct([f"artifacts/{path}" for path in paths]), "")

    assert second == verdict(lambda _: names.check_distinct(paths), "")


PIECES = [
    "a",
    "Z",
    ".",
    "..",
    "/",
    "@1",
    "?a=",
    "&b=",
    "b",
    "#",
    "%2F",
    "%41",
    "%C3%A9",
    "%C3",
    "%20",
    ":",
    "~",
    "%3a",
    "+",
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map(lambda parts: "pkg:generic/" + "".join(parts)))
@settings(max_examples=400)
def test_both_readers_judge_a_purl_alike(text: str) -> None:
    assert verdict(lambda t: values.must(values.is_purl(t)), text) == verdict(purl.check_purl, text)


@given(
    st.integers(0, 260),
    st.integers(0, 260),
    st.sampled_from(["a", "é"]),
    st.sampled_from([0, 511, 8**11 - 1, 8**11, 2**53 - 1]),
)
def test_both_readers_expect_the_same_tar_header(front: int, back: int, letter: str, size: int) -> None:
    path = "a/" * (front // 40) + letter * (front % 40 + 1) + "/" + "b" * (back + 1)

    assert reader.header(path, size, 1767225600) == tarstream.entry_header(path, size, 1767225600)


@pytest.mark.parametrize("size", [1, 255, 256, 65791, 65792, 131072, 131073, 1048576])
def test_both_readers_expect_the_same_frame(size: int) -> None:
    piece = (sha256(b"piece").digest() * 32769)[:size]
    raw = b"".join(frames.encode_raw(memoryview(piece)))

    assert (reader.frame_header(size), reader.raw_size(size)) == (frames.frame_header(size), len(raw))
    assert reader.unframe(raw, size, None) == piece


ODD_VALUES = [
    *("up", "ab" * 20, "AB" * 20),
    *(None, True, 0, -1, 2**53, 1.5, "", "a\n", "main", "a" * 64, "A" * 64, [], {}, [1], {"é": 1}, {"a": {"é": 1}}),
    *("2026-11-20T00:00:00Z", "2026-11-20T24:00:00Z", "1969-01-01T00:00:00Z", "2300-01-01T00:00:00Z", "directory"),
    *("artifacts/files/A.txt", "documents/files/con", "pkg:generic/%61", "pkg:generic/a", "key", ["alice", "alice"]),
    *([{"kind": "agent", "name": "x"}], [{"detail": "", "purl": "x", "what": "unresolved"}], 65536, 100_000),
]


def places(value: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield (*where, name)
        yield from places(one, (*where, name))


def changes(value: Any) -> st.SearchStrategy[Any]:
    """The value with one thing in it dropped, replaced or added."""
    where = st.sampled_from(list(places(value)))
    other = st.sampled_from(ODD_VALUES)
    replaced = st.builds(lambda at, to: put(*at, to=to)(value), where, other)
    added = st.builds(lambda at, to: put(*at[:-1], "more" if isinstance(at[-1], str) else 0, to=to)(value), where, other)
    return replaced | added | where.map(lambda at: drop(*at)(value))


@given(st.data())
@settings(max_examples=300)
def test_both_readers_judge_signed_documents_with_one_change_alike(tmp_path_factory: Any, data: st.DataObject) -> None:
    layer = data.draw(st.sampled_from(["on_manifest", "on_statement", "on_envelope"]))
    path = tmp_path_factory.getbasetemp() / "forged.airgap"
    change: Any = {layer: lambda value: data.draw(changes(value))}
    path.write_bytes(bundle(**change).raw)
    examined = program([path], trust_file(), text.NOW)

    why = verdict(lambda _: second([path], trust_file(), text.NOW), "")

    assert (why is None) == (examined.verdict.standing is Standing.ACCEPTED), why


@given(st.data())
@settings(max_examples=200)
def test_both_readers_judge_trust_documents_with_one_change_alike(data: st.DataObject) -> None:
    anchors = [
        {"artifacts": ["pkg:*"], "kind": "pem", "name": n, "pin": "QUJD", "settings": {"a": "b"}} for n in ("up", "main")
    ]
    raw = trust_file(data.draw(changes(document(anchors=anchors, revoked=revoked(keys="ab" * 20, digests="cd" * 32)))))

    assert verdict(lambda _: signing.pinned(raw), "") == verdict(lambda _: open_trust(raw), "")

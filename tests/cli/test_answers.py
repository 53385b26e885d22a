"""What every command prints with --json: one document, of the shape that ``schemas/answer.schema.json`` gives."""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, NoReturn

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from typer import Typer

from airgap.cli import inputs
from airgap.cli.app import app, run
from airgap.connected.collected import Collected, FileSource
from airgap.core import schema
from airgap.core.entries import Role
from airgap.core.errors import BusyError, FormatError, PlatformError, StoreError, TrustStop, UsageError
from airgap.core.keys import Algorithm
from airgap.core.reasons import Reason
from airgap.core.schema import load
from airgap.core.verdict import Standing
from airgap.isolated.receipts import read_kept
from airgap.isolated.wishes import make_wish
from tests.cli.conftest import Airgap
from tests.cli.keyring import key_file, public_file, trust_file
from tests.isolated.scene import FILES, NOW, Scene, rot, signed, trust_of

BY_ALICE = "--key alice.key.pem"
BY_SITE = "--site-key store/site.pub.pem"
SINCE = f"--after one.airgap --since store/receipts {BY_SITE}"
ANCHORS = (
    {"name": "upstream", "kind": "openpgp", "pin": "ab" * 20, "artifacts": ["pkg:*"], "settings": {}},
    {"name": "useless", "kind": "openpgp", "pin": "ab", "artifacts": ["pkg:*"], "settings": {}},
)
PINNED = f"--kind openpgp --pin {'ab' * 20}"
ANSWERS = [
    # command, its arguments, definition in the schema, exit code
    ("keygen", "carol --no-passphrase", "keygen", 0),
    ("trust init", f"-o new.json --signer alice.pub.pem {BY_ALICE}", "trust", 0),
    ("trust show", "trust.json", "trust", 0),
    ("trust sign", "trust.json --key bob.key.pem", "trust", 0),
    ("trust amend", f"trust.json -o new.json --revoke-artifact pkg:npm/left-pad {BY_ALICE}", "trust", 0),
    ("trust update", "2.json --store store", "update", 0),
    ("trust revoke", f"trust.json -o new.json --digest {'ab' * 32} --reason recalled {BY_ALICE}", "trust", 0),
    ("trust diff", "trust.json 2.json", "difference", 0),
    ("trust diff", "trust.json trust.json", "difference", 0),
    ("trust diff", "2.json trust.json", "difference", 7),
    ("trust anchor add", f"trust.json -o new.json --name x --artifacts pkg:* {PINNED} {BY_ALICE}", "anchor", 0),
    ("trust anchor list", "anchored.json", "anchors", 0),
    ("trust anchor remove", f"anchored.json -o new.json --name upstream {BY_ALICE}", "trust", 0),
    ("export", f"out -o new.airgap --volume-size 100000 {BY_ALICE}", "export", 0),
    ("export", "out -o new.airgap --dry-run", "plan", 0),
    ("export", f"out -o new.airgap {SINCE} --answer wish.json {BY_ALICE}", "export", 0),
    ("export", f"one.files -o new.airgap {SINCE} {BY_ALICE}", "export", 0),
    ("export", f"one.files -o new.airgap {SINCE} --dry-run", "plan", 0),
    ("sign", "two.airgap --key bob.key.pem", "sign", 0),
    ("inspect", "one.airgap", "inspect", 0),
    ("inspect", "evidence.airgap --manifest --losses", "inspect", 0),
    ("verify", "one.airgap --trust trust.json", "verdict", 0),
    ("verify", "rotten.airgap --trust trust.json", "verdict", 3),
    ("verify", "trust.json --trust trust.json", "verdict", 3),
    ("init", "new --trust trust.json --site plant-8", "init", 0),
    ("import", "one.airgap --store store", "verdict", 0),
    ("import", "two.airgap --store store", "verdict", 0),
    ("import", "two.airgap --store store --dry-run", "verdict", 0),
    ("import", "rotten.airgap --store store", "verdict", 3),
    ("check", "--store store", "verdict", 0),
    ("check", "--store damaged", "verdict", 4),
    ("list", "--store store", "list", 0),
    ("show", "hello.txt --store store", "show", 0),
    ("trace", "hello.txt --store store", "trace", 0),
    ("receipt show", f"store/receipts/1.json {BY_SITE}", "receipt", 0),
    ("receipt show", f"short {BY_SITE} --qr", "receipt", 0),
    ("receipt show", "--store store --short", "receipt", 0),
    ("request", "--store store --need pkg:npm/left-pad -o new.json", "request", 0),
    ("request", "--store damaged -o new.json", "request", 0),
    ("request", f"--show wish.json {BY_SITE}", "request", 0),
    ("ledger show", "--store store", "history", 0),
    ("ledger show", "--store damaged", "history", 0),
    ("ledger verify", "--store store", "proof", 0),
    ("ledger verify", "--store damaged", "proof", 4),
    ("recover", "--store store", "recover", 0),
    ("demo", "--keep new", "demo", 0),
    ("clients", "--store store --url http://127.0.0.1:8080/ -o new", "clients", 0),
    ("clients", "--store store --url file:///srv/airgap/current -o new", "clients", 0),
    ("rewrite-lock", "yarn.lock --url http://127.0.0.1:8080", "rewriteLock", 0),
    ("rewrite-lock", "requirements.txt --url https://store.example/airgap -o new", "rewriteLock", 0),
]
ENDLESS = {"serve"}
"""Commands that answer and go on until they are told to end, each with the definition of its own name; tests/serving."""
FAILURES = [
    ("fly", 2, None),
    ("check --fast", 2, None),
    ("verify one.airgap", 2, None),
    ("verify none.airgap --trust trust.json", 2, None),
    ("inspect trust.json", 3, "not-a-bundle"),
    ("sign rotten.airgap --key bob.key.pem", 3, "frame-damaged"),
    ("check --store out", 1, None),
    (f"receipt show trust.json {BY_SITE}", 3, "malformed"),
    ("receipt show short --site-key alice.pub.pem", 3, "bad-signature"),
    (f"request --show store/receipts/1.json {BY_SITE}", 3, "malformed"),
    ("trust show alice.pub.pem", 7, "malformed"),
    ("trust update trust.json --store store", 7, "trust-update"),
    ("clients --store store --url http://me:secret@store.example -o new", 2, None),
    ("rewrite-lock trust.json --url http://127.0.0.1", 2, None),
    ("rewrite-lock package-lock.json --url http://127.0.0.1", 3, "malformed"),
]


@cache
def shape(definition: str) -> Draft202012Validator:
    """The rules for one document, those of the other files looked up by their ``$id``."""
    names = ("answer", "manifest", "record", "statement", "trust", "verdict", "wish")
    registry: Registry[Any] = Registry().with_resources(
        (load(name)["$id"], Resource.from_contents(load(name))) for name in names
    )
    return Draft202012Validator({"$ref": f"urn:airgap:schema:{definition}"}, registry=registry)


def faults(definition: str, value: object) -> list[str]:
    """What is wrong with a document, by its own definition."""
    return [f"{fault.json_path}: {fault.message}" for fault in shape(f"answer:1#/$defs/{definition}").iter_errors(value)]


def commands(tree: Typer, prefix: str = "") -> Iterator[str]:
    """Every command of a tree, as it is typed."""
    for command in tree.registered_commands:
        yield f"{prefix}{command.name}"
    for group in tree.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, f"{prefix}{group.name} ")


def closed(rule: Any, place: str = "$") -> Iterator[tuple[str, object, set[str]]]:
    """Every object of a schema: where, what else it may hold, and which members may be missing."""
    if isinstance(rule, dict):
        if "properties" in rule:
            yield place, rule.get("additionalProperties"), set(rule["properties"]) - set(rule["required"])
        for name, inside in rule.items():
            yield from closed(inside, f"{place}.{name}")
    elif isinstance(rule, list):
        for inside in rule:
            yield from closed(inside, place)


def put(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def supplied(path: str, purl: str) -> Collected:
    """An artifact with evidence and custody, as a later collector would hand it over."""
    put("hello.sig", b"signature")
    source, proof = (
        FileSource(at, "hello.sig", len(b"signature"), os.stat("hello.sig").st_mtime_ns)
        for at in (path, "documents/files/hello.sig")
    )
    custody = ({"kind": "registry", "name": "upstream"}, {"kind": "mirror", "name": "ours"})
    return Collected(source, purl, ((proof, Role.SIGNATURE, "text/plain"),), custody)


@pytest.fixture
def hosts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Keys, trust documents, bundles and two stores in the current folder; one of the stores is damaged."""
    monkeypatch.chdir(scene.root)
    for name in ("alice", "bob"):
        key_file(".", name)
        public_file(".", name)
    trust_file(".", "alice", "bob")
    second = trust_of("alice", "bob", version=2)
    put("2.json", signed(second, "alice").encode() + b"\n")
    put("anchored.json", signed(replace(second, anchors=ANCHORS), "alice").encode() + b"\n")
    put("out/a.txt", bytes(150_000))
    put("out/a.txt.sig", b"signature")
    os.symlink("a.txt", "out/link")
    one = scene.export()
    scene.export({"two.txt": b"2"}, name="two", after=one)
    rotten = scene.export(name="rotten", channel="other")
    rot(rotten.path, at=os.path.getsize(rotten.path) - 200)
    scene.export(name="evidence", artifacts=[supplied("artifacts/files/hello.txt", "pkg:generic/hello.txt")])
    scene.take_in(one)
    site = scene.open()
    put(
        "yarn.lock",
        b'# yarn lockfile v1\n\na@^1:\n  version "1.0.0"\n  resolved "https://upstream.example/a/-/a-1.0.0.tgz#ab"\n',
    )
    put("requirements.txt", b"--extra-index-url https://upstream.example/simple\n")
    put("package-lock.json", b"{")
    put("short", read_kept(site, 1).short(site.private_key()).encode())
    put("wish.json", make_wish(site, ["pkg:npm/left-pad@1"], NOW).sign(site.private_key()).encode())
    broken = Scene(scene.root, trust=scene.trust)
    broken.store_path = "damaged"
    broken.set_up()
    broken.take_in(one)
    rot(broken.object_of(FILES["hello.txt"]))
    put(broken.open().layout.checkpoint, b"no checkpoint")
    return scene


@pytest.mark.parametrize(("command", "arguments", "definition", "code"), ANSWERS)
@pytest.mark.usefixtures("hosts")
def test_an_answer_is_one_document_of_its_own_shape_and_of_no_other(
    command: str, arguments: str, definition: str, code: int, airgap: Airgap
) -> None:
    ended = airgap(*command.split(), *arguments.split(), "--json")

    assert (ended.code, ended.err) == (code, "")
    assert faults(definition, ended.json) == []
    assert shape("answer:1").is_valid(ended.json)


@pytest.mark.parametrize(("command", "code", "reason"), FAILURES)
@pytest.mark.usefixtures("hosts")
def test_a_command_that_fails_answers_with_the_error_and_nothing_else(
    command: str, code: int, reason: str | None, airgap: Airgap
) -> None:
    ended = airgap(*command.split(), "--json")

    assert faults("error", ended.json) == []
    assert (ended.code, ended.json["exit"], ended.json["reason"], ended.err) == (code, code, reason, "")


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (FormatError("x"), 3, Reason.MALFORMED),
        (UsageError("x"), 2, None),
        (StoreError("x"), 1, None),
        (BusyError("x"), 5, None),
        (TrustStop("x", reason=Reason.TRUST_EXPIRED), 7, Reason.TRUST_EXPIRED),
        (PlatformError("x"), 8, None),
        (KeyError("x"), 1, None),
    ],
)
def test_every_kind_of_error_has_that_shape_and_so_has_a_defect_of_ours(
    error: Exception, code: int, reason: str | None, airgap: Airgap, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> NoReturn:
        raise error

    monkeypatch.setattr(inputs, "entropy", fail)
    ended = airgap("keygen", "alice", "-o", tmp_path, "--no-passphrase", "--json")

    assert faults("error", ended.json) == []
    assert (ended.code, ended.json["exit"], ended.json["reason"], ended.err) == (code, code, reason, "")
    assert "x" in ended.json["message"]


@pytest.mark.parametrize(
    ("command", "hint"),
    [("fly", "airgap --help"), ("check --fast", "airgap check --help"), ("ledger", "airgap ledger --help")],
)
def test_a_call_that_makes_no_sense_is_told_where_the_help_is(command: str, hint: str, airgap: Airgap) -> None:
    assert airgap(*command.split(), "--json").json["hint"] == hint


@pytest.mark.parametrize(("command", "arguments"), [("verify", "--trust trust.json"), ("import", "--store store")])
@pytest.mark.usefixtures("hosts")
def test_the_bundle_of_a_verdict_has_the_shape_that_other_answers_give_it(
    command: str, arguments: str, airgap: Airgap
) -> None:
    bundle = airgap(command, "one.airgap", *arguments.split(), "--json").json["bundle"]

    assert faults("bundle", bundle) == []


def test_an_artifact_outside_the_views_is_shown_with_its_custody_hop_by_hop(airgap: Airgap, hosts: Scene) -> None:
    other = hosts.export(name="other", channel="other", artifacts=[supplied("artifacts/maven/x.jar", "pkg:maven/x@1")])
    assert airgap("import", other.path, "--store", "store").code == 0
    said = airgap("show", "pkg:maven/x@1", "--store", "store", "--json").json

    assert faults("show", said) == []
    (found,) = said["artifacts"]
    assert found["view"] is None
    assert found["evidence"] == ["documents/files/hello.sig"]
    assert found["custody"] == [{"kind": "registry", "name": "upstream"}, {"kind": "mirror", "name": "ours"}]
    assert "custody    registry:upstream, mirror:ours\n" in airgap("show", "pkg:maven/x@1", "--store", "store").out


def test_no_command_and_no_definition_is_missing_here() -> None:
    run(["--version"])
    tested = {definition for _, _, definition, _ in ANSWERS} | {"error"} | ENDLESS

    assert {command for command, _, _, _ in ANSWERS} | ENDLESS == set(commands(app))
    assert {rule["$ref"].removeprefix("#/$defs/") for rule in load("answer")["oneOf"]} == tested


def test_every_object_is_closed_and_only_what_an_option_asks_for_may_be_missing() -> None:
    objects = list(closed(load("answer")))

    assert [place for place, more, _ in objects if more is not False] == []
    assert {place: missing for place, _, missing in objects if missing} == {"$.$defs.inspect": {"entries", "losses"}}


def test_the_schemas_know_exactly_these_words() -> None:
    assert load("verdict")["properties"]["result"]["enum"] == [*Standing, "clean", "damaged", "incomplete"]
    assert load("answer")["$defs"]["keygen"]["properties"]["algorithms"]["items"]["enum"] == list(Algorithm)


def test_an_answer_is_printed_without_its_schema(airgap: Airgap, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def note(name: str) -> Any:
        asked.append(name)
        return load(name)

    schema._validator.cache_clear()
    monkeypatch.setattr(schema, "load", note)
    airgap("demo", "--keep", f"{tmp_path}/demo", "--json")

    assert asked
    assert "answer" not in asked

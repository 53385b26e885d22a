"""airgap request, and exports since a receipt that answer one."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Airgap, Ended
from tests.cli.keyring import key_file, public_file
from tests.isolated.scene import Scene, rot

KEY = ("--key", "alice.key.pem")
SITE = ("--site-key", "store/site.pub.pem")


@pytest.fixture
def hosts(scene: Scene, airgap: Airgap, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Both sides in the current folder: one bundle of three files was imported, and its receipt came back."""
    monkeypatch.chdir(scene.root)
    key_file(".", "alice")
    os.mkdir("out")
    for name, content in {"a": b"alpha", "b": b"beta" * 1000, "c": b"gamma"}.items():
        Path("out", name).write_bytes(content)
    airgap("export", "out", "-o", "1.airgap", *KEY)
    airgap("import", "1.airgap", "--store", "store", "--receipt", "1.json")
    return scene


def damage(scene: Scene, airgap: Airgap, content: bytes) -> None:
    rot(scene.object_of(content))
    assert airgap("check", "--store", "store").code == 4


def export(airgap: Airgap, number: int, *arguments: object) -> Ended:
    return airgap("export", "out", "-o", f"{number}.airgap", "--after", f"{number - 1}.airgap", *KEY, *arguments)


def test_an_export_since_a_receipt_says_what_it_leaves_out(airgap: Airgap, hosts: Scene) -> None:
    Path("out/new").write_bytes(b"new")
    planned = export(airgap, 2, "--since", "1.json", *SITE, "--dry-run")
    counted = export(airgap, 2, "--since", "1.json", *SITE, "--dry-run", "--json").json
    ended = export(airgap, 2, "--since", "1.json", *SITE)

    assert planned.out.splitlines() == [
        "       3 B  artifacts/files/new",
        "  3 artifacts, 4.0 kB left out: the site confirmed that it has them",
        "1 artifact, 3 B would travel; nothing was written",
    ]
    assert counted["counts"] == {"artifacts": 1, "bytes": 3, "leftOut": 3, "leftOutBytes": 4010}
    assert [artifact["path"] for artifact in counted["artifacts"]] == ["artifacts/files/new"]
    assert (ended.code, ended.err) == (0, "")
    assert "  1 artifact, 3 B in " in ended.out
    assert "  3 artifacts, 4.0 kB left out: the site confirmed that it has them\n" in ended.out
    assert airgap("import", "2.airgap", "--store", "store").code == 0
    assert sorted(os.listdir(hosts.shown(""))) == ["a", "b", "c", "new"]


def test_the_json_of_a_delta_counts_what_was_left_out(airgap: Airgap, hosts: Scene) -> None:
    said = export(airgap, 2, "--since", f"{hosts.store_path}/receipts", *SITE, "--json").json
    receipt = airgap("receipt", "show", "1.json", *SITE, "--json").json

    assert said["counts"] == {"leftOut": 3, "leftOutBytes": 4010}
    assert said["unanswered"] == {"damaged": [], "needed": []}
    assert said["bundle"]["base"] == {"receipt": receipt["digest"], "sequence": 1}


def test_a_store_that_lost_the_base_names_what_to_bring(airgap: Airgap, hosts: Scene) -> None:
    damage(hosts, airgap, b"alpha")
    export(airgap, 2, "--since", "1.json", *SITE)
    digest = airgap("receipt", "show", "1.json", *SITE, "--json").json["digest"]
    ended = airgap("import", "2.airgap", "--store", "store")

    assert ended.code == 3
    assert "FAILED  base       base-missing: artifacts/files/a\n" in ended.out
    assert f"expected bundle main 1 (receipt {digest[:16]}) here\n" in ended.out
    assert "got      no artifacts/files/a, or other bytes of it\n" in ended.out
    assert (
        "hint: import the bundle that this delta stands on first, or ask for what was lost: airgap request\n" in ended.out
    )


def test_a_request_names_what_was_lost_and_what_is_needed_and_the_other_side_reads_it(airgap: Airgap, hosts: Scene) -> None:
    damage(hosts, airgap, b"alpha")
    ended = airgap("request", "--store", "store", "--need", "pkg:npm/z@1", "--need", "pkg:npm/y", "-o", "wish.json")
    shown = airgap("request", "--show", "wish.json", *SITE)

    assert (ended.code, shown.code) == (0, 0)
    assert ended.out.splitlines()[0] == "request of site plant-7, 2026-11-23T08:00:00Z, written: wish.json"
    assert shown.out.splitlines()[0] == "request of site plant-7, 2026-11-23T08:00:00Z, verified: wish.json"
    assert ended.out.splitlines()[1:] == shown.out.splitlines()[1:]
    assert shown.out.splitlines()[2:5] == [
        "  lost pkg:generic/a: 5 B, sha256 8ed3f6ad685b959e",
        "  needs pkg:npm/y",
        "  needs pkg:npm/z@1",
    ]


def test_an_answer_carries_again_what_was_lost_and_says_what_it_lacks(airgap: Airgap, hosts: Scene) -> None:
    damage(hosts, airgap, b"alpha")
    airgap("request", "--store", "store", "--need", "pkg:npm/z@1", "--need", "pkg:generic/b", "-o", "wish.json")
    ended = export(airgap, 2, "--since", "1.json", "--answer", "wish.json", *SITE)

    assert ended.code == 0
    assert "  1 artifact, 5 B in " in ended.out
    assert ended.err == "warning: the request asks for pkg:npm/z@1, and this bundle does not bring it\n"
    assert airgap("import", "2.airgap", "--store", "store").code == 0
    assert airgap("check", "--store", "store").code == 0


def test_a_lost_object_that_an_answer_does_not_bring_is_named(airgap: Airgap, hosts: Scene) -> None:
    damage(hosts, airgap, b"alpha")
    airgap("request", "--store", "store", "-o", "wish.json")
    os.unlink("out/a")
    ended = export(airgap, 2, "--since", "1.json", "--answer", "wish.json", *SITE)
    said = airgap("export", "out", "-o", "full.airgap", "--answer", "wish.json", *SITE, *KEY, "--json").json

    assert ended.err == "warning: the request asks for pkg:generic/a, and this bundle does not bring it\n"
    assert [lost["path"] for lost in said["unanswered"]["damaged"]] == ["artifacts/files/a"]


def test_a_request_of_a_sound_store_asks_for_nothing(airgap: Airgap, hosts: Scene) -> None:
    said = airgap("request", "--store", hosts.store_path, "-o", "wish.json", "--json").json

    assert (said["result"], said["path"]) == ("written", "wish.json")
    assert (said["wish"]["damaged"], said["wish"]["needed"]) == ([], [])
    assert airgap("request", "--show", "wish.json", *SITE, "--json").json == {**said, "result": "verified"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("", 2, "request: expected --store and -o, or --show and --site-key, got another call"),
        ("--store store", 2, "request: expected --store and -o"),
        ("-o wish.json", 2, "request: expected --store and -o"),
        ("--store store -o wish.json --site-key store/site.pub.pem", 2, "request: expected --store and -o"),
        ("--show 1.json", 2, "request --show: expected --site-key with it and nothing else"),
        ("--show 1.json --site-key store/site.pub.pem --store store", 2, "request --show: expected --site-key"),
        ("--show 1.json --site-key store/site.pub.pem -o x", 2, "request --show: expected --site-key"),
        ("--show 1.json --site-key store/site.pub.pem --need pkg:npm/x", 2, "request --show: expected --site-key"),
        (
            "--show 1.json --site-key store/site.pub.pem",
            3,
            "1.json: wish: expected payload type application/vnd.airgap.wish",
        ),
        ("--store store -o 1.json", 2, "1.json: expected a new name, got a file that exists"),
        ("--store store -o x --need npm/x", 2, "purl: expected "),
        ("--store out -o x", 1, "out: expected a store, got none"),
    ],
)
@pytest.mark.usefixtures("hosts")
def test_a_request_that_makes_no_sense_is_refused(arguments: str, code: int, words: str, airgap: Airgap) -> None:
    ended = airgap("request", *arguments.split())

    assert words in ended.err
    assert ended.code == code
    assert not os.path.exists("wish.json")
    assert not os.path.exists("x")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("--since 1.json", 2, "--site-key: expected the key that signed receipt and request, got none"),
        ("--answer wish.json", 2, "--site-key: expected the key that signed receipt and request, got none"),
        ("--site-key store/site.pub.pem", 2, "--site-key: expected --since or --answer with it, got neither"),
        ("--since 1.json --site-key store/site.pub.pem", 2, "--since: expected --after with it"),
        ("--base 1.airgap", 2, "--base: expected --since with it, got none"),
        ("--since none --after 1.airgap --site-key store/site.pub.pem", 2, "none: expected to read it, got No such file"),
        (
            "--since 1.airgap --after 1.airgap --site-key store/site.pub.pem",
            3,
            "1.airgap: receipt: expected canonical JSON",
        ),
        (
            "--since 1.json --after 1.airgap --site-key alice.pub.pem",
            3,
            "1.json: receipt: expected signatures by known keys",
        ),
        ("--answer 1.json --site-key store/site.pub.pem", 3, "1.json: wish: expected payload type"),
    ],
)
def test_a_delta_that_makes_no_sense_is_not_written(
    arguments: str, code: int, words: str, airgap: Airgap, hosts: Scene
) -> None:
    public_file(hosts.root, "alice")
    ended = airgap("export", "out", "-o", "2.airgap", *KEY, *arguments.split())

    assert words in ended.err
    assert ended.code == code
    assert not os.path.exists("2.airgap")


def test_a_site_that_rewrote_its_history_gets_no_delta(airgap: Airgap, hosts: Scene) -> None:
    store = hosts.open()
    with open(store.layout.log, "rb") as file:
        records = file.read()
    with open(store.layout.log, "wb") as file:
        file.write(records.replace(b"08:00:00Z", b"08:00:01Z", 1))
    Path("out/new").write_bytes(b"new")
    airgap("export", "out", "-o", "2.airgap", "--after", "1.airgap", *KEY)
    assert airgap("import", "2.airgap", "--store", "store", "--receipt", "2.json").code == 0
    arguments = ("--since", "1.json", "--since", "2.json", *SITE)
    ended = export(airgap, 3, *arguments)

    assert ended.code == 3
    assert "ledger of site plant-7: expected 3 records with root " in ended.err
    assert "got a history without it in the receipt of main 2" in ended.err
    assert export(airgap, 3, *arguments, "--json").json["reason"] == "receipt-inconsistent"


def test_the_short_form_is_enough_for_a_delta_but_goes_with_no_older_receipt(airgap: Airgap, hosts: Scene) -> None:
    Path("short").write_text(airgap("receipt", "show", "--store", "store", "--short").out)
    assert export(airgap, 2, "--since", "short", *SITE, "--json").json["counts"]["leftOut"] == 3
    airgap("import", "2.airgap", "--store", "store")
    Path("short").unlink()
    Path("short").write_text(airgap("receipt", "show", "--store", hosts.store_path, "--short").out)
    ended = export(airgap, 3, "--since", "1.json", "--since", "short", *SITE)

    assert ended.code == 2
    assert "expected one receipt when the latest is in its short form, which proves no growth" in ended.err

import os
import stat

import pytest

from airgap.core.keys import HYBRID, Algorithm, parse_private, parse_public
from tests.cli.conftest import Airgap


def read(path: object) -> bytes:
    with open(str(path), "rb") as file:
        return file.read()


@pytest.mark.parametrize(
    ("option", "algorithms"), [("hybrid", HYBRID), *((algorithm.value, (algorithm,)) for algorithm in Algorithm)]
)
def test_a_key_pair_of_each_algorithm_is_written_and_belongs_together(
    option: str, algorithms: tuple[Algorithm, ...], airgap: Airgap, tmp_path: object
) -> None:
    said = airgap("keygen", "alice", "-o", tmp_path, "--algorithm", option, "--no-passphrase", "--json").json

    private = parse_private(read(said["private"]), None)
    public = parse_public(read(said["public"]))
    assert [key.algorithm for key in private] == list(algorithms) == said["algorithms"]
    assert [key.public.key_id for key in private] == [key.key_id for key in public] == said["keyIds"]


def test_a_private_key_is_for_its_owner_only_whatever_the_umask(airgap: Airgap, tmp_path: object) -> None:
    old = os.umask(0)
    try:
        airgap("keygen", "alice", "-o", tmp_path, "--algorithm", "ed25519", "--no-passphrase")
    finally:
        os.umask(old)

    assert stat.S_IMODE(os.stat(f"{tmp_path}/alice.key.pem").st_mode) == 0o600


def test_keygen_says_where_the_keys_are_and_nothing_of_the_private_one(airgap: Airgap, tmp_path: object) -> None:
    ended = airgap("keygen", "alice", "-o", tmp_path, "--no-passphrase")

    assert ended.code == 0
    assert f"private key  {tmp_path}/alice.key.pem  (keep it to yourself)" in ended.out
    assert ended.out.count("key id       ") == 2
    secret = read(f"{tmp_path}/alice.key.pem").splitlines()[1].decode()
    assert secret not in ended.out + ended.err


def test_a_key_with_a_passphrase_signs_only_with_it(
    airgap: Airgap, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    phrase = os.path.join(str(tmp_path), "phrase")
    for text, code, words in (("correct horse\nsecond line", 0, "its own threshold holds"), ("wrong", 2, "wrong one")):
        with open(phrase, "w", encoding="utf-8") as file:
            file.write(text)
        monkeypatch.setenv("AIRGAP_PASSPHRASE_FILE", phrase)
        if code == 0:
            airgap("keygen", "alice", "-o", tmp_path, "--algorithm", "ed25519")
            assert read(f"{tmp_path}/alice.key.pem").startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
        key, public = f"{tmp_path}/alice.key.pem", f"{tmp_path}/alice.pub.pem"
        ended = airgap("trust", "init", "-o", f"{tmp_path}/{code}.json", "--signer", public, "--key", key)
        assert ended.code == code
        assert words in ended.out + ended.err


@pytest.mark.parametrize(
    ("content", "words"),
    [("\nsecond", "expected a passphrase in its first line"), (None, "AIRGAP_PASSPHRASE_FILE, got neither")],
)
def test_a_key_is_not_made_without_the_passphrase_that_was_asked_for(
    content: str | None, words: str, airgap: Airgap, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        with open(f"{tmp_path}/phrase", "w", encoding="utf-8") as file:
            file.write(content)
        monkeypatch.setenv("AIRGAP_PASSPHRASE_FILE", f"{tmp_path}/phrase")
    ended = airgap("keygen", "alice", "-o", tmp_path)

    assert ended.code == 2
    assert words in ended.err
    assert not os.path.exists(f"{tmp_path}/alice.key.pem")


@pytest.mark.parametrize("taken", ["alice.key.pem", "alice.pub.pem"])
def test_keygen_replaces_no_key_and_leaves_no_half_pair(taken: str, airgap: Airgap, tmp_path: object) -> None:
    with open(f"{tmp_path}/{taken}", "wb") as file:
        file.write(b"mine")
    ended = airgap("keygen", "alice", "-o", tmp_path, "--no-passphrase")

    assert ended.code == 2
    assert f"{taken}: expected a new name, got a file that exists" in ended.err
    assert os.listdir(str(tmp_path)) == [taken]
    assert read(f"{tmp_path}/{taken}") == b"mine"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("alice", "--algorithm", "rsa"), 2, "expected hybrid, ed25519"),
        (("../alice",), 2, "name: expected 1 to 64 of a-z 0-9 . _ -"),
        (("alice", "-o", "/nowhere/at/all"), 2, "expected a folder to write it in, got none"),
    ],
)
def test_keygen_refuses_what_makes_no_sense(
    arguments: tuple[str, ...], code: int, words: str, airgap: Airgap, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    ended = airgap("keygen", *arguments, "--no-passphrase")

    assert ended.code == code
    assert words in ended.err
    assert os.listdir(str(tmp_path)) == []


def test_a_stick_without_hard_links_takes_a_key_all_the_same(
    airgap: Airgap, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    ended = airgap("keygen", "alice", "-o", tmp_path, "--algorithm", "ed25519", "--no-passphrase")

    assert ended.code == 0
    assert sorted(os.listdir(str(tmp_path))) == ["alice.key.pem", "alice.pub.pem"]

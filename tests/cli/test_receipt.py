"""airgap receipt show."""

import subprocess
import venv
from pathlib import Path

import pytest
import segno

from airgap.core.receipt import MAX_SHORT
from tests.cli.conftest import Airgap
from tests.cli.test_qr import modules
from tests.isolated.scene import Bundle, Scene

DECODER = "zxing-cpp==3.1.1"
DECODE = """
import sys, zxingcpp
width, height = map(int, sys.argv[2:])
with open(sys.argv[1], "rb") as file:
    image = memoryview(file.read()).cast("B", shape=[height, width])
(found,) = zxingcpp.read_barcodes(image)
sys.stdout.write(found.text)
"""


@pytest.fixture
def site(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A store with two imports, in the current folder, and the second one's receipt beside it."""
    monkeypatch.chdir(scene.root)
    one = scene.export()
    scene.take_in(one)
    _receipt(scene, scene.export({"two": b"2"}, name="two", after=one))
    return scene


def _receipt(scene: Scene, bundle: Bundle) -> None:
    outcome = scene.take_in(bundle)
    assert outcome.receipt is not None
    Path("receipt.json").write_bytes(outcome.receipt.encode() + b"\n")


def test_a_receipt_in_a_file_is_verified_and_shown(airgap: Airgap, site: Scene) -> None:
    ended = airgap("receipt", "show", "receipt.json", "--site-key", "store/site.pub.pem")
    said = airgap("receipt", "show", "receipt.json", "--site-key", "store/site.pub.pem", "--json").json
    history = site.open().ledger.read(site.open().public_key())

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        f"receipt {said['digest']} of site plant-7: signed by its key\n"
        f"  imported main 2, 2026-11-23T08:00:00Z, manifest {said['manifest']}\n"
        "  as generation 2\n"
        f"  ledger 5 records, root {history.root.hex()}\n"
        "  which grew from 3\n"
    )
    assert said["ledger"] == {"size": 5, "root": history.root.hex()}
    assert (said["form"], said["generation"], said["grewFrom"], said["short"]) == ("whole", 2, [3], None)


def test_a_store_shows_its_latest_receipt_or_the_one_of_a_generation(airgap: Airgap, site: Scene) -> None:
    latest = airgap("receipt", "show", "--store", "store", "--json").json
    first = airgap("receipt", "show", "--store", "store", "--generation", 1, "--json").json

    assert (latest["sequence"], first["sequence"]) == (2, 1)
    assert first["ledger"]["size"] in latest["grewFrom"]
    assert airgap("receipt", "show", "receipt.json", "--site-key", "store/site.pub.pem", "--json").json == latest
    assert site.open().state().generation == 2


def test_the_short_form_is_one_line_that_verifies_as_a_file(airgap: Airgap, site: Scene) -> None:
    line = airgap("receipt", "show", "--store", "store", "--short").out
    Path("short").write_text(line)
    whole = airgap("receipt", "show", "--store", "store", "--json").json
    short = airgap("receipt", "show", "short", "--site-key", f"{site.store_path}/site.pub.pem", "--json").json
    ended = airgap("receipt", "show", "short", "--site-key", "store/site.pub.pem")

    assert line.endswith("\n")
    assert len(line) <= MAX_SHORT
    assert short == {**whole, "form": "short", "generation": None, "time": None, "grewFrom": []}
    assert "  imported main 2, manifest " in ended.out
    assert "generation" not in ended.out
    assert airgap("receipt", "show", "short", "--site-key", "store/site.pub.pem", "--short").out == line


def test_the_code_holds_the_short_form(airgap: Airgap, site: Scene) -> None:
    line = airgap("receipt", "show", "--store", site.store_path, "--short").out.removesuffix("\n")
    drawn = airgap("receipt", "show", "--store", site.store_path, "--qr").out
    code = [[bool(module) for module in row] for row in segno.make_qr(line, error="m").matrix_iter(border=4)]

    assert modules(drawn)[: len(code)] == code
    assert airgap("receipt", "show", "--store", site.store_path, "--qr", "--json").json["short"] == line


@pytest.mark.online
def test_another_program_reads_the_code_back(airgap: Airgap, site: Scene, tmp_path: Path) -> None:
    line = airgap("receipt", "show", "--store", site.store_path, "--short").out.removesuffix("\n")
    rows = modules(airgap("receipt", "show", "--store", site.store_path, "--qr").out)
    image = b"".join(bytes(0 if dark else 255 for dark in row for _ in range(4)) * 4 for row in rows)
    (tmp_path / "image").write_bytes(image)
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", DECODER], check=True)
    size = (str(len(rows[0]) * 4), str(len(rows) * 4))
    done = subprocess.run([python, "-c", DECODE, tmp_path / "image", *size], check=True, capture_output=True, text=True)

    assert done.stdout == line


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("", 2, "expected a file and --site-key, or --store, got neither"),
        ("receipt.json", 2, "--site-key: expected the site's public key, got none"),
        ("receipt.json --store store", 2, "expected a file or a store, got both"),
        ("receipt.json --generation 1", 2, "expected a file or a store, got both"),
        ("--store store --site-key store/site.pub.pem", 2, "expected a file with --site-key, got none"),
        ("--store store --generation 9", 2, "--generation: expected one that has a receipt, got 9"),
        ("none.json --site-key store/site.pub.pem", 2, "none.json: expected to read it, got No such file"),
        ("receipt.json --site-key receipt.json", 2, "public key file: expected PEM"),
        ("receipt.json --site-key both.pem", 2, "both.pem: expected a site's one key, got 2"),
        ("receipt.json --site-key store/site.pub.pem --short", 2, "which only the site can shorten"),
        ("receipt.json --site-key store/site.pub.pem --qr", 2, "which only the site can shorten"),
        ("one.airgap --site-key store/site.pub.pem", 3, "receipt: expected canonical JSON"),
        ("--store one.files", 1, "expected a store, got none"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: str, code: int, words: str, airgap: Airgap, site: Scene) -> None:
    key = site.open().public_key().pem
    Path("both.pem").write_bytes(key + key)
    ended = airgap("receipt", "show", *arguments.split())

    assert words in ended.err
    assert ended.code == code


def test_a_store_in_the_environment_does_not_hinder_a_file(
    airgap: Airgap, site: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRGAP_STORE", site.store_path)

    assert airgap("receipt", "show", "--short").out.startswith("airgap-receipt-1 plant-7 main 2 ")
    assert airgap("receipt", "show", "receipt.json", "--site-key", "store/site.pub.pem").code == 0


def test_a_receipt_that_somebody_changed_is_not_shortened(airgap: Airgap, site: Scene) -> None:
    path = Path(site.open().layout.receipt(2))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"sig":"', b'"sig":"AA', 1))
    ended = airgap("receipt", "show", "--store", "store", "--short")

    assert (ended.code, ended.out) == (1, "")
    assert "receipts/2.json: receipt: expected " in ended.err


def test_a_store_without_receipts_says_so(airgap: Airgap, scene: Scene) -> None:
    ended = airgap("receipt", "show", "--store", scene.store_path)

    assert ended.code == 2
    assert ended.err == "airgap: receipt: expected one in the store, got none\nhint: airgap import writes one\n"
    Path(scene.open().layout.receipt(3)).mkdir()
    assert airgap("receipt", "show", "--store", scene.store_path).code == 1

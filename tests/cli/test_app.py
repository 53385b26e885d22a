"""How every run ends, and what the program as a whole promises."""

import io
import os
import subprocess
import sys
from typing import NoReturn

import pytest

import airgap as package
from airgap.cli import inputs, terminal
from airgap.cli.exits import Exit, exit_of
from airgap.core.errors import AirgapError, BusyError, FormatError, PlatformError, StoreError, TrustStop, UsageError
from airgap.core.reasons import Reason
from tests.cli.conftest import Airgap
from tests.cli.keyring import key_file, trust_file
from tests.isolated.scene import Scene


def program(*arguments: str, python: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """The real program in a process of its own."""
    command = [sys.executable, *python, "-m", "airgap", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=os.getcwd())


@pytest.mark.parametrize("arguments", [("--version",), ("--version", "--help")])
def test_the_version_is_one_line(arguments: tuple[str, ...], airgap: Airgap) -> None:
    done = program(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"airgap {package.__version__}\n", "")
    assert airgap(*arguments) == (0, done.stdout, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fly",), "No such command 'fly'"),
        (("verify",), "Missing argument 'BUNDLE...'"),
        (("verify", "x.airgap"), "Missing option '--trust'"),
        (("check",), "Missing option '--store'"),
        (("check", "--store", "x", "--fast"), "No such option: --fast"),
        (("trust", "init", "-o", "x", "--signer", "y", "--threshold", "0"), "--threshold"),
        (("ledger", "burn"), "No such command 'burn'"),
    ],
)
def test_a_call_that_makes_no_sense_ends_with_2_and_says_what_is_missing(
    arguments: tuple[str, ...], words: str, airgap: Airgap
) -> None:
    ended = airgap(*arguments)
    assert ended.code == 2
    assert words in ended.err
    assert ended.out == ""


@pytest.mark.parametrize("arguments", [(), ("trust",), ("ledger",)])
def test_without_a_command_the_help_is_shown(arguments: tuple[str, ...], airgap: Airgap) -> None:
    ended = airgap(*arguments)
    assert ended.code == 2
    assert "Usage: airgap" in ended.out + ended.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FormatError("x"), 3),
        (UsageError("x"), 2),
        (StoreError("x"), 1),
        (BusyError("x"), 5),
        (TrustStop("x", reason=Reason.TRUST_EXPIRED), 7),
        (PlatformError("x"), 8),
        (AirgapError("x"), 1),
    ],
)
def test_every_error_has_its_exit_code(error: AirgapError, code: int) -> None:
    assert exit_of(error) == code


def test_a_defect_of_ours_is_one_sentence_and_a_hint(airgap: Airgap, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> NoReturn:
        raise KeyError("\x1b[2J")

    monkeypatch.setattr(inputs, "entropy", fail)
    ended = airgap("keygen", "alice", "-o", "/tmp", "--no-passphrase")
    assert ended.code == 1
    assert ended.err.startswith("airgap: internal error: KeyError: ")
    assert "\x1b" not in ended.err
    assert "hint: this is a defect" in ended.err


@pytest.mark.parametrize("signal", [KeyboardInterrupt, EOFError])
def test_an_interrupted_run_ends_like_one(
    signal: type[BaseException], airgap: Airgap, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> NoReturn:
        raise signal

    monkeypatch.setattr(inputs, "entropy", stop)
    ended = airgap("keygen", "alice", "-o", "/tmp", "--no-passphrase")
    assert ended.code == 130
    assert "airgap: interrupted; what was begun is rolled back by the next run, and downloads go on" in ended.err


def test_a_reader_who_goes_away_is_no_error_of_ours(tmp_path: object) -> None:
    scene = Scene(str(tmp_path))
    scene.set_up()
    scene.take_in(scene.export({f"{n}.txt": b"%d" % n for n in range(2000)}))
    command = [sys.executable, "-m", "airgap", "list", "--store", scene.store_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=os.getcwd()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == Exit.INTERNAL


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_the_demo_tells_the_whole_story(json: tuple[str, ...], airgap: Airgap, tmp_path: object) -> None:
    ended = airgap("demo", "--keep", f"{tmp_path}/demo", *json)

    assert ended.code == 0
    assert ended.err == ""
    if json:
        assert ended.json["result"] == "done"
        codes = [command["exit"] for scene in ended.json["scenes"] for command in scene["commands"]]
        assert (codes.count(Exit.REJECTED), codes.count(Exit.DAMAGE)) == (1, 1)
    else:
        assert "rejected: frame-damaged" in ended.out
        assert "object-rotten: objects/sha256/" in ended.out
        assert ", 1 object healed" in ended.out or "1 new object" in ended.out
        assert ended.out.splitlines()[-1] == "done: what was signed is what was imported, and what was changed was found"
    assert sorted(os.listdir(f"{tmp_path}/demo")) == ["connected", "isolated", "stick"]


def test_the_demo_leaves_nothing_unless_asked(airgap: Airgap, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert airgap("demo").code == 0
    assert os.listdir(str(tmp_path)) == []


def test_the_demo_wants_a_new_folder(airgap: Airgap, tmp_path: object) -> None:
    ended = airgap("demo", "--keep", tmp_path)
    assert ended.code == 2
    assert f"--keep: expected a new folder, got {tmp_path}, which exists" in ended.err


def test_the_whole_path_works_in_the_real_program(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    monkeypatch.chdir(str(tmp_path))
    os.mkdir("out")
    with open("out/a.txt", "wb") as file:
        file.write(b"a\n")
    for command, code in (
        ("keygen alice --no-passphrase", 0),
        ("trust init -o trust.json --signer alice.pub.pem --key alice.key.pem", 0),
        ("export out -o a.airgap --key alice.key.pem", 0),
        ("init store --trust trust.json --site plant-7", 0),
        ("import a.airgap --store store", 0),
        ("check --store store", 0),
        ("import trust.json --store store", 3),
        ("import none --store store", 2),
        ("check --store out", 1),
    ):
        done = program(*command.split())
        assert done.returncode == code, (command, done.stderr)
        assert "Traceback" not in done.stderr


def test_a_run_inside_the_gap_refuses_sockets_itself() -> None:
    script = "from airgap.cli.guard import without_network\nwithout_network()\nimport socket\nsocket.socket()"
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=os.getcwd())
    assert done.stderr.splitlines()[-1] == "PermissionError: network use inside the gap is refused"


def test_progress_is_for_terminals_and_goes_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with terminal.progress("reading", 100) as tell:
        tell(100)
    assert "reading" in screen.getvalue()
    assert capsys.readouterr().out == ""

    elsewhere = io.StringIO()
    monkeypatch.setattr(sys, "stderr", elsewhere)
    with terminal.progress("reading", 100) as tell:
        tell(100)
    assert elsewhere.getvalue() == ""


def test_a_passphrase_is_asked_for_on_a_terminal(airgap: Airgap, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def prompt(text: str, **how: bool) -> str:
        asked.append((text, how["hide_input"], how["confirmation_prompt"]))
        return "correct horse"

    monkeypatch.setattr("typer.prompt", prompt)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    airgap("keygen", "alice", "-o", tmp_path, "--algorithm", "ed25519")
    public = f"{tmp_path}/alice.pub.pem"
    ended = airgap("trust", "init", "-o", f"{tmp_path}/t", "--signer", public, "--key", f"{tmp_path}/alice.key.pem")

    assert ended.code == 0
    assert asked == [("passphrase", True, True), ("passphrase", True, False)]


def test_documents_that_are_far_too_large_are_not_read(airgap: Airgap, tmp_path: object) -> None:
    with open(f"{tmp_path}/huge", "wb") as file:
        file.truncate(inputs.MAX_DOCUMENT + 1)
    ended = airgap("trust", "show", f"{tmp_path}/huge")
    assert ended.code == 2
    assert f"expected a document, got more than {inputs.MAX_DOCUMENT} bytes" in ended.err


def test_a_half_written_document_of_a_run_before_is_not_taken_for_ours(airgap: Airgap, tmp_path: object) -> None:
    folder = str(tmp_path)
    with open(f"{folder}/.t.json.part", "wb") as file:
        file.write(b"other")
    key_file(folder, "alice")
    old = trust_file(folder, "alice")
    ended = airgap("trust", "amend", old, "-o", f"{folder}/t.json", "--key", f"{folder}/alice.key.pem")
    assert ended.code == 2
    assert "t.json: expected to write it, got File exists" in ended.err
    assert os.path.getsize(f"{folder}/.t.json.part") == len(b"other")

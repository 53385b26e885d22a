"""What the program promises as a whole: what it loads, what it ships, what its help says."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from typing import Any

import pytest

from airgap.cli.app import app, run
from airgap.cli.exits import EPILOG
from airgap.core.reasons import Reason
from tests.isolated.scene import Scene, signed

ROOT = os.getcwd()
COMMANDS = (
    "demo", "keygen", "export", "sign", "inspect", "verify", "init", "import", "check", "list", "show", "trace", "request",
    "recover", "serve", "clients", "rewrite-lock", "receipt show",
    "trust init", "trust show", "trust sign", "trust amend", "trust revoke", "trust diff", "trust update",
    "trust anchor add", "trust anchor list", "trust anchor remove", "ledger show", "ledger verify",
)  # fmt: skip
LATER = ("sbom", "repair", "schedule", "gc")
LATER_OPTIONS = ("--budget", "--rate", "--part", "--sample", "--html", "--textfile")
LOADED = """
import sys
from datetime import UTC, datetime
from airgap.cli import inputs
from airgap.cli.app import run
inputs.now = lambda: datetime(2026, 11, 23, 8, tzinfo=UTC)
code = run(sys.argv[1:])
print("loaded", *sys.modules)
sys.exit(code)
"""


def project() -> dict[str, Any]:
    with open("pyproject.toml", "rb") as file:
        return tomllib.load(file)


def forbidden() -> frozenset[str]:
    """The network modules that nothing inside the gap may import."""
    contracts = project()["tool"]["importlinter"]["contracts"]
    (rule,) = [c for c in contracts if c["name"] == "what runs inside the gap never imports a network module"]
    return frozenset(rule["forbidden_modules"])


def loaded(code: str, *arguments: str) -> set[str]:
    """Top-level names of all modules that a process has loaded at its end."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return {name.partition(".")[0] for name in done.stdout.rpartition("loaded ")[2].split()}


def helped(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The help text of a command."""
    assert run([*command.split(), "--help"]) == 0
    return capsys.readouterr().out


@pytest.fixture
def scene(tmp_path: object) -> Scene:
    scene = Scene(str(tmp_path))
    scene.set_up()
    with open(f"{scene.root}/trust.json", "wb") as file:
        file.write(signed(scene.trust, "alice").encode() + b"\n")
    return scene


@pytest.mark.parametrize("command", ["verify", "import", "check"])
def test_a_run_inside_the_gap_loads_no_network_module(command: str, scene: Scene) -> None:
    bundle = scene.export()
    arguments = {
        "verify": ("verify", bundle.path, "--trust", f"{scene.root}/trust.json"),
        "import": ("import", bundle.path, "--store", scene.store_path),
        "check": ("check", "--store", scene.store_path, "--json"),
    }[command]
    names = loaded(LOADED, *arguments)

    # typer imports subprocess to open a browser; nothing of ours does, and nobody calls it
    assert names & forbidden() == {"subprocess"}


def test_the_layers_inside_the_gap_load_no_network_module_themselves() -> None:
    code = (
        "import sys, airgap.isolated.intake, airgap.isolated.recheck, airgap.isolated.query\nprint('loaded', *sys.modules)"
    )
    assert loaded(code) & forbidden() == set()


@pytest.mark.parametrize(
    "code", ["import airgap", "sys.argv = ['airgap', '--version']\nfrom airgap.__main__ import main\nmain()"]
)
def test_the_version_costs_nothing(code: str) -> None:
    names = loaded(f"import sys\n{code}\nprint('loaded', *sys.modules)")
    assert not names & {"typer", "click", "rich", "jsonschema", "cryptography", "zstandard", "sqlite3"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this tree."""
    folder = str(tmp_path_factory.mktemp("wheel"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    (name,) = os.listdir(folder)
    return zipfile.ZipFile(os.path.join(folder, name))


@pytest.mark.parametrize("kind", ["schemas", "samples"])
def test_the_wheel_holds_every_schema_and_sample_byte_for_byte(kind: str, wheel: zipfile.ZipFile) -> None:
    here = {
        f"airgap/{os.path.join(folder, name)}": os.path.join(folder, name)
        for folder, _, names in os.walk(kind)
        for name in names
    }
    assert {name for name in wheel.namelist() if name.startswith(f"airgap/{kind}/")} == here.keys()
    for name, path in here.items():
        with open(path, "rb") as file:
            assert wheel.read(name) == file.read(), name


def test_the_wheel_holds_every_module_and_no_tests(wheel: zipfile.ZipFile) -> None:
    modules = {name for name in wheel.namelist() if name.endswith(".py")}
    here = {os.path.join(f, n) for f, _, names in os.walk("airgap") for n in names if n.endswith(".py")}
    assert modules == here
    assert "airgap/py.typed" in wheel.namelist()


def test_the_demo_runs_from_the_wheel_alone(wheel: zipfile.ZipFile, tmp_path: object) -> None:
    wheel.extractall(str(tmp_path))
    command = [
        sys.executable,
        "-P",
        "-c",
        "from airgap.cli.app import run; import airgap; print(airgap.__file__); run(['demo'])",
    ]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", env=environment)
    assert done.stdout.startswith(str(tmp_path))
    assert done.stdout.splitlines()[-1] == "done: what was signed is what was imported, and what was changed was found"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_names_the_exit_codes_and_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(helped(command, capsys).split())
    assert EPILOG in text
    assert f"Example: airgap {command}" in text
    assert "--json" in text


def test_the_commands_of_the_contract_are_there_and_those_of_later_versions_are_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    listed = set(re.findall(r"^  ([a-z][a-z-]*)  +\S", helped("", capsys), re.MULTILINE))
    assert listed == {command.partition(" ")[0] for command in COMMANDS}
    assert not listed & set(LATER)
    for tree in ("trust", "trust anchor", "receipt", "ledger"):
        inside = set(re.findall(r"^  ([a-z][a-z-]*)  +\S", helped(tree, capsys), re.MULTILINE))
        below = [command.removeprefix(f"{tree} ") for command in COMMANDS if command.startswith(f"{tree} ")]
        assert inside == {command.partition(" ")[0] for command in below}


@pytest.mark.parametrize("command", ["export", "import", "check"])
def test_options_of_later_versions_are_not_promised(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = helped(command, capsys)
    assert [option for option in LATER_OPTIONS if option in text] == []


def test_the_environment_variables_of_the_contract_are_the_only_ones() -> None:
    found = set()
    for folder, _, names in os.walk("airgap"):
        for name in names:
            if name.endswith(".py"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    text = file.read()
                found |= set(re.findall(r'(?:environ\.get\(|environ\[|getenv\(|envvar=)"([A-Z_]+)"', text))
    assert found == {"AIRGAP_STORE", "AIRGAP_KEY", "AIRGAP_PASSPHRASE_FILE", "SOURCE_DATE_EPOCH"}


def test_the_readme_says_of_every_reason_what_to_do() -> None:
    with open("README.md", encoding="utf-8") as file:
        rows = re.findall(r"^\|[^|]*`([a-z-]+)`[^|]*\|", file.read(), re.MULTILINE)
    assert set(Reason) - set(rows) == set()


def test_every_command_is_in_this_list() -> None:
    run(["--version"])
    assert {command.name for command in app.registered_commands} == {c for c in COMMANDS if " " not in c}

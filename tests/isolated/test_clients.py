"""Configuration of clients: each file as its client's own parser reads it, and that it stays the same."""

import configparser
import tomllib

import pytest
import yaml

from airgap.core.errors import UsageError
from airgap.core.served import Served
from airgap.isolated.clients import render

HERE = Served.parse("http://127.0.0.1:8080/")
INSIDE = Served.parse("http://store.example:8080/air/gap")
TLS = Served.parse("https://store.example")
FILES = Served.parse("file:///srv/airgap/current")


def files(served: Served) -> dict[str, str]:
    return dict(render(served, "/srv/airgap"))


def settings(text: str) -> dict[str, str]:
    """The lines of an npmrc."""
    lines = [line.partition("=") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in lines}


def pip(served: Served) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.read_string(files(served)["pip.conf"])
    assert parser.sections() == ["global"]
    return dict(parser["global"])


@pytest.mark.parametrize(
    ("served", "names"),
    [
        (HERE, [".npmrc", ".yarnrc", ".yarnrc.yml", "README.txt", "nginx.conf", "pip.conf", "uv.toml"]),
        (TLS, [".npmrc", ".yarnrc", ".yarnrc.yml", "README.txt", "nginx.conf", "pip.conf", "uv.toml"]),
        (INSIDE, [".npmrc", ".yarnrc", ".yarnrc.yml", "README.txt", "pip.conf", "uv.toml"]),
        (FILES, ["README.txt", "pip.conf", "uv.toml"]),
    ],
)
def test_there_is_a_file_for_each_client_that_can_read_such_a_store(served: Served, names: list[str]) -> None:
    assert sorted(files(served)) == names


def test_pip_asks_this_index_and_no_other() -> None:
    assert pip(HERE) == {
        "index-url": "http://127.0.0.1:8080/pypi/simple/",
        "extra-index-url": "",
        "find-links": "",
        "disable-pip-version-check": "true",
    }
    assert pip(FILES)["index-url"] == "file:///srv/airgap/current/pypi/simple/"


@pytest.mark.parametrize(("served", "trusted"), [(HERE, None), (TLS, None), (FILES, None), (INSIDE, "store.example:8080")])
def test_pip_is_told_to_trust_a_host_only_where_it_would_refuse_it(served: Served, trusted: str | None) -> None:
    assert pip(served).get("trusted-host") == trusted
    assert ("Whoever sits" in files(served)["pip.conf"]) is (trusted is not None)


def test_uv_asks_this_index_and_fetches_no_interpreter() -> None:
    assert tomllib.loads(files(INSIDE)["uv.toml"]) == {
        "python-downloads": "never",
        "index": [{"url": "http://store.example:8080/air/gap/pypi/simple", "default": True}],
    }


def test_npm_and_pnpm_ask_this_registry_for_everything() -> None:
    assert settings(files(INSIDE)[".npmrc"]) == {
        "registry": "http://store.example:8080/air/gap/npm/",
        "replace-registry-host": "always",
        "audit": "false",
        "fund": "false",
        "update-notifier": "false",
    }


def test_yarn_is_allowed_plain_http_only_where_the_store_has_it() -> None:
    assert yaml.safe_load(files(INSIDE)[".yarnrc.yml"]) == {
        "npmRegistryServer": "http://store.example:8080/air/gap/npm",
        "enableTelemetry": False,
        "unsafeHttpWhitelist": ["store.example"],
    }
    assert yaml.safe_load(files(TLS)[".yarnrc.yml"]) == {
        "npmRegistryServer": "https://store.example/npm",
        "enableTelemetry": False,
    }


def test_yarn_1_asks_this_registry() -> None:
    lines = [line for line in files(TLS)[".yarnrc"].splitlines() if not line.startswith("#")]
    assert lines == ['registry "https://store.example/npm/"', "disable-self-update-check true"]


@pytest.mark.parametrize(
    ("url", "listen"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://localhost", "127.0.0.1:80"),
        ("http://127.0.0.2", "127.0.0.2:80"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("http://store.example:8080", "8080"),
        ("https://store.example", "443"),
    ],
)
def test_nginx_listens_where_clients_will_ask(url: str, listen: str) -> None:
    text = files(Served.parse(url))["nginx.conf"]
    assert f"listen {listen};\n" in text
    assert 'root "/srv/airgap/current";' in text


def test_a_store_at_a_path_that_nginx_would_misread_is_refused() -> None:
    with pytest.raises(UsageError, match="for nginx"):
        list(render(HERE, "/srv/$store"))
    assert "nginx.conf" not in dict(render(INSIDE, "/srv/$store"))


@pytest.mark.parametrize("served", [HERE, INSIDE, TLS, FILES])
def test_the_readme_names_every_file_that_is_there_and_none_that_is_not(served: Served) -> None:
    found = files(served)
    readme = found["README.txt"]
    for name in (".npmrc", ".yarnrc.yml", ".yarnrc ", "pip.conf", "uv.toml", "nginx.conf"):
        assert (name in readme) is (name.strip() in found), name
    assert f"airgap rewrite-lock LOCK --url {served.url}\n" in readme
    assert ("uv.lock" in readme) is not served.is_file
    assert max(len(line) for line in readme.splitlines()) <= 100

"""Credentials: read as npm reads them, sent where npm sends them, and shown nowhere."""

import base64
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.collect.npm.npmrc import MAX_FILE, authorization_for, credentials_in, read_members
from airgap.connected.collect.npm.settings import Settings, read_settings
from airgap.core.errors import UsageError
from tests.connected.npm.registry import install_npm

HOST = "//r.invalid/npm/"


def members(folder: Path, text: str, environment: dict[str, str] | None = None) -> dict[str, str]:
    (folder / ".npmrc").write_text(text)
    return read_members([str(folder / ".npmrc")], environment or {})


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("key=value", "value"),
        ("  key = value ; comment", "value"),
        ("key = value # comment", "value"),
        ('key = "a;b#c"', "a;b#c"),
        ("key = 'a b'", "a b"),
        ('key = "unfinished', '"unfinished'),
        (r"key = a\;b\#c", "a;b#c"),
        ("key = ${TOKEN}", "secret"),
        ("key = a${TOKEN}b${TOKEN}", "asecretbsecret"),
        ("key = ${NONE}", "${NONE}"),
        ("key = x${NONE?}y", "xy"),
        (r"key = \${TOKEN}", "${TOKEN}"),
        (r"key = \\${TOKEN}", r"\secret"),
        ("${KEY} = value", "value"),
        ("key = a=b==", "a=b=="),
    ],
)
def test_a_line_means_what_npm_reads_in_it(tmp_path: Path, line: str, value: str) -> None:
    assert members(
        tmp_path, f"; comment=1\n# comment=2\nflag\n{line}\n[section]\nother=1\n", {"TOKEN": "secret", "KEY": "key"}
    ) == {"key": value}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("registry=https://evil.invalid/${SECRET}/", "a variable"),
        ("@s:registry=https://evil.invalid/${SECRET?}", "a variable"),
        ("//evil.invalid/:_authToken=${SECRET}", "a variable"),
        ("_auth=${SECRET}", "a variable"),
        ("https-proxy=http://${SECRET}.evil.invalid", "a variable"),
        ('"\\u0072egistry"="https://evil.invalid/\\u0024{SECRET}"', "a variable"),
        ("${SECRET}=x", "a variable"),
        ("fund=false\rregistry=https://evil.invalid/${SECRET}", "a variable"),
        ("userconfig=./more", "a further file"),
        ("globalconfig=./more", "a further file"),
    ],
)
def test_a_project_sends_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, what: str
) -> None:
    monkeypatch.setenv("SECRET", "hush")
    with pytest.raises(UsageError, match=f"expected plain values in a project's configuration, got {what}") as caught:
        settings(tmp_path, monkeypatch, {"registry": "https://r.invalid"}, f"{line}\n")
    assert "hush" not in caught.value.message


def test_a_project_may_use_variables_for_what_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(tmp_path, monkeypatch, {"registry": "https://r.invalid"}, "cache=${HOME}/npm\n[x]\nregistry=${HOME}\n")
    assert found.registry == "https://r.invalid/"


def test_a_file_of_npm_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected at most 1048576 bytes, got more"):
        members(tmp_path, "#" * (MAX_FILE + 1))


def test_the_project_weighs_more_than_the_user_and_the_environment_most(tmp_path: Path) -> None:
    for name, value in (("project", "1"), ("user", "2")):
        (tmp_path / name).write_text(f"//a/:_authToken={value}\n//{name}/:_authToken={value}\n")
    files = [str(tmp_path / name) for name in ("project", "user", "missing")]

    assert read_members(files, {"NPM_CONFIG_//b/:_authToken": "3"}) == {
        "//a/:_authToken": "1",
        "//project/:_authToken": "1",
        "//user/:_authToken": "2",
        "//b/:_authToken": "3",
    }
    assert read_members(files, {"npm_config_//a/:_authToken": "3"})["//a/:_authToken"] == "3"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected to read it, got Is a directory"):
        read_members([str(tmp_path)], {})


def test_only_credentials_are_kept(tmp_path: Path) -> None:
    text = f"registry=https://r.invalid\n{HOST}:_authToken=a\n{HOST}:always-auth=true\n_authToken=b\n{HOST}:_auth=\n"

    assert credentials_in(members(tmp_path, text)) == {f"{HOST}:_authToken": "a"}


@pytest.mark.parametrize(
    ("said", "header"),
    [
        ({"_authToken": "t"}, "Bearer t"),
        ({"_auth": "dTpw"}, "Basic dTpw"),
        ({"username": "u", "_password": "cA"}, "Basic " + base64.b64encode(b"u:p").decode()),
        ({"_authToken": "t", "_auth": "x", "username": "u", "_password": "cA=="}, "Bearer t"),
        ({"username": "u"}, None),
    ],
)
def test_every_kind_of_credential_becomes_its_header(said: dict[str, str], header: str | None) -> None:
    credentials = {f"{HOST}:{name}": value for name, value in said.items()}

    assert authorization_for("https://r.invalid/npm/a", credentials) == header


@pytest.mark.parametrize(
    ("url", "is_sent"),
    [
        ("https://r.invalid/npm/a/-/a-1.0.0.tgz", True),
        ("https://r.invalid/npm/", True),
        ("https://R.invalid:443/npm/a", True),
        ("https://r.invalid/npm", False),
        ("https://r.invalid/npm2/a", False),
        ("https://r.invalid/other", False),
        ("https://r.invalid/", False),
        ("https://r.invalid:8443/npm/a", False),
        ("https://cdn.r.invalid/npm/a", False),
        ("https://evil.invalid/npm/a", False),
        ("https://evil.invalid//r.invalid/npm/a", False),
        ("https://r.invalid.evil.invalid/npm/a", False),
        ("https://r.invalid@evil.invalid/npm/a", False),
        ("https://r.invalid:x/npm/a", False),
        ("file:///npm/a", False),
    ],
)
def test_credentials_go_to_their_own_place_only(url: str, is_sent: bool) -> None:
    assert (authorization_for(url, {f"{HOST}:_authToken": "t"}) == "Bearer t") is is_sent


def test_the_longest_place_counts_and_a_place_may_lack_its_slash() -> None:
    credentials = {"//r.invalid:_authToken": "host", f"{HOST}:_authToken": "path", "//[::1]:8/:_authToken": "six"}

    assert authorization_for("https://r.invalid/npm/a", credentials) == "Bearer path"
    assert authorization_for("https://r.invalid/a", credentials) == "Bearer host"
    assert authorization_for("https://[::1]:8/a", credentials) == "Bearer six"


def settings(folder: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], npmrc: str = "") -> Settings:
    install_npm(folder / "bin", monkeypatch, config)
    (folder / ".npmrc").write_text(npmrc)
    return read_settings([str(folder)])


def test_a_secret_for_https_is_not_sent_in_the_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"registry": "https://r.invalid/npm/", "@ours:registry": "http://127.0.0.1:8/"}
    found = settings(tmp_path, monkeypatch, config, f"{HOST}:_authToken=t\n//127.0.0.1:8/:_authToken=o\n")

    assert found.authorization("https://r.invalid/npm/a") == "Bearer t"
    assert found.authorization("http://r.invalid/npm/a") is None
    assert found.authorization("http://127.0.0.1:8/a") == "Bearer o"
    assert found.access().authorization("https://r.invalid/npm/a") == "Bearer t"


def test_scopes_have_their_own_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"registry": "https://r.invalid", "@ours:registry": "https://ours.invalid/npm", "cafile": "ca.pem"}
    found = settings(tmp_path, monkeypatch, config)

    assert found.registry_of("a") == found.registry_of("@theirs/a") == "https://r.invalid/"
    assert found.registry_of("@ours/a") == "https://ours.invalid/npm/"
    assert found.access().cafile == str(tmp_path / "ca.pem")


def test_nothing_shows_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(tmp_path, monkeypatch, {"registry": "https://r.invalid"}, "//r.invalid/:_authToken=hush\n")

    assert found.authorization("https://r.invalid/a") == "Bearer hush"
    assert "hush" not in f"{found!r} {found} {found.access()!r}"


def test_files_that_npm_names_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("user", "global"):
        (tmp_path / name).write_text(f"//{name}.invalid/:_authToken={name}\n")
    config = {
        "registry": "https://r.invalid",
        "userconfig": str(tmp_path / "user"),
        "globalconfig": str(tmp_path / "global"),
        "cafile": None,
    }
    found = settings(tmp_path, monkeypatch, config)

    assert found.authorization("https://user.invalid/") == "Bearer user"
    assert found.authorization("https://global.invalid/") == "Bearer global"
    assert found.access().cafile is None


@pytest.mark.parametrize(
    ("config", "npmrc"),
    [
        ({"registry": "file:///srv/npm"}, ""),
        ({"registry": "https://r.invalid/?x=1"}, ""),
        ({}, ""),
        ({"registry": "https://r.invalid", "@s:registry": "x"}, ""),
        ({"registry": "https://r.invalid"}, "registry=https://user:hush@r.invalid\n"),
        ({"registry": "https://r.invalid"}, "@s:registry=https://user:hush@r.invalid\n"),
    ],
)
def test_a_registry_that_cannot_be_used_is_never_replaced_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], npmrc: str
) -> None:
    with pytest.raises(UsageError, match="npm configuration: expected the http or https URL of a registry, got") as caught:
        settings(tmp_path, monkeypatch, config, npmrc)

    assert "hush" not in caught.value.message


def test_projects_with_their_own_configuration_are_sources_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_npm(tmp_path / "bin", monkeypatch, {"registry": "https://r.invalid"})
    for name in ("one", "same", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "other/.npmrc").write_text("//r.invalid/:_authToken=t\n")

    assert read_settings([str(tmp_path / "one"), str(tmp_path / "same")]).registry == "https://r.invalid/"
    with pytest.raises(UsageError, match="expected lock files with one npm configuration, got several"):
        read_settings([str(tmp_path / "one"), str(tmp_path / "other")])


@pytest.mark.parametrize(
    ("config", "npmrc", "proxy"),
    [
        ({}, "", None),
        ({"https-proxy": "http://p.invalid:3128", "proxy": "http://q.invalid"}, "", "http://p.invalid:3128"),
        ({"proxy": "http://q.invalid", "https-proxy": None}, "", "http://q.invalid"),
        ({"proxy": None}, "", None),
        ({}, "https-proxy=http://user:hush@p.invalid\n", "http://user:hush@p.invalid"),
        ({"https-proxy": "http://p.invalid", "noproxy": [""]}, "", "http://p.invalid"),
        ({"https-proxy": "http://p.invalid", "noproxy": ["localhost", "other.invalid"]}, "", "http://p.invalid"),
        ({"https-proxy": "http://p.invalid", "noproxy": ["x, .invalid"]}, "", None),
        ({"https-proxy": "http://p.invalid", "noproxy": "r.invalid"}, "", None),
        ({"registry": "http://r.invalid", "https-proxy": "http://p.invalid"}, "", None),
        ({"registry": "http://r.invalid", "proxy": "http://q.invalid"}, "", "http://q.invalid"),
    ],
)
def test_the_proxy_is_npms_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], npmrc: str, proxy: str | None
) -> None:
    found = settings(tmp_path, monkeypatch, {"registry": "https://r.invalid", **config}, npmrc)

    assert found.access().proxy == proxy
    assert "hush" not in f"{found!r} {found.access()!r}"

"""The index is the one that pip is configured with, and passwords stay where they belong."""

from urllib.parse import quote

import pytest

from airgap.connected.collect.pypi.credentials import Credentials
from airgap.connected.collect.pypi.pip_configuration import read_configuration, uv_variables
from airgap.core.errors import UsageError
from tests.connected.pypi.shop import Host, Index, names, selling, wheel


def test_everything_that_pip_knows_is_read_and_passed_to_uv(host: Host) -> None:
    (host.folder / "pip.conf").write_text(
        "[global]\nindex-url = https://u:p%40w@index.example/simple/\n"
        "extra-index-url =\n    file:///srv/one\n    https://two.example/x\nproxy = http://proxy.example:3128\n"
        "[install]\nfind-links = shelf\nconstraint = limits.txt\n[download]\nfind-links = elsewhere\n"
    )
    host.set(PIP_CONFIG_FILE=str(host.folder / "pip.conf"), PIP_CERT="/etc/ca.pem")
    host.monkeypatch.chdir(host.folder)
    found = read_configuration()
    shelf = f"file://{quote(str(host.folder))}/shelf"

    assert found.indexes == ["file:///srv/one", "https://two.example/x", "https://index.example/simple"]
    assert found.find_links == [shelf]
    assert (found.constraints, found.cafile, found.proxy) == (["limits.txt"], "/etc/ca.pem", "http://proxy.example:3128")
    assert (found.access.cafile, found.access.proxy) == (found.cafile, found.proxy)
    assert uv_variables(found) == {
        "UV_INDEX": "file:///srv/one https://two.example/x",
        "UV_DEFAULT_INDEX": "https://u:p%40w@index.example/simple",
        "UV_FIND_LINKS": shelf,
        "SSL_CERT_FILE": "/etc/ca.pem",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://proxy.example:3128"),
    }
    assert "p%40w" not in repr(found) + repr(found.credentials) + repr(found.access)


def test_the_environment_wins_over_files(host: Host) -> None:
    (host.folder / "pip.conf").write_text("[global]\nindex-url = https://one.example/simple\n")
    host.set(PIP_CONFIG_FILE=str(host.folder / "pip.conf"), PIP_INDEX_URL="https://two.example/simple")

    assert read_configuration().indexes == ["https://two.example/simple"]


def test_without_an_index_pip_is_asked_for_its_own(host: Host) -> None:
    host.set(PIP_EXTRA_INDEX_URL="")
    (index,) = read_configuration().indexes

    assert index.startswith("https://")
    host.set(PIP_NO_INDEX="true")
    assert read_configuration().indexes == []
    assert uv_variables(read_configuration()) == {"UV_NO_INDEX": "1"}


def test_a_missing_pip_is_said(host: Host) -> None:
    host.monkeypatch.setattr("airgap.connected.collect.pypi.pip_configuration._pip", lambda *_: _missing())
    with pytest.raises(UsageError, match=r"pip: expected its configuration, got .*No module named pip_of_nobody") as caught:
        read_configuration()
    assert "install pip where airgap is installed" in (caught.value.hint or "")


def _missing() -> str:
    from airgap.connected.collect.pypi.pip_configuration import _python

    return _python("-m", "pip_of_nobody")


def test_pip_of_the_current_folder_is_not_run(host: Host) -> None:
    (host.folder / "pip").mkdir()
    (host.folder / "pip" / "__main__.py").write_text("print('global.index-url=\\'https://evil.example\\'')")
    (host.folder / "pip" / "__init__.py").write_text("")
    host.monkeypatch.chdir(host.folder)
    host.set(PIP_INDEX_URL="https://good.example/simple")

    assert read_configuration().indexes == ["https://good.example/simple"]


def test_a_pip_that_hangs_or_talks_is_an_error(host: Host) -> None:
    host.monkeypatch.setattr("airgap.connected.collect.pypi.pip_configuration._SECONDS", 0.001)
    with pytest.raises(UsageError, match="expected an answer within"):
        read_configuration()
    host.monkeypatch.setattr("airgap.connected.collect.pypi.pip_configuration._pip", lambda *_: "global.x=oh no\n")
    with pytest.raises(UsageError, match="expected name='value'"):
        read_configuration()


def test_something_that_is_no_url_is_refused(host: Host) -> None:
    host.set(PIP_INDEX_URL="https://[broken/simple")
    with pytest.raises(UsageError, match="expected the URL of an index"):
        read_configuration()


@pytest.mark.parametrize("variable", ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"])
def test_an_index_in_the_clear_needs_the_trust_of_pip(host: Host, variable: str) -> None:
    host.set(PIP_INDEX_URL="https://index.example/simple")
    host.set(**{variable: "http://me:hush@clear.example:8080/simple"})
    for trusted in ("", "other.example", "clear.example:80"):
        host.set(PIP_TRUSTED_HOST=trusted)
        with pytest.raises(UsageError, match=r"expected https, .*got http://clear\.example:8080/simple") as caught:
            read_configuration()
        assert "hush" not in caught.value.message
    for trusted in ("clear.example", "x clear.example:8080"):
        host.set(PIP_TRUSTED_HOST=trusted)
        read_configuration()
    for local in ("http://localhost:3141/simple", "http://127.0.0.2/simple", "http://[::1]/simple"):
        host.set(PIP_TRUSTED_HOST="", **{variable: local})
        read_configuration()


def test_pips_proxy_is_used_for_pages_files_and_uv(host: Host) -> None:
    thing = wheel("thing")
    with selling(Index([thing])) as site:
        # a proxy is asked for whole URLs
        for path in list(site.answers):
            site.answers[f"http://index.example{path}"] = site.answers[path]
        host.set(PIP_INDEX_URL="http://index.example/simple", PIP_PROXY=site.url, PIP_TRUSTED_HOST="index.example")

        assert names(host.resolve(packages=("thing",), targets=("cp311-win_amd64",))) == [thing.name]


def write_netrc(host: Host, text: str) -> None:
    (host.folder / ".netrc").write_text(text, encoding="latin-1")
    (host.folder / ".netrc").chmod(0o600)


def test_credentials_go_to_their_own_host_scheme_and_port_only(host: Host) -> None:
    write_netrc(host, "machine two.example login bob password secret\n")
    found = Credentials.of(["https://u:p%40w@one.example/simple", "https://two.example/simple", "file:///srv"])

    assert found.authorization("https://one.example/files/x") == "Basic dTpwQHc="
    assert found.authorization("https://two.example/x") == "Basic Ym9iOnNlY3JldA=="
    for url in ("http://one.example/x", "https://one.example:8443/x", "https://three.example/x", "file:///srv/x"):
        assert found.authorization(url) is None
    assert found.open("https://one.example/simple") == "https://u:p%40w@one.example/simple"
    assert found.open("file:///srv") == "file:///srv"
    assert found.hide("error at u:p%40w and p@w") == "error at **** and ****"


def test_a_netrc_that_is_missing_or_broken_counts_as_none(host: Host) -> None:
    assert Credentials.of(["https://two.example/"]).authorization("https://two.example/") is None
    for text in ("machine two.example login", "garbage", "\xff"):
        write_netrc(host, text)
        assert Credentials.of(["https://two.example/"]).authorization("https://two.example/") is None
    write_netrc(host, "default login a password b\n")
    assert Credentials.of(["https://two.example/"]).authorization("https://two.example/") == "Basic YTpi"

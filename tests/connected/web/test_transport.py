"""Proxies, certificates, local files: the ways to a server and around it."""

import errno
import ipaddress
import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from airgap.connected.web import local
from airgap.connected.web.access import Access
from airgap.core.errors import UsageError
from tests.connected.web.fetching import content_of, page, patient, promised
from tests.connected.web.server import Request, body, serving

GOOD = b"what was promised"


@pytest.fixture
def certified(tmp_path: Path) -> tuple[str, ssl.SSLContext]:
    """A certificate for this machine that certifies itself, and a server side that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    begin = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = certificate.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "ca.pem").write_bytes(text)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(secret + text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "key.pem")
    return str(tmp_path / "ca.pem"), context


def test_a_server_is_believed_by_the_authority_that_is_named(tmp_path: Path, certified: tuple[str, ssl.SSLContext]) -> None:
    cafile, tls = certified
    with serving({"/f": body(GOOD)}, tls=tls) as site:
        (found,) = patient(tmp_path, access=Access(cafile)).files([promised(f"{site.url}/f", content=GOOD)])

    assert content_of(found.file) == GOOD


def test_a_server_that_nobody_certified_is_asked_once_and_told_nothing(
    tmp_path: Path, certified: tuple[str, ssl.SSLContext]
) -> None:
    _, tls = certified
    access = Access(None, lambda _: "Bearer s3cret")
    with serving({"/f": body(GOOD)}, tls=tls) as site, pytest.raises(UsageError, match="got a certificate that does not"):
        patient(tmp_path, access=access, pause=pytest.fail).pages([page(f"{site.url}/f")])

    assert site.log == []


def test_a_redirect_from_https_to_http_is_refused(tmp_path: Path, certified: tuple[str, ssl.SSLContext]) -> None:
    cafile, tls = certified
    with serving({"/f": body(GOOD)}) as plain:
        answers = {"/f": (302, {"Location": f"{plain.url}/f"}, b"")}
        with serving(answers, tls=tls) as site, pytest.raises(UsageError, match="got a redirect from https to http://127"):
            patient(tmp_path, access=Access(cafile)).files([promised(f"{site.url}/f", content=GOOD)])

    assert plain.log == []


@pytest.mark.parametrize(("content", "got"), [(None, "No such file or directory"), (b"no PEM", "")])
def test_certificates_that_cannot_be_read_are_a_usage_error(tmp_path: Path, content: bytes | None, got: str) -> None:
    cafile = tmp_path / "ca.pem"
    if content is not None:
        cafile.write_bytes(content)
    with pytest.raises(UsageError, match=f"ca.pem: expected certificates in PEM, got {got}"):
        patient(tmp_path, access=Access(str(cafile)))


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_of_the_environment_is_asked_and_told_its_own_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with serving({"http://files.invalid/f": body(GOOD)}) as site:
        monkeypatch.setenv("http_proxy", site.url.replace("http://", f"{scheme}me:p%40ss@"))
        (found,) = patient(tmp_path).files([promised("http://files.invalid/f", content=GOOD)])

    assert content_of(found.file) == GOOD
    assert site.log[0].headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
    assert "authorization" not in site.log[0].headers


def test_a_proxy_for_everything_is_one_for_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"http://files.invalid/f": body(GOOD)}) as site:
        monkeypatch.setenv("all_proxy", site.url)
        patient(tmp_path).files([promised("http://files.invalid/f", content=GOOD)])

    assert "proxy-authorization" not in site.log[0].headers


def test_hosts_that_the_environment_excepts_are_asked_directly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"/f": body(GOOD)}) as site:
        monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD)])

    assert site.requests["/f"] == 1


def test_a_proxy_that_does_not_let_https_through_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as site:
        monkeypatch.setenv("https_proxy", site.url)
        with pytest.raises(UsageError, match="got a proxy that does not let it through"):
            patient(tmp_path).pages([page("https://index.invalid/f")])


def test_a_proxy_that_is_no_url_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "http://me:hush@[proxy")
    with pytest.raises(UsageError, match="got a proxy that is no URL") as caught:
        patient(tmp_path).pages([page("http://index.invalid/f")])
    assert "hush" not in caught.value.message


def test_a_proxy_of_another_kind_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(UsageError, match="got a proxy of the kind 'socks5'"):
        patient(tmp_path).pages([page("http://index.invalid/f")])


def test_a_host_without_an_address_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("urllib3.util.connection.socket.getaddrinfo", unknown)
    with pytest.raises(UsageError, match=r"expected to read http://index\.invalid/f, got a host that has no address"):
        patient(tmp_path).pages([page("http://index.invalid/f")])


def test_a_connection_that_does_not_come_about_is_left_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("urllib3.util.connection.create_connection", late)
    with pytest.raises(UsageError, match="got no connection within 15 s"):
        patient(tmp_path).pages([page("http://index.invalid/f")])


def test_a_local_file_is_downloaded_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "f o.whl").write_bytes(GOOD)
    (found,) = patient(tmp_path / "cache").files([promised(f"file://{tmp_path}/f%20o.whl", content=GOOD)])

    assert content_of(found.file) == GOOD
    assert found.file.startswith(str(tmp_path / "cache"))


def test_a_local_part_that_was_begun_starts_over(tmp_path: Path) -> None:
    (tmp_path / "f.whl").write_bytes(GOOD)
    wanted = promised(f"file://{tmp_path}/f.whl", content=GOOD)
    algorithm, digits = wanted.key
    part = tmp_path / "cache" / algorithm / digits[:2] / f"{digits}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(GOOD[:4])
    (found,) = patient(tmp_path / "cache").files([wanted])

    assert content_of(found.file) == GOOD


def test_a_named_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")
    with pytest.raises(UsageError, match="got something that is no regular file"):
        patient(tmp_path / "cache").pages([page(f"file://{tmp_path}/f")])


def test_a_local_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    fake = SimpleNamespace(**{name: getattr(os, name) for name in dir(os)} | {"open": refuse})
    monkeypatch.setattr(local, "os", fake)
    with pytest.raises(UsageError, match="got permission denied"):
        patient(tmp_path / "cache").pages([page(f"file://{tmp_path}/f")])


def test_a_local_file_that_breaks_while_it_is_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def read(self, _: int) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

        def close(self) -> None:
            """Nothing is open."""

    (tmp_path / "f").write_bytes(GOOD)
    descriptors: list[int] = []

    def fdopen(fd: int, *_: object, **__: object) -> Broken:
        descriptors.append(fd)
        return Broken()

    fake = SimpleNamespace(**{name: getattr(os, name) for name in dir(os)} | {"fdopen": fdopen})
    monkeypatch.setattr(local, "os", fake)
    with pytest.raises(UsageError, match="got input/output error"):
        patient(tmp_path / "cache").files([promised(f"file://{tmp_path}/f", content=GOOD)])
    os.close(descriptors[0])


def test_a_long_body_that_nobody_wants_is_not_read_to_its_end(tmp_path: Path) -> None:
    def endless(request: Request) -> None:
        request.say(302, {"Location": "/f"}, b"", length=10**12)
        while not request.server.site.closing.is_set():
            request.send(bytes(100_000))

    with serving({"/endless": endless, "/f": body(GOOD)}) as site:
        patient(tmp_path).files([promised(f"{site.url}/endless", content=GOOD)])

    assert site.sent["/endless"] < 50_000_000


def test_a_body_that_breaks_and_that_nobody_wants_does_no_harm(tmp_path: Path) -> None:
    def broken(request: Request) -> None:
        request.say(302, {"Location": "/f"}, b"x", length=100)
        request.cut()

    with serving({"/broken": broken, "/f": body(GOOD)}) as site:
        patient(tmp_path).files([promised(f"{site.url}/broken", content=GOOD)])

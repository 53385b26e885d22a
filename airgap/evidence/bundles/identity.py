"""Who a Fulcio certificate was issued to, and whether that is the publisher that an anchor expects.

Source: Fulcio, "Extension values" (1.3.6.1.4.1.57264.1.*), and "OIDC usage" (subject alternative names).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509

from airgap.core.anchors import Anchor
from airgap.core.errors import FormatError

_ARC: Final = "1.3.6.1.4.1.57264.1."
_USERNAME: Final = f"{_ARC}7"
"""The type of a name that is neither an URI nor a mail address; it stands inside the subject alternative name."""
_UTF8: Final = 0x0C
_RAW: Final = frozenset({"1", "2", "3", "4", "5", "6"})
"""Extensions of the first generation hold the bare text, later ones an UTF8String in DER."""
_PREFIX: Final = "https://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a Fulcio certificate was issued to.

    Attributes:
        san: the one subject alternative name, an URI or a mail address.
        issuer: of the identity token (OIDC).
        repository: ``owner/name`` of a workflow or pipeline, else empty.
        workflow: file name of the workflow, else empty.
        ref: git ref that the workflow ran for, else empty.
        extensions: all Fulcio extensions, by the last number of their OID.
    """

    san: str
    issuer: str
    repository: str = ""
    workflow: str = ""
    ref: str = ""
    extensions: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.san!a:.300} ({self.issuer!a:.120})"

    @property
    def workflow_path(self) -> str:
        """The workflow's path inside its repository, else empty."""
        return _path(self.extensions, self.san).removeprefix(f"{self.extensions.get('12', '')}/").removeprefix("/")


def read_identity(certificate: x509.Certificate) -> Identity:
    """The identity in a certificate.

    Raises:
        FormatError: no name or several, no issuer or two that differ, an extension that is no text.
    """
    san = _name(certificate)
    extensions = dict(_extensions(certificate))
    issuers = {extensions[number] for number in ("8", "1") if number in extensions}
    if len(issuers) != 1:
        raise FormatError(f"certificate: expected one issuer of its identity, got {len(issuers)}")
    repository = _agreed(extensions, "5", "12")
    return Identity(
        san=san,
        issuer=issuers.pop(),
        repository=repository,
        workflow=_path(extensions, san).rpartition("/")[2],
        ref=extensions.get("14", extensions.get("6", "")),
        extensions=extensions,
    )


def check_identity(anchor: Anchor, identity: Identity) -> str | None:
    """What differs between the publisher that an anchor expects and a certificate's, in words; None when nothing does.

    Without the setting ``identity``, the signer has to be a workflow of the repository itself: what a workflow signs that
    it borrows from elsewhere is under that one's name, which then has to be pinned too.
    """
    said = anchor.settings
    expected, repository = said.get("identity", ""), said.get("repository", "")
    if not said.get("issuer") or not (expected or repository):
        return "expected an anchor with an issuer and an identity or a repository, got neither"
    wanted = {
        "issuer": said["issuer"],
        "identity": expected,
        "workflow": said.get("workflow", ""),
        "ref": said.get("ref", ""),
    }
    found = {"issuer": identity.issuer, "identity": identity.san, "workflow": identity.workflow, "ref": identity.ref}
    for name, value in wanted.items():
        if value and value != found[name]:
            return f"expected {name} {value!a:.200}, got {found[name]!a:.200}"
    if repository and repository not in {identity.repository, identity.extensions.get("12")}:
        return f"expected repository {repository!a:.200}, got {identity.repository!a:.200}"
    if repository and not expected and not is_own(identity):
        return f"expected a workflow of {repository!a:.120} itself, got signer {identity.san!a:.200}"
    return None


def is_own(identity: Identity) -> bool:
    """Whether the name in a certificate is that of the repository's own workflow."""
    config = identity.extensions.get("18")
    host, _, rest = identity.san.removeprefix(_PREFIX).partition("/")
    is_inside = bool(identity.repository) and rest.startswith(f"{identity.repository}/")
    home = identity.extensions.get("12", f"{_PREFIX}{host}/{identity.repository}")
    is_home = identity.san.startswith(f"{home}/") if home.startswith(_PREFIX) else False
    return is_inside and is_home and config in {None, identity.san}


def _name(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as exc:
        raise FormatError("certificate: expected a subject alternative name, got none") from exc
    match list(names):
        case [x509.UniformResourceIdentifier(value=str(text)) | x509.RFC822Name(value=str(text))] if text:
            return text
        case [x509.OtherName(type_id=kind, value=bytes(der))] if kind.dotted_string == _USERNAME:
            return _utf8(der)
        case _:
            raise FormatError("certificate: expected one URI, mail address or user name, got other names")


def _extensions(certificate: x509.Certificate) -> Iterator[tuple[str, str]]:
    for extension in certificate.extensions:
        number = extension.oid.dotted_string.removeprefix(_ARC)
        if number == extension.oid.dotted_string or not isinstance(extension.value, x509.UnrecognizedExtension):
            continue
        raw = extension.value.value
        yield number, _text(raw) if number in _RAW else _utf8(raw)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise FormatError("certificate: expected text in UTF-8, got other bytes") from exc


def _utf8(der: bytes) -> str:
    """The text of an UTF8String in DER."""
    for size in (2, 3, 4):
        length = len(der) - size
        if length >= 0 and der[:size] == _header(length):
            return _text(der[size:])
    raise FormatError("certificate: expected an UTF8String in DER, got other bytes")


def _header(length: int) -> bytes:
    """Tag and length, the length in its shortest form. Source: X.690, 8.1.3 and 10.1."""
    if length < 0x80:
        return bytes([_UTF8, length])
    size = (length.bit_length() + 7) // 8
    return bytes([_UTF8, 0x80 | size]) + length.to_bytes(size, "big")


def _agreed(extensions: Mapping[str, str], bare: str, uri: str) -> str:
    """``owner/name``, out of both generations of extensions; where both are there, they have to agree."""
    found = extensions.get(uri)
    path = "" if found is None else found.removeprefix(_PREFIX).partition("/")[2]
    if bare in extensions and found is not None and extensions[bare] != path:
        raise FormatError("certificate: expected one repository, got two")
    return extensions.get(bare, path)


def _path(extensions: Mapping[str, str], san: str) -> str:
    """The URI of the build's configuration, without the ref or commit that it ends in; empty where it ends in neither."""
    config = extensions.get("18", san)
    for number in ("14", "13", "6", "3"):
        suffix = f"@{extensions.get(number, '')}"
        if len(suffix) > 1 and config.endswith(suffix):
            return config.removesuffix(suffix)
    return ""

"""Options to values: keys, passphrases, time, documents. The only place that reads the environment or asks the clock."""

import errno
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airgap.core.errors import FormatError, TrustStop, UsageError
from airgap.core.keys import ENTROPY, PrivateKey, PublicKey, is_encrypted, parse_private, parse_public
from airgap.core.names import check_token

if TYPE_CHECKING:
    from typer import Context

    from airgap.core.envelope import Envelope
    from airgap.core.trust import Believed, Trust
    from airgap.core.wish import Wish

MAX_DOCUMENT = 16 * 1024 * 1024
MAX_REASON = 500
"""Characters that a record of the ledger has room for."""


def now() -> datetime:
    """The clock's time, UTC, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def build_time() -> datetime:
    """SOURCE_DATE_EPOCH when it is set, else the clock's time.

    Source: reproducible-builds.org, SOURCE_DATE_EPOCH.
    """
    said = os.environ.get("SOURCE_DATE_EPOCH")
    if said is None:
        return now()
    if not said.isdecimal() or int(said) > 8**11 - 1:
        raise UsageError(f"SOURCE_DATE_EPOCH: expected seconds since 1970, got {said!a:.40}")
    return datetime.fromtimestamp(int(said), UTC)


def entropy() -> bytes:
    """Fresh entropy for one key."""
    return secrets.token_bytes(ENTROPY)


def run_id() -> str:
    """A name for a staging folder."""
    return secrets.token_hex(8)


def read_document(path: str) -> bytes:
    """A small file: a trust document, a key, a policy.

    Raises:
        UsageError: it cannot be read, or it is too large to be one.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_DOCUMENT + 1)
    except OSError as exc:
        raise UsageError(f"{path}: expected to read it, got {os.strerror(exc.errno or 0)}") from exc
    if len(raw) > MAX_DOCUMENT:
        raise UsageError(f"{path}: expected a document, got more than {MAX_DOCUMENT} bytes")
    return raw


def policy_text(name: str) -> str:
    """A preset by name, or the text of a file.

    Raises:
        UsageError: neither, or the file is no policy.
    """
    from airgap.core.policy import PRESETS, Policy

    if name in PRESETS:
        return PRESETS[name]
    if not os.path.exists(name):
        raise UsageError(f"--policy: expected {', '.join(PRESETS)} or a file, got {name!a:.100}")
    try:
        text = read_document(name).decode("utf-8")
        Policy.parse(text)
    except UnicodeDecodeError as exc:
        raise UsageError(f"{name}: expected a policy in TOML, got bytes that are not UTF-8") from exc
    except FormatError as exc:
        raise UsageError(f"{name}: {exc.message}") from exc
    return text


def write_new(path: str, content: bytes, *, mode: int = 0o644) -> None:
    """Write a new file, durable and complete or not at all.

    Raises:
        UsageError: the name is taken, or the file cannot be written.
    """
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.part")
    try:
        refuse_taken(path)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(fd)
            _publish(temporary, path)
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)
    except OSError as exc:
        raise UsageError(f"{path}: expected to write it, got {os.strerror(exc.errno or 0)}") from exc


def refuse_taken(path: str) -> None:
    """Prove that a new file could be written there, before anything is done that cannot be undone.

    Raises:
        UsageError: the name is taken, or its folder is missing.
    """
    if os.path.lexists(path):
        raise UsageError(f"{path}: expected a new name, got a file that exists")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise UsageError(f"{path}: expected a folder to write it in, got none")


def _publish(temporary: str, path: str) -> None:
    """Give a finished file its name without replacing one; a stick's file system has no links, so there it is renamed."""
    try:
        os.link(temporary, path)
    except OSError as exc:
        if exc.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise
        refuse_taken(path)
        os.rename(temporary, path)


def passphrase(*, confirm: bool) -> bytes:
    """The passphrase from AIRGAP_PASSPHRASE_FILE (its first line), else from the terminal.

    Raises:
        UsageError: there is neither.
    """
    path = os.environ.get("AIRGAP_PASSPHRASE_FILE")
    if path:
        line = read_document(path).split(b"\n", 1)[0].removesuffix(b"\r")
        if not line:
            raise UsageError(f"{path}: expected a passphrase in its first line, got an empty one")
        return line
    if not sys.stdin.isatty():
        raise UsageError(
            "passphrase: expected a terminal or AIRGAP_PASSPHRASE_FILE, got neither",
            hint="for a key that needs no passphrase: airgap keygen NAME --no-passphrase",
        )
    import typer

    text: str = typer.prompt("passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return text.encode()


def private_keys(paths: Sequence[str]) -> list[PrivateKey]:
    """All keys of the key files given with --key.

    Raises:
        UsageError: none was given, or one cannot be read.
    """
    if not paths:
        raise UsageError("--key: expected a private key, got none", hint="airgap keygen NAME makes one")
    keys: list[PrivateKey] = []
    for path in paths:
        pem = read_document(path)
        phrase = passphrase(confirm=False) if is_encrypted(pem) else None
        try:
            keys += parse_private(pem, phrase)
        except UsageError as exc:
            raise UsageError(f"{path}: {exc.message}") from exc
    return keys


def site_key(path: str) -> PublicKey:
    """A site's public key: ``site.pub.pem`` of its store.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    keys = parse_public(read_document(path))
    if len(keys) != 1:
        raise UsageError(f"{path}: expected a site's one key, got {len(keys)}")
    return keys[0]


def site_wish(path: str, key: PublicKey) -> "Wish":
    """What a site asks for, in a file that its key signed.

    Raises:
        FormatError: it did not, or this is no request of a site.
    """
    from airgap.core.wish import Wish

    raw = read_document(path)
    try:
        return Wish.open(raw, key)
    except FormatError as exc:
        raise FormatError(f"{path}: {exc.message}", reason=exc.reason) from exc


def is_typed(context: "Context", name: str) -> bool:
    """Whether an option was given on the command line, and does not come from the environment."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def named_keys(said: str) -> tuple[str, tuple[PublicKey, ...]]:
    """A signer from ``NAME=FILE``, or from ``NAME.pub.pem``.

    Raises:
        UsageError: the file cannot be read, or the name is no name.
    """
    name, is_named, path = said.partition("=")
    if not is_named:
        path = said
        name = os.path.basename(said).removesuffix(".pem").removesuffix(".pub")
    check_name(name, what="signer")
    return name, parse_public(read_document(path))


def check_name(name: str, *, what: str) -> None:
    """Prove that a name on the command line is one.

    Raises:
        UsageError: it is not.
    """
    with asking():
        check_token(name, what=what)


def duration(text: str) -> timedelta:
    """A duration on the command line.

    Raises:
        UsageError: it is none.
    """
    from airgap.core.times import parse_duration

    with asking():
        return parse_duration(text)


@contextmanager
def asking() -> Iterator[None]:
    """What breaks a rule in here was asked for on the command line: no bundle is to blame."""
    try:
        yield
    except FormatError as exc:
        raise UsageError(exc.message, hint=exc.hint) from exc


def pinned_trust(path: str) -> "Believed":
    """The trust document in a file, which its own signers signed.

    Raises:
        TrustStop: it does not hold; that is no fault of a bundle.
    """
    from airgap.core.trust import open_trust

    with _trusting(path):
        return open_trust(read_document(path))


def unsigned_trust(path: str) -> "tuple[Trust, Envelope]":
    """A trust document that still gathers signatures.

    Raises:
        TrustStop: it is none.
    """
    from airgap.core.trust import read_unsigned

    with _trusting(path):
        return read_unsigned(read_document(path))


@contextmanager
def _trusting(path: str) -> Iterator[None]:
    try:
        yield
    except FormatError as exc:
        raise TrustStop(f"{path}: {exc.message}", reason=exc.reason) from exc

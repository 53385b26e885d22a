"""Key files and trust documents, as commands read them."""

import os
from datetime import datetime

from tests.isolated.scene import DAY, NOW, key_of, signed, trust_of


def key_file(folder: str, name: str) -> str:
    """The private key file of a name."""
    path = os.path.join(folder, f"{name}.key.pem")
    _write(path, key_of(name).pem(None))
    return path


def public_file(folder: str, name: str) -> str:
    """The public key file of a name."""
    path = os.path.join(folder, f"{name}.pub.pem")
    _write(path, key_of(name).public.pem)
    return path


def trust_file(folder: str, *names: str, file: str = "trust.json", issued: datetime = NOW - 10 * DAY) -> str:
    """A trust document that the first name signed."""
    path = os.path.join(folder, file)
    _write(path, signed(trust_of(*names, issued=issued), names[0]).encode() + b"\n")
    return path


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)

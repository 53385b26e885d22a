"""Values of the format: canonical JSON, the shapes of all documents, paths and purls. Sections 2, 3, 7, 8 and 12."""

import base64
import hashlib
import json
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

INVISIBLE = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0}
INVISIBLE |= set(range(0xFE00, 0xFE10)) | set(range(0xE0100, 0xE01F0))
TOKEN = r"(?!.*\.\.)[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?"
PART = r"([A-Za-z0-9._~:-]|%[0-9A-F]{2})+"
PAIR = r"[a-z][a-z0-9._-]*=([A-Za-z0-9._~:/-]|%[0-9A-F]{2})+"
PURL = rf"pkg:[a-z][a-z0-9.-]*(/{PART})+(@{PART})?(\?{PAIR}(&{PAIR})*)?(#{PART}(/{PART})*)?"
DEVICE = r"(?i:con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\..*)?"
SHORT = r"(?=[^.]{1,8}(\.|$))[^.]{1,6}~[0-9]{1,6}(\.[^.]{0,3})?"


class Refused(Exception):  # noqa: N818 -- the format's own word
    """Why a bundle is refused: a reason code of section 13."""


def must(holds: object, reason: str = "malformed") -> None:
    if not holds:
        raise Refused(reason)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def canonical(raw: bytes, depth: int = 16) -> Any:
    try:
        value = json.loads(raw.decode())
        again = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as exc:
        raise Refused("malformed") from exc
    must(again == raw and not is_odd(value, depth))
    return value


def is_odd(value: Any, depth: int) -> bool:
    """Whether it holds other numbers than small integers or other names than ASCII, or nests too deep."""
    if isinstance(value, dict):
        return not all(map(str.isascii, value)) or is_odd(list(value.values()), depth)
    if isinstance(value, list):
        return depth == 0 or any(is_odd(inner, depth - 1) for inner in value)
    return isinstance(value, float) or (isinstance(value, int) and abs(value) >= 2**53)


def fits(value: Any, shape: Any) -> bool:
    """Whether a value has a shape: a pattern, a range, these members, a list of one shape, one of several, a test."""
    match shape:
        case str():
            return isinstance(value, str) and re.fullmatch(shape, value, re.DOTALL) is not None
        case range():
            return type(value) is int and value in shape
        case Named():
            return isinstance(value, dict) and all(fits(n, TOKEN) and fits(v, shape.each) for n, v in value.items())
        case dict():
            return isinstance(value, dict) and value.keys() == shape.keys() and all(fits(value[n], shape[n]) for n in shape)
        case list():
            return isinstance(value, list) and all(fits(inner, shape[0]) for inner in value)
        case tuple():
            return any(fits(value, one) for one in shape)
        case type():
            return type(value) is shape
        case None:
            return value is None
        case _:
            return bool(shape(value))


class Named(NamedTuple):
    """The shape of an object whose members have tokens for names."""

    each: Any


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def is_instant(value: Any) -> bool:
    if not fits(value, r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"):
        return False
    try:
        instant(value)
    except ValueError:
        return False
    return int(value[17:19]) < 60


def unbase64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text)
    except ValueError as exc:
        raise Refused("malformed") from exc
    must(base64.b64encode(raw).decode() == text)
    return raw


def is_settings(value: Any) -> bool:
    return isinstance(value, dict) and all(fits(text, ".{0,32768}") for text in value.values())


def is_purl(text: Any) -> bool:
    if not fits(text, PURL) or len(text) > 2048 or re.search(r"[/#]\.{1,2}([/@?#]|$)", text):
        return False
    pairs = text.partition("?")[2].partition("#")[0]
    keys = [pair.partition("=")[0] for pair in pairs.split("&")]
    runs = re.findall(r"(?:%[0-9A-F]{2})+", text)
    slashes = "%2F" in re.sub(r"@[^?#]*", "", text)
    return keys == sorted(set(keys)) and not slashes and all(quote(unquote(run), safe=":") == run for run in runs)


HEX = r"[0-9a-f]{64}"
COUNT = range(2**53)
NUMBER = range(1, 2**53)
KIND = "openpgp|debian-keyring|npm-keys|sigstore|minisign|signify|ssh|x509|model-signing|cosign|pem"
PATTERNS = [".{1,2048}"]
REVOKED = {"date": is_instant, "reason": ".{1,500}"}
ENVELOPE = {"payload": ".+", "payloadType": ".{1,200}", "signatures": [{"keyid": HEX, "sig": ".{4,8192}"}]}
ROLE = {"signers": [TOKEN], "threshold": range(1, 65)}
TRUST = {
    "version": NUMBER,
    "issued": is_instant,
    "expires": is_instant,
    "signers": Named({"from": is_instant, "until": is_instant, "keys": [".{1,8192}"]}),
    "roles": {"trust": ROLE},
    "channels": Named({**ROLE, "artifacts": PATTERNS, "destinations": [TOKEN]}),
    "anchors": [{"artifacts": PATTERNS, "kind": KIND, "name": TOKEN, "pin": ".{1,8192}", "settings": is_settings}],
    "revoked": {
        "artifacts": [{**REVOKED, "what": ".{1,2048}"}],
        "digests": [{**REVOKED, "what": HEX}],
        "keys": [{**REVOKED, "what": f"[0-9a-f]{{40}}|{HEX}"}],
    },
}
STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": r"manifest\.json", "digest": {"sha256": HEX}}],
    "predicateType": "urn:airgap:bundle:1",
    "predicate": {
        "channel": TOKEN,
        "sequence": NUMBER,
        "previous": (HEX, None),
        "created": is_instant,
        "expires": is_instant,
        "destination": (TOKEN, None),
        "container": "archive|directory",
        "archiveSize": COUNT,
        "base": ({"receipt": HEX, "sequence": NUMBER}, None),
        "totals": {"artifacts": COUNT, "bytes": COUNT},
        "tool": ".{1,100}",
    },
}
ARTIFACT = {
    "custody": [{"kind": "registry|mirror|proxy|re-host|agent|exporter|importer", "name": ".{1,200}"}],
    "evidence": [str],
    "metadata": dict,
    "path": "artifacts/[a-z0-9]+/.+",
    "purl": is_purl,
    "sha256": HEX,
    "size": COUNT,
    "stored": bool,
}
DOCUMENT = {
    "mediaType": "[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,100}",
    "path": "documents/.+",
    "role": "signature|attestation|key|anchor-data|index|sbom|scan",
    "sha256": HEX,
    "size": COUNT,
}
WHAT = "unsigned-upstream|withheld-by-mirror|not-selected|unresolved"
MANIFEST = {
    "artifacts": [ARTIFACT],
    "documents": [DOCUMENT],
    "format": range(1, 2),
    "frameSize": range(65536, 8388609),
    "frames": [[(range(1, 10**9), HEX, None)]],
    "losses": [{"detail": ".{0,2000}", "purl": ".{1,2048}", "what": WHAT}],
}


def is_sorted(names: list[str]) -> bool:
    return names == sorted(set(names))


def check_path(path: str) -> None:
    for c in path:
        hidden = unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or ord(c) in INVISIBLE
        must(c not in "\\:" and not hidden, "bad-name")
    parts = path.split("/")
    must(unicodedata.normalize("NFC", path) == path and len(path.encode()) <= 1024 and len(parts) <= 32, "bad-name")
    for part in parts:
        must(part not in ("", ".", "..") and len(part.encode()) <= 255, "bad-name")
        must(part[-1] not in ". " and part[0] not in "~ ", "bad-name")
        must(not re.fullmatch(DEVICE, part) and not re.fullmatch(SHORT, part), "bad-name")


def check_distinct(paths: list[str]) -> None:
    files: set[str] = set()
    folders: dict[str, str] = {}
    for path in paths:
        parts = path.split("/")[1:]
        for count in range(1, len(parts)):
            folder = "/".join(parts[:count])
            must(folders.setdefault(fold(folder), folder) == folder, "name-clash")
        key = fold("/".join(parts))
        must(key not in files, "name-clash")
        files.add(key)
    must(not files & folders.keys(), "name-clash")


def fold(path: str) -> str:
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())

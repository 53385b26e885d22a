"""in-toto attestations in DSSE envelopes, signed by a pinned key.

Source: DSSE protocol 1.0.2; in-toto Attestation Framework, Statement v1 and v0.1. Stricter than DSSE in one point: the
standard base64 alphabet only.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from airgap.core.errors import FormatError
from airgap.evidence.subject import Subject

STATEMENTS: Final = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
STRONG: Final = ("sha256", "sha384", "sha512")
"""Digests in a statement that bind; others, such as sha1 and gitCommit, neither help nor hurt."""
MAX_DEPTH: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What an attestation says; read it only from a payload whose signature holds.

    Attributes:
        type: version of the statement.
        predicate_type: what kind of claim it makes.
        subjects: name to digests (algorithm to lower-case hex), as the producer wrote them.
        predicate: the claim.
    """

    type: str
    predicate_type: str
    subjects: Mapping[str, Mapping[str, str]]
    predicate: Mapping[str, Any]


def open_statement(payload: bytes) -> Statement:
    """Read an in-toto Statement v1 or v0.1 from the payload of an envelope that was verified.

    Raises:
        FormatError: another type, a missing member, a name given to two different things, or JSON that is not strict.
    """
    value = load_object(payload, what="statement")
    if value.get("_type") not in STATEMENTS:
        raise FormatError(f"statement: expected in-toto Statement v1 or v0.1, got {value.get('_type')!a:.80}")
    predicate_type = value.get("predicateType")
    predicate = value.get("predicate", {})
    if not isinstance(predicate_type, str) or not predicate_type or not isinstance(predicate, dict):
        raise FormatError("statement: expected a predicate and its type, got other members")
    return Statement(
        type=value["_type"],
        predicate_type=predicate_type,
        subjects=_subjects(value.get("subject")),
        predicate=predicate,
    )


def match_subject(statement: Statement, subject: Subject) -> str | None:
    """What is wrong between a statement's subjects and an artifact, as ``expected X, got Y``; None when they agree.

    One subject has to give a strong digest of the artifact, and every strong digest that it gives has to be the
    artifact's.
    """
    given = {name for digests in statement.subjects.values() for name in digests if name in STRONG}
    # once per algorithm: a statement with many subjects must not make us read the content again for each
    ours = {name: subject.digest(name).hex() for name in STRONG if name in given}
    if not ours:
        return "expected a subject with a sha256, sha384 or sha512 digest, got none"
    is_named = False
    for digests in statement.subjects.values():
        said = {name: digests[name] == digest for name, digest in ours.items() if name in digests}
        if any(said.values()) and not all(said.values()):
            wrong = next(name for name, is_ours in said.items() if not is_ours)
            return f"expected {wrong}:{ours[wrong]}, got {digests[wrong]!a:.140} beside another digest that agrees"
        is_named = is_named or any(said.values())
    if is_named:
        return None
    name, digest = next(iter(ours.items()))
    return f"expected a subject with {name}:{digest}, got {len(statement.subjects)} with other digests"


def _subjects(value: Any) -> Mapping[str, Mapping[str, str]]:
    if not isinstance(value, list) or not value:
        raise FormatError("statement: expected a list of subjects, got none")
    subjects: dict[str, Mapping[str, str]] = {}
    for item in value:
        digests = item.get("digest") if isinstance(item, dict) else None
        name = item.get("name", "") if isinstance(item, dict) else None
        if not isinstance(name, str) or not isinstance(digests, dict) or not digests:
            raise FormatError("statement: expected subjects with a name and digests, got another value")
        if not all(isinstance(digest, str) for digest in digests.values()):
            raise FormatError("statement: expected digests as text, got another value")
        if subjects.setdefault(name, digests) != digests:
            raise FormatError(f"statement: expected one subject per name, got two named {name!a:.80}")
    return subjects


def load_object(raw: bytes, *, what: str) -> dict[str, Any]:
    """The JSON object in bytes that others wrote: UTF-8, no name twice, only finite numbers, not deep.

    Raises:
        FormatError: anything else.
    """
    try:
        # decoded first: json.loads on bytes would sniff UTF-16 and UTF-32 (T085)
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as exc:
        raise FormatError(f"{what}: expected strict JSON, got other bytes") from exc
    if not isinstance(value, dict) or _is_deeper(value, MAX_DEPTH):
        raise FormatError(f"{what}: expected a JSON object of at most {MAX_DEPTH} levels, got another value")
    return value


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name given twice")
    return value


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError("a number that is not finite")
    return number


def _refuse(_: str) -> NoReturn:
    raise ValueError("a constant that is no JSON")


def _is_deeper(value: Any, room: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return room == 0 or any(_is_deeper(item, room - 1) for item in inner if isinstance(item, dict | list))

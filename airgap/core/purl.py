"""Package URLs: the name under which trust, policy and people speak of an artifact.

Source: ECMA-427 (package-url), canonical form only, without the per-type rules.
"""

import re
from functools import lru_cache
from urllib.parse import quote, unquote

from airgap.core.errors import FormatError

_PART = r"(?:[A-Za-z0-9._~:-]|%[0-9A-F]{2})+"
_QUALIFIER = r"[a-z][a-z0-9._-]*=(?:[A-Za-z0-9._~:/-]|%[0-9A-F]{2})+"
_PURL = re.compile(
    rf"pkg:[a-z][a-z0-9.-]*(?:/{_PART})+(?:@{_PART})?(?:\?{_QUALIFIER}(?:&{_QUALIFIER})*)?(?:#{_PART}(?:/{_PART})*)?"
)
MAX_LENGTH = 2048
_ESCAPES = re.compile(r"(?:%[0-9A-F]{2})+")
_VERSION = re.compile(r"@[^?#]*")
_DOTS = re.compile(r"[/#]\.{1,2}(?=[/@?#]|$)")
_NEEDS_NO_QUOTE = re.compile(r"[A-Za-z0-9._~:/-]+")


def check_purl(text: str) -> None:
    """Prove that ``text`` is a canonical package URL of at most 2048 characters.

    One spelling each: what is revoked or out of a channel's scope must not come back as ``ev%69l``.

    Raises:
        FormatError: it is not.
    """
    if len(text) > MAX_LENGTH or not _PURL.fullmatch(text) or not _is_canonical(text):
        raise FormatError(f"purl: expected pkg:type/name@version, got {text!a:.120}")


def _is_canonical(text: str) -> bool:
    """Whether a purl of the right shape has no needless escape, no dot segment, and its qualifiers once each and sorted.

    An escaped slash means itself in a version only; elsewhere it would be read as a slash that parts.
    """
    if "%" in text and ("%2F" in _VERSION.sub("", text) or not all(map(_is_needed, _ESCAPES.findall(text)))):
        return False
    if "?" in text:
        names = [pair.partition("=")[0] for pair in text.partition("?")[2].partition("#")[0].split("&")]
        if names != sorted(set(names)):
            return False
    return not _DOTS.search(text)


def _is_needed(escapes: str) -> bool:
    """Whether a run of escapes is what ``quote`` writes for some text."""
    try:
        return quote(unquote(escapes, errors="strict"), safe=":") == escapes
    except UnicodeDecodeError:
        return False


def file_purl(path: str) -> str:
    """The package URL of a plain file: ``pkg:generic/`` and its path, percent-encoded."""
    if _NEEDS_NO_QUOTE.fullmatch(path):
        return "pkg:generic/" + path
    return "pkg:generic/" + "/".join(quote(part, safe=":") for part in path.split("/"))


def is_match(purl: str, pattern: str) -> bool:
    """Whether a pattern covers a purl; ``*`` stands for any run of characters, nothing else is special."""
    return _pattern(pattern).fullmatch(purl) is not None


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    """Each part between stars at its first place, for good: what cannot backtrack is fast with any number of stars."""
    first, *others = map(re.escape, text.split("*"))
    if not others:
        return re.compile(first)
    *inner, last = others
    return re.compile(first + "".join(f"(?>.*?{part})" for part in inner) + ".*" + last)

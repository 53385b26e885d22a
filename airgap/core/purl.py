"""Package URLs: the name under which trust, policy and people speak of an artifact.

Source: ECMA-427 (package-url), canonical form only, without the per-type rules.
"""

import re
from functools import lru_cache
from urllib.parse import quote

from airgap.core.errors import FormatError

_PART = r"(?:[A-Za-z0-9._~:-]|%[0-9A-F]{2})+"
_QUALIFIER = r"[a-z][a-z0-9._-]*=(?:[A-Za-z0-9._~:/-]|%[0-9A-F]{2})+"
_PURL = re.compile(
    rf"pkg:[a-z][a-z0-9.-]*(?:/{_PART})+(?:@{_PART})?(?:\?{_QUALIFIER}(?:&{_QUALIFIER})*)?(?:#{_PART}(?:/{_PART})*)?"
)
MAX_LENGTH = 2048
_NEEDS_NO_QUOTE = re.compile(r"[A-Za-z0-9._~:/-]+")


def check_purl(text: str) -> None:
    """Prove that ``text`` is a canonical package URL of at most 2048 characters.

    Raises:
        FormatError: it is not.
    """
    if len(text) > MAX_LENGTH or not _PURL.fullmatch(text):
        raise FormatError(f"purl: expected pkg:type/name@version, got {text!a:.120}")


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
    return re.compile(".*".join(re.escape(part) for part in text.split("*")))

"""URLs: read by the parser of the library that connects, so that both mean the same host by the same text."""

import re
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from airgap.core.display import printable
from airgap.core.errors import FormatError

MAX_URL: Final = 8192
_WEB: Final = ("http", "https")
# all that may stand in a URL; a backslash does not, because browsers and libraries disagree on what it means
_KEPT: Final = "%/:=&?~#+!$,;'@()*[]|"
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


def normalise(url: str) -> str:
    """A URL without user name, password, fragment and dot segments.

    Source: RFC 3986, 6.2.2.

    Raises:
        FormatError: not http, https or file, no host, or longer than 8192 characters.
    """
    text = quote(url[: MAX_URL + 1], safe=_KEPT)
    found = _normalise_file(text) if text[:5].lower() == "file:" else _normalise_web(text)
    if found is None or len(text) > MAX_URL:
        raise FormatError(f"address: expected an http, https or file URL, got {shown(url)!a:.120}")
    return found


def resolve(base: str, link: str) -> str:
    """What a link on a page means.

    Args:
        base: the URL that the page came from in the end.
        link: written by whoever wrote the page.

    Raises:
        FormatError: no URL, or a page of a server that points at a local file.
    """
    try:
        found = normalise(urljoin(base, link))
    except ValueError as exc:
        raise FormatError(f"link: expected a URL, got {link!a:.80}") from exc
    if is_file(found) and not is_file(base):
        raise FormatError(f"link: expected an http or https URL on a page from the web, got {link!a:.80}")
    return found


def is_file(url: str) -> bool:
    """Whether it is read from disk."""
    return url[:5].lower() == "file:"


def path_of(url: str) -> str:
    """The path on disk behind a normalised file URL. Source: RFC 8089."""
    return unquote(urlsplit(url).path)


def origin(url: str) -> str:
    """Scheme, host and port of a normalised URL. Source: RFC 6454."""
    parts = parse_url(url)
    return f"{parts.scheme}://{parts.host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def shown(url: str) -> str:
    """A URL for a message: a user name may be before its host and a token in its query, so neither is shown."""
    start, scheme, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    plain = f"{start}{scheme}{host.rpartition('@')[2]}{slash}{path}"
    return printable(re.split(r"[?#]", plain, maxsplit=1)[0], limit=200)


def _normalise_file(text: str) -> str | None:
    parts = urlsplit(text)
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/") or "%00" in parts.path:
        return None
    return f"file://{parts.path}"


def _normalise_web(text: str) -> str | None:
    try:
        parts = parse_url(text)
    except HTTPError:
        return None
    if parts.scheme not in _WEB or not _HOST.fullmatch(parts.host or ""):
        return None
    return parts._replace(auth=None, fragment=None, path=parts.path or "/").url

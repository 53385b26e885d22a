"""One file: from the cache, or from the first address that gives what was promised."""

from typing import Final

from airgap.connected.web.address import shown
from airgap.connected.web.cache import Cache, holds
from airgap.connected.web.crew import Run
from airgap.connected.web.fault import Fault
from airgap.connected.web.part import Part
from airgap.connected.web.patience import Patience
from airgap.connected.web.reply import Reply
from airgap.connected.web.visit import Visitor
from airgap.connected.web.wanted import MAX_FILE, Download, Fetched, shown_name
from airgap.core.errors import AirgapError, FormatError, UsageError
from airgap.core.reasons import Reason

_CHUNK: Final = 256 * 1024


class Downloader:
    """Downloads files whose digest is known."""

    def __init__(self, cache: Cache, visitor: Visitor, patience: Patience) -> None:
        self._cache = cache
        self._visitor = visitor
        self._patience = patience

    def fetch(self, wanted: Download, run: Run) -> Fetched:
        """The file, which holds every digest that was promised.

        Raises:
            FormatError: content-mismatch: some address gave other bytes, and none gave the right ones.
            UsageError: no address gave anything.
        """
        if found := self._find(wanted, run):
            return found
        with self._cache.part(wanted, run) as part:
            # whoever had the lock before may have brought it; what is left there otherwise is damaged and gets replaced
            return self._find(wanted, run) or self._from_any(wanted, part, run)

    def _find(self, wanted: Download, run: Run) -> Fetched | None:
        found = self._cache.find(wanted, run)
        if found:
            run.advance(found.size)
        return found

    def _from_any(self, wanted: Download, part: Part, run: Run) -> Fetched:
        errors: list[AirgapError] = []
        for url in wanted.urls:
            try:
                return self._from(url, wanted, part, run)
            except (FormatError, UsageError) as exc:
                errors.append(exc)
        # a lie is worse than silence, and the preferred address counts most
        errors.sort(key=lambda exc: not isinstance(exc, FormatError))
        raise (
            errors[0] if errors else UsageError(f"{shown_name(wanted.name)}: expected an address to get it from, got none")
        )

    def _from(self, url: str, wanted: Download, part: Part, run: Run) -> Fetched:
        self._fill(url, wanted, part, run)
        if part.is_doubtful and _lie(url, wanted, part):
            part.restart()
            self._fill(url, wanted, part, run)
        lie = _lie(url, wanted, part)
        if lie:
            part.restart()
            raise lie
        return self._cache.adopt(wanted, part)

    def _fill(self, url: str, wanted: Download, part: Part, run: Run) -> None:
        try:
            self._patience.keep_trying(lambda: self._transfer(url, wanted, part, run), lambda: part.size, run)
        except Fault as fault:
            self._visitor.give_up(fault)
            raise UsageError(
                f"{shown_name(wanted.name)}: expected to download it from {shown(url)}, got {fault.got}", hint=fault.hint
            ) from fault

    def _transfer(self, url: str, wanted: Download, part: Part, run: Run) -> None:
        """Bring what is missing, as far as one answer goes."""
        if part.size and holds(wanted, part.digests()):
            return
        if wanted.size is not None and part.size >= wanted.size:
            part.restart()
        reply = self._ask(url, wanted, part)
        try:
            _take(reply, url, _limit(wanted), part, run)
        finally:
            reply.close()

    def _ask(self, url: str, wanted: Download, part: Part) -> Reply:
        """Ask for the rest where there is a beginning, and for all where the server does not go along."""
        if part.size:
            tag = part.tag(url)
            headers = {"Range": f"bytes={part.size}-"} | ({"If-Range": tag} if tag else {})
            reply = self._visitor.visit("GET", url, headers, {200, 206, 416})
            if _continues(reply, part.size, wanted.size):
                part.is_doubtful = True
                return reply
            part.restart()
            if reply.status == 200:
                return reply
            reply.close()
        return self._visitor.visit("GET", url, {}, {200})


def _take(reply: Reply, url: str, limit: int, part: Part, run: Run) -> None:
    if reply.status == 200:
        part.remember(url, reply.headers.get("etag", ""))
    part.is_doubtful |= not reply.has_known_end
    while part.size <= limit and (chunk := reply.read(_CHUNK)):
        run.check()
        part.write(chunk)
    # an interruption ends a body, too, and not always with an error
    run.check()


def _continues(reply: Reply, offset: int, size: int | None) -> bool:
    """Whether an answer is the rest that was asked for. Source: RFC 9110, 14.4 and 15.3.7."""
    unit, _, text = reply.headers.get("content-range", "").partition(" ")
    extent, _, total = text.partition("/")
    first, _, _ = extent.partition("-")
    is_same = size is None or total in {"*", str(size)}
    return reply.status == 206 and unit.lower() == "bytes" and first == str(offset) and is_same


def _limit(wanted: Download) -> int:
    return MAX_FILE if wanted.size is None else wanted.size


def _lie(url: str, wanted: Download, part: Part) -> FormatError | None:
    """What is wrong with a whole file, or None."""
    where = f"{shown_name(wanted.name)}: expected"
    if part.size > _limit(wanted):
        return _mismatch(f"{where} {_limit(wanted)} bytes, got more from {shown(url)}")
    digests = part.digests()
    for name, digits in wanted.digests.items():
        if digests[name] != digits:
            return _mismatch(f"{where} {name} {digits}, got {digests[name]} ({part.size} bytes) from {shown(url)}")
    if part.size != _limit(wanted) and wanted.size is not None:
        return _mismatch(f"{where} {wanted.size} bytes, got {part.size} from {shown(url)}")
    return None


def _mismatch(message: str) -> FormatError:
    hint = "the file is not the one that the lock file or the index names; do not use it, ask whoever runs that server"
    return FormatError(message, reason=Reason.CONTENT_MISMATCH, hint=hint)

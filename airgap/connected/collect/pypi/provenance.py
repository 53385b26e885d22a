"""Attestations of files, where an index has them. Source: PEP 740; the index's integrity interface.

Which files have none, and which the index only does not show, is told apart where the index lets it: a policy may accept
what was never signed, and yet refuse a mirror that hides signatures.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

from airgap.connected.collect.pypi.carry import Carry
from airgap.connected.collect.pypi.index import Pages
from airgap.connected.web.address import is_file, resolve
from airgap.connected.web.wanted import Answer, Page
from airgap.core.entries import Loss
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.vouching import UNSIGNED, WITHHELD

MAX_PROVENANCE: Final = 16 * 1024 * 1024
_ACCEPT: Final = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5"
_SIMPLE: Final = "/simple"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What was found: attestations by file name, and the losses of the other files."""

    found: dict[str, bytes] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)

    def lose(self, file: Carry, what: str, detail: str) -> None:
        """Note that a file travels without."""
        self.losses.append(Loss(file.distribution.purl, what, f"{file.file_name}: {detail}"))


def ask_provenance(files: Iterable[Carry], attesting: Collection[str], pages: Pages) -> Provenance:
    """Ask for the attestations of files.

    Args:
        files: those that nobody supplied evidence for.
        attesting: the indexes that name attestations of some file.
        pages: what reads them.

    Raises:
        UsageError: an index cannot be read.
    """
    result = Provenance()
    named, silent = [], []
    for file in files:
        if file.link.provenance:
            named.append(file)
        elif file.link.can_attest:
            result.lose(file, UNSIGNED, "the index says that it has no attestations")
        else:
            silent.append(file)
    _take_named(named, pages, result)
    for index in sorted({file.link.listed_in for file in silent}):
        _take_beside(index, [file for file in silent if file.link.listed_in == index], attesting, pages, result)
    return result


def _take_named(files: Sequence[Carry], pages: Pages, result: Provenance) -> None:
    """Those that the index gives a URL for."""
    asked = [resolve(file.link.page, file.link.provenance or "") for file in files]
    answers = pages.pages([_page(url, file) for url, file in zip(asked, files, strict=True)])
    for file, answer in zip(files, answers, strict=True):
        if not _take(answer, file, result):
            result.lose(file, WITHHELD, f"the index names attestations, and answers with {_kind(answer)}")


def _take_beside(index: str, files: Sequence[Carry], attesting: Collection[str], pages: Pages, result: Provenance) -> None:
    """Those of an index that says nothing: the integrity interface beside it knows, if there is one.

    It is asked for one file first: a mirror without it would be asked in vain for each.
    """
    if is_file(index) or not index.endswith(_SIMPLE):
        for file in files:
            result.lose(file, WITHHELD, "the index cannot say whether there are attestations")
        return
    root = index.removesuffix(_SIMPLE)
    first, *others = files
    answers = pages.pages([_page(_beside(root, first), first)])
    if _is_provenance(answers[0]) or index in attesting:
        answers += pages.pages([_page(_beside(root, file), file) for file in others])
    is_there = any(_is_provenance(answer) for answer in answers)
    for file, answer in zip_longest(files, answers):
        if answer and _take(answer, file, result):
            continue
        if is_there and answer and answer.status != 200:
            result.lose(file, UNSIGNED, "the index has no attestations of it, and has them of other files")
        else:
            result.lose(file, WITHHELD, "the index does not say whether there are attestations")


def _beside(root: str, file: Carry) -> str:
    """Source: the integrity interface of the Python Package Index, "Get provenance for file"."""
    one = file.distribution
    return f"{root}/integrity/{one.project}/{one.version}/{one.file_name}/provenance"


def _page(url: str, file: Carry) -> Page:
    name = f"the attestations of {file.file_name}"
    return Page(url=url, accept=_ACCEPT, name=name, limit=MAX_PROVENANCE, is_optional=True)


def _take(answer: Answer, file: Carry, result: Provenance) -> bool:
    if not _is_provenance(answer):
        return False
    result.found[file.file_name] = answer.content
    return True


def _is_provenance(answer: Answer) -> bool:
    """Whether it looks like one: some mirrors answer every question with a page. What it proves, verifiers say."""
    if answer.status != 200:
        return False
    try:
        return isinstance(load_object(answer.content, what="provenance").get("attestation_bundles"), list)
    except FormatError:
        return False


def _kind(answer: Answer) -> str:
    return "something else" if answer.status == 200 else f"status {answer.status}"

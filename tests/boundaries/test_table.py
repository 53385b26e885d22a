"""The table of docs/threat-model.md, "What each intermediary can still do", built again from the same actors."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.boundaries.actors import STANDARD, WITH_APPROVAL, Behaviour, demand, hand_on, journey
from tests.boundaries.medium import on_the_medium
from tests.boundaries.producers import Delivery, KeyHolder, Minisigner, NpmRegistry, Producer, Workflow, release
from tests.boundaries.test_ai_intermediary import AGENT, LOOKALIKE
from tests.boundaries.test_mirror import HOPS
from tests.forge.keys import ALICE, BOB

DOCUMENT = Path(__file__).parents[2] / "docs" / "threat-model.md"
HEADING = "## What each intermediary can still do"
Words = tuple[str, str, str]
Act = Callable[[Path, Behaviour, str, bool], str]

BARE, NAMED, REGISTRY, PUBLISHER, BUILD = (
    KeyHolder(),
    Minisigner(),
    NpmRegistry(),
    Workflow(),
    Workflow(style="provenance"),
)


def carried(producer: Producer, *, custody: str = "") -> Act:
    """Somebody between producer and exporter; two exporters sign what he hands on, and do not look."""

    def act(folder: Path, behaviour: Behaviour, policy: str, is_pinned: bool) -> str:
        return _words(folder, producer, hand_on(producer, behaviour, custody=custody), policy, is_pinned=is_pinned)

    return act


def medium(folder: Path, behaviour: Behaviour, policy: str, is_pinned: bool) -> str:
    return on_the_medium(folder, behaviour, policy, is_pinned=is_pinned).words


def _words(folder: Path, producer: Producer, delivery: Delivery, policy: str, *, is_pinned: bool) -> str:
    anchors = [producer.anchor] if is_pinned else []
    return journey(folder, delivery, *anchors, policy=policy, keys=[ALICE, BOB]).words


MODES: list[tuple[str, str, Act]] = [
    ("a peer, and a bare signature", demand("publisher"), carried(BARE)),
    ("a peer, and a signature that names the file", demand("publisher"), carried(NAMED)),
    ("the storage of a registry that signs", demand("registry"), carried(REGISTRY)),
    *((f"a {kind}, and an attestation of PEP 740", demand("publisher"), carried(PUBLISHER, custody=hop))
      for kind, hop in HOPS.items()),
    ("the medium across the gap", demand("publisher"), medium),
    ("an agent, and provenance through Sigstore", WITH_APPROVAL, carried(BUILD, custody=AGENT)),
]  # fmt: skip


def observed(folder: Path) -> Iterator[tuple[str, str, Words]]:
    """Every mode with every behaviour: what it is, what was done, and the three answers."""
    count = 0
    for mode, demanding, act in MODES:
        for behaviour in Behaviour:
            words = []
            for policy, is_pinned in ((STANDARD, True), (demanding, True), (STANDARD, False)):
                count += 1
                words.append(act(folder / f"{count}", behaviour, policy, is_pinned))
            yield mode, behaviour, (words[0], words[1], words[2])
    lookalike = Delivery(**{**vars(release(LOOKALIKE, "2.0")), "custody": AGENT})
    answers = [
        _words(folder / f"l{number}", BUILD, lookalike, policy, is_pinned=is_pinned)
        for number, (policy, is_pinned) in enumerate(((STANDARD, True), (WITH_APPROVAL, True), (STANDARD, False)))
    ]
    yield MODES[-1][0], "chooses a look-alike that somebody else signed", (answers[0], answers[1], answers[2])


def written() -> list[tuple[str, str, Words]]:
    """The table in the document; rows that stand for several modes are taken apart."""
    section = DOCUMENT.read_text().partition(HEADING)[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    return [
        (single, did, (standard, demanding, bare))
        for mode, did, standard, demanding, bare in rows[2:]
        for single in _apart(mode)
    ]


def _apart(mode: str) -> list[str]:
    """``a mirror, proxy or cdn, and X`` as ``a mirror, and X`` and so on."""
    kinds = re.fullmatch(r"a (.+) or ([a-z-]+)(, and an attestation of PEP 740)", mode)
    if kinds is None:
        return [mode]
    return [f"a {kind}{kinds[3]}" for kind in (*kinds[1].split(", "), kinds[2])]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, Words]]:
    return list(observed(tmp_path_factory.mktemp("table")))


def test_the_table_of_the_threat_model_is_what_the_actors_get(rows: list[tuple[str, str, Words]]) -> None:
    assert sorted(written()) == sorted(rows)


def test_a_mirror_a_proxy_a_re_host_and_a_cdn_get_no_further_than_each_other(rows: list[tuple[str, str, Words]]) -> None:
    kinds = [{(done, words) for mode, done, words in rows if mode.startswith(f"a {kind},")} for kind in HOPS]

    assert len(kinds[0]) == len(Behaviour)
    assert all(kind == kinds[0] for kind in kinds)


def test_no_demanding_policy_takes_what_no_producer_signed(rows: list[tuple[str, str, Words]]) -> None:
    taken = {(mode, done) for mode, done, (_, demanding, _) in rows if demanding.startswith("accepted")}

    assert {done for _, done in taken} == {Behaviour.HONEST, Behaviour.REPLAYS}
    assert {mode for mode, done in taken if done == Behaviour.REPLAYS} == {MODES[0][0], MODES[-1][0]}

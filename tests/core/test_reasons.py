import re

import pytest

from airgap.core.reasons import ADVICE, Reason
from airgap.core.schema import load
from airgap.core.verdict import Result


def test_every_reason_comes_with_advice() -> None:
    assert ADVICE.keys() == set(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_words_joined_by_hyphens_and_its_advice_one_clause(reason: Reason) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", reason)
    assert reason.value == reason.name.lower().replace("_", "-")
    assert re.fullmatch(r"[a-z].*[^.]", ADVICE[reason])


@pytest.mark.parametrize(
    ("place", "words"),
    [("reason", [*Reason, None]), ("findings", [*Reason, None])],
)
def test_the_schema_of_verdicts_knows_exactly_these_reasons(place: str, words: list[str | None]) -> None:
    rule = load("verdict")["properties"][place]
    said = rule["items"]["properties"]["reason"]["enum"] if place == "findings" else rule["enum"]

    assert said == words


def test_the_schema_of_verdicts_knows_exactly_these_results() -> None:
    finding = load("verdict")["properties"]["findings"]["items"]["properties"]

    assert finding["result"]["enum"] == list(Result)

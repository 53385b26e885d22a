from datetime import timedelta

import pytest

from airgap.core.errors import FormatError
from airgap.core.policy import PRESETS, Demand, OnMissing, Policy, Requirement

FULL = """\
[limits]
entries = 1
bytes = 2
manifest = 1024
step = 4

[freshness]
max_age = "30 days"
clock_behind = "1 hour"
clock_ahead = "1 year"

[names]
refuse = [".git", ".ht*", "InRelease", "[Rr]epodata"]

[[require]]
artifacts = "pkg:pypi/*"
evidence = "publisher"
on_missing = "hold"
approvals = 2

[[require]]
artifacts = "pkg:pypi/special@*"
evidence = "exporter-only"
"""


def refusal(text: str) -> str:
    with pytest.raises(FormatError) as caught:
        Policy.parse(text)
    return caught.value.message


def test_a_policy_says_what_the_file_says() -> None:
    policy = Policy.parse(FULL)

    assert policy.text == FULL
    assert (policy.limits.entries, policy.limits.content, policy.limits.manifest, policy.limits.step) == (1, 2, 1024, 4)
    assert policy.freshness.max_age == timedelta(days=30)
    assert policy.freshness.clock_behind == timedelta(hours=1)
    assert policy.freshness.clock_ahead == timedelta(days=365)
    assert policy.requirements == (
        Requirement("pkg:pypi/*", Demand.PUBLISHER, OnMissing.HOLD, 2),
        Requirement("pkg:pypi/special@*", Demand.EXPORTER_ONLY, OnMissing.REJECT, 0),
    )


def test_an_empty_policy_has_safe_limits_and_demands_nothing() -> None:
    policy = Policy.parse("")

    assert (policy.limits.entries, policy.limits.content) == (1_000_000, 4 * 10**12)
    assert (policy.limits.manifest, policy.limits.step) == (256 * 1024 * 1024, 1000)
    assert (policy.freshness.max_age, policy.freshness.clock_behind) == (None, timedelta(days=1))
    assert policy.freshness.clock_ahead == timedelta(days=730)
    assert (policy.requirements, policy.refused_names) == ((), ())


def test_the_first_rule_that_covers_an_artifact_applies() -> None:
    policy = Policy.parse(FULL)

    assert policy.requirement_for("pkg:pypi/special@1") == policy.requirements[0]
    assert policy.requirement_for("pkg:npm/special@1") is None


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("artifacts/files/.git/config", True),
        ("artifacts/files/.GIT/config", True),
        ("artifacts/files/.gitignore", False),
        ("artifacts/files/x.git", False),
        ("artifacts/files/.htaccess", True),
        ("artifacts/files/.HtPasswd", True),
        ("artifacts/files/inrelease", True),
        ("artifacts/repodata/x", True),
        ("artifacts/files/plain", False),
    ],
)
def test_t020_a_special_name_is_refused_as_a_whole_component_in_any_letter_case(path: str, refused: bool) -> None:
    assert Policy.parse(FULL).is_refused(path) is refused


@pytest.mark.parametrize(
    ("text", "got"),
    [
        pytest.param("[limits", "expected TOML, got a fault: ", id="no TOML"),
        pytest.param("x = 1\nx = 2", "expected TOML, got a fault: ", id="T080 twice"),
        pytest.param("x = " + "[" * 5000, "expected TOML, got a fault: ", id="T084 nested"),
        pytest.param("x = " + "1" * 5000, "expected TOML, got a fault: ", id="T083 5000 digits"),
        pytest.param("extra = 1", "expected additionalProperties false at 'top level'", id="T089"),
        pytest.param("[limits]\nentrys = 1", "expected additionalProperties false at 'limits'", id="misspelt"),
        pytest.param("[limits]\nentries = 0", "expected minimum 1 at 'limits.entries'", id="none"),
        pytest.param("[limits]\nentries = 1.0", "expected type \"integer\" at 'limits.entries'", id="float"),
        pytest.param("[limits]\nentries = inf", "expected type \"integer\" at 'limits.entries'", id="inf"),
        pytest.param("[limits]\nentries = true", "expected type \"integer\" at 'limits.entries'", id="bool"),
        pytest.param("[freshness]\nmax_age = 2026-11-23", "expected type \"string\" at 'freshness.max_age'", id="date"),
        pytest.param('[freshness]\nmax_age = "soon"', "expected pattern", id="no duration"),
        pytest.param('[[require]]\nartifacts = "*"', "expected required", id="no evidence"),
        pytest.param('[[require]]\nartifacts = "*"\nevidence = "any"', "expected enum", id="unknown demand"),
        pytest.param(
            '[require]\nartifacts = "*"\nevidence = "registry"', "expected type \"array\" at 'require'", id="table"
        ),
    ],
)
def test_a_policy_with_a_mistake_is_refused(text: str, got: str) -> None:
    assert refusal(text).startswith(f"policy: {got}")


def test_a_duration_beyond_the_calendar_is_refused() -> None:
    assert refusal('[freshness]\nclock_ahead = "999999 years"').startswith("duration: expected at most 1000 years")


@pytest.mark.parametrize(
    ("preset", "evidence", "on_missing"),
    [
        ("strict", Demand.ANY_SIGNATURE, OnMissing.REJECT),
        ("standard", Demand.ANY_SIGNATURE, OnMissing.ADMIT),
        ("lab", Demand.EXPORTER_ONLY, OnMissing.ADMIT),
    ],
)
def test_every_preset_rules_every_artifact(preset: str, evidence: Demand, on_missing: OnMissing) -> None:
    rule = Policy.parse(PRESETS[preset]).requirement_for("pkg:generic/x")

    assert rule == Requirement("pkg:*", evidence, on_missing, 0)


def test_strict_is_the_strictest_about_age_and_clocks_and_lab_the_most_patient() -> None:
    strict, standard, lab = (Policy.parse(PRESETS[name]).freshness for name in ("strict", "standard", "lab"))

    assert strict.max_age is not None
    assert standard.max_age is lab.max_age is None
    assert strict.clock_behind < standard.clock_behind < lab.clock_behind
    assert strict.clock_ahead < standard.clock_ahead < lab.clock_ahead


def test_strict_keeps_version_control_and_server_files_out_of_views() -> None:
    strict = Policy.parse(PRESETS["strict"])

    assert all(map(strict.is_refused, ("a/.git/x", ".htaccess", ".svn/x", "b/.hg")))

"""Producers' evidence on its whole way: judged at the export, at the import, at every check, and when trust moves."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from airgap.connected.seal import Sealed
from airgap.core.errors import FormatError, StoreError
from airgap.core.policy import PRESETS
from airgap.core.reasons import Reason
from airgap.core.verdict import Finding, Result, Standing
from airgap.isolated.intake import Order, update_trust
from airgap.isolated.query import find, judge
from airgap.isolated.recheck import recheck
from airgap.isolated.report import Report
from airgap.isolated.store.store import Store
from airgap.isolated.trace import trace
from tests.connected.exporting import exported, plant, request
from tests.forge.build import bundle
from tests.forge.keys import ALICE, BOB, key
from tests.forge.producers import (
    CAROL,
    attestation,
    minisig,
    minisign_anchor,
    pem_anchor,
    raw_signature,
)
from tests.forge.site import look_at, make_store, refused, take
from tests.forge.text import NOW
from tests.forge.trust import document, revoked, trust_file

TOOL = b"#!/bin/sh\necho tool\n" * 500
RULE = '[[require]]\nartifacts = "pkg:*"\nevidence = "publisher"\n'


def signed(content: bytes = TOOL, *, name: str = "tool", by: Any = CAROL) -> dict[str, bytes]:
    """An artifact and its producer's signature beside it."""
    return {name: content, f"{name}.sig": raw_signature(content, by=by)}


def sealed(folder: Path, files: Mapping[str, bytes], name: str = "x", **options: Any) -> Sealed:
    return exported(request(plant(folder / f"{name}-files", files)), folder / name, **options)


def site(folder: Path, *anchors: Mapping[str, Any], policy: str | None = None, **more: Any) -> Store:
    trust = trust_file(document(anchors=list(anchors), **more))
    return make_store(folder / "store", trust=trust, policy=policy or PRESETS["standard"])


def about(findings: Sequence[Finding], check: str = "evidence") -> list[Finding]:
    return [finding for finding in findings if finding.check == check and finding.proof]


def checked(store: Store) -> Report:
    return recheck(store, at=NOW, run_id="check")


def against(report: Report) -> list[tuple[str, str | None]]:
    return [(finding.subject, finding.reason) for finding in report.damage]


def test_a_signature_by_a_pinned_key_is_verified_at_every_station(tmp_path: Path) -> None:
    trust = trust_file(document(anchors=[pem_anchor()]))
    done = sealed(tmp_path, signed())
    store = make_store(tmp_path / "store", trust=trust, policy=RULE)

    (looked,) = about(look_at(*done.paths, trust=trust, policy=RULE).verdict.findings)
    (taken,) = about(take(store, *done.paths).verdict.findings)
    report = checked(store)
    (found,) = find(store, "tool")
    (shown,) = judge(store, found, NOW).findings

    for finding in (looked, taken, shown):
        assert (finding.result, finding.subject, finding.kind) == (Result.VERIFIED, "artifacts/files/tool", "raw")
        assert finding.proof is not None
        assert (finding.proof.anchor, finding.proof.vouches) == ("carol", "publisher")
        assert finding.proof.fingerprint == f"sha256:{CAROL.public.key_id}"
        assert finding.proof.covers == f"sha256:{hashlib.sha256(TOOL).hexdigest()}"
        assert finding.proof.document == "documents/files/tool.sig"
    assert report.damage == []
    assert [f.got for f in report.findings if f.check == "evidence"] == [
        "1 artifacts have verified evidence of their producer"
    ]


def test_an_export_refuses_what_its_own_evidence_speaks_against(tmp_path: Path) -> None:
    files = {"tool": TOOL, "tool.intoto.json": attestation(TOOL + b"!", "tool")}

    with pytest.raises(FormatError, match="files/tool: expected") as caught:
        sealed(tmp_path, files, trust=_trust(pem_anchor()))

    assert caught.value.reason is Reason.EVIDENCE_FAILED
    assert sorted(os.listdir(tmp_path)) == ["x-files"]


def _trust(*anchors: Mapping[str, Any]) -> Any:
    from airgap.core.trust import open_trust

    return open_trust(trust_file(document(anchors=list(anchors)))).trust


@pytest.mark.parametrize("container", ["archive", "directory"])
def test_an_artifact_that_was_changed_before_the_exporter_signed_is_refused(tmp_path: Path, container: str) -> None:
    made = bundle(
        {"artifacts/files/good": TOOL, "artifacts/files/tool": TOOL + b"evil"},
        documents={
            "documents/files/good.sig": raw_signature(TOOL),
            "documents/files/tool.sig": raw_signature(TOOL),
        },
        predicate={"container": container},
    )
    path = made.write_directory(tmp_path / "d") if container == "directory" else made.write(tmp_path / "x")
    store = site(tmp_path, pem_anchor())

    finding = refused(store, path)

    assert (finding.reason, finding.subject) == (Reason.EVIDENCE_FAILED, "artifacts/files/tool")
    assert finding.proof is not None
    assert finding.proof.document == "documents/files/tool.sig"


def test_a_substituted_key_is_refused_where_the_site_expects_another(tmp_path: Path) -> None:
    done = sealed(tmp_path, {"tool": TOOL, "tool.minisig": minisig(TOOL, by=key("eve"))})

    for folder in ("1", "2"):
        (tmp_path / folder).mkdir()

    expected = refused(site(tmp_path / "1", minisign_anchor()), *done.paths)
    unexpected = take(site(tmp_path / "2"), *done.paths)

    assert (expected.reason, expected.result) == (Reason.EVIDENCE_UNTRUSTED, Result.UNTRUSTED_KEY)
    assert unexpected.verdict.standing is Standing.ACCEPTED
    (finding,) = about(unexpected.verdict.findings)
    assert (finding.result, finding.reason) == (Result.UNTRUSTED_KEY, None)


def test_an_anchor_vouches_for_nothing_beyond_its_pattern(tmp_path: Path) -> None:
    done = sealed(tmp_path, signed())
    store = site(tmp_path, pem_anchor(artifacts=["pkg:generic/other*"]), policy=RULE)

    finding = refused(store, *done.paths)

    assert finding.reason is Reason.EVIDENCE_UNTRUSTED
    assert finding.subject == "pkg:generic/tool"


@pytest.mark.parametrize(
    ("more", "said", "standing", "reason"),
    [
        ("", None, Standing.REJECTED, Reason.EVIDENCE_MISSING),
        ("", "withheld-by-mirror", Standing.REJECTED, Reason.EVIDENCE_WITHHELD),
        ('on_withheld = "hold"', "withheld-by-mirror", Standing.HELD, Reason.EVIDENCE_WITHHELD),
        ('on_withheld = "hold"', "unsigned-upstream", Standing.REJECTED, Reason.EVIDENCE_MISSING),
        ('on_unsigned = "admit"', "unsigned-upstream", Standing.ACCEPTED, None),
        ('on_unsigned = "admit"', "withheld-by-mirror", Standing.REJECTED, Reason.EVIDENCE_WITHHELD),
        ('on_unsigned = "admit"', None, Standing.REJECTED, Reason.EVIDENCE_MISSING),
    ],
)
def test_evidence_that_was_withheld_and_evidence_that_never_was_are_told_apart(
    tmp_path: Path, more: str, said: str | None, standing: Standing, reason: Reason | None
) -> None:
    folder = plant(tmp_path / "files", {"tool": TOOL})
    source = {"path": ".", **({"without_evidence": said} if said else {})}
    done = exported(request(folder, source), tmp_path / "x")

    verdict = look_at(*done.paths, policy=RULE + more).verdict

    assert (verdict.standing, verdict.reason) == (standing, reason)


def test_a_rule_can_ask_for_more_where_an_agent_chose_the_artifact(tmp_path: Path) -> None:
    policy = (
        '[[require]]\nartifacts = "pkg:*"\ncustody = "agent"\nevidence = "exporter-only"\napprovals = 1\n'
        '[[require]]\nartifacts = "pkg:*"\nevidence = "exporter-only"\n'
    )
    folder = plant(tmp_path / "files", {"tool": TOOL})
    by_agent = request(folder, {"path": ".", "requested_by": "agent:dependency-bot"})

    person = look_at(*exported(request(folder), tmp_path / "a").paths, policy=policy).verdict
    agent = look_at(*exported(by_agent, tmp_path / "b").paths, policy=policy).verdict
    approved = look_at(*exported(by_agent, tmp_path / "c", keys=[ALICE, BOB]).paths, policy=policy).verdict

    assert person.standing is Standing.ACCEPTED
    assert agent.reason is Reason.APPROVALS_MISSING
    assert approved.standing is Standing.ACCEPTED


def test_no_content_is_read_twice_for_its_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = {"sha512": hashlib.sha512(TOOL).hexdigest(), "sha256": hashlib.sha256(TOOL).hexdigest()}
    files = {
        "tool": TOOL,
        "tool.intoto.json": attestation(TOOL, "tool", digests=digests),
        "tool.minisig": minisig(TOOL),
        "tool.sig": raw_signature(TOOL),
        "large": TOOL * 100,
        "large.minisig": minisig(TOOL * 100),
    }
    trust = document(anchors=[pem_anchor(), minisign_anchor()])
    store = make_store(tmp_path / "store", trust=trust_file(trust))

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a digest was computed by reading the content once more")

    monkeypatch.setattr(hashlib, "file_digest", refuse)
    done = sealed(tmp_path, files, trust=_trust(*trust["anchors"]))
    looked = look_at(*done.paths, trust=trust_file(trust)).verdict
    taken = take(store, *done.paths).verdict
    report = checked(store)

    for verdict in (looked, taken):
        assert [finding.result for finding in about(verdict.findings)] == [Result.VERIFIED] * 4
    assert report.damage == []


def test_a_producers_key_that_is_revoked_takes_what_it_signed_out_of_the_views_and_back(tmp_path: Path) -> None:
    done = sealed(tmp_path, {**signed(), "other": b"nobody signed this"})
    store = site(tmp_path, pem_anchor())
    take(store, *done.paths)
    current = Path(store.layout.current)

    _move_trust(store, document(2, anchors=[pem_anchor()], revoked=revoked(keys=CAROL.public.key_id)))
    report = checked(store)

    assert against(report) == [("artifacts/files/tool", Reason.EVIDENCE_REVOKED)]
    assert sorted(os.listdir(current / "files")) == ["other", "tool.sig"]
    assert [item.is_recalled for item in find(store, "tool")] == [True]
    again = checked(store)
    assert against(again) == against(report)
    assert again.recalled == frozenset()
    assert os.path.exists(store.layout.object(hashlib.sha256(TOOL).digest()))

    _move_trust(store, document(3, anchors=[pem_anchor()]))
    assert against(checked(store)) == []
    assert (current / "files/tool").read_bytes() == TOOL
    assert against(checked(store)) == []


def test_an_exporters_key_that_is_revoked_takes_out_what_nobody_else_signed(tmp_path: Path) -> None:
    first = sealed(tmp_path, {"a": b"a", "b": b"b"}, "1", keys=[BOB])
    second = sealed(tmp_path, {"a": b"a", "c": b"c"}, "2", keys=[ALICE, BOB], after=first.paths)
    third = sealed(tmp_path, {"a": b"a"}, "3", keys=[ALICE], after=second.paths)
    store = site(tmp_path)
    for done in (first, second, third):
        take(store, *done.paths)

    _move_trust(store, document(2, revoked=revoked(keys=BOB.public.key_id)))
    report = checked(store)

    assert {item for item in against(report) if item[0].startswith("pkg:")} == {
        ("pkg:generic/b", Reason.TRUST_WITHDRAWN),
        ("pkg:generic/c", Reason.TRUST_WITHDRAWN),
    }
    assert os.listdir(Path(store.layout.current) / "files") == ["a"]

    fourth = sealed(tmp_path, {"b": b"b"}, "4", keys=[ALICE], after=third.paths)
    take(store, *fourth.paths)
    assert sorted(os.listdir(Path(store.layout.current) / "files")) == ["a", "b"]
    assert ("pkg:generic/b", Reason.TRUST_WITHDRAWN) not in against(checked(store))


@pytest.mark.parametrize("what", ["digests", "artifacts"])
def test_a_recall_takes_an_artifact_out_of_the_views(tmp_path: Path, what: str) -> None:
    named = {"digests": hashlib.sha256(TOOL).hexdigest(), "artifacts": "pkg:generic/to*"}[what]
    store = site(tmp_path)
    take(store, *sealed(tmp_path, {"tool": TOOL, "other": b"x"}).paths)

    _move_trust(store, document(2, revoked=revoked(**{what: named})))

    assert against(checked(store)) == [("pkg:generic/tool", Reason.REVOKED_ARTIFACT)]
    assert os.listdir(Path(store.layout.current) / "files") == ["other"]


def test_a_check_reports_what_the_policy_demands_and_today_s_anchors_no_longer_give(tmp_path: Path) -> None:
    store = site(tmp_path, pem_anchor(), policy=RULE)
    take(store, *sealed(tmp_path, signed()).paths)

    _move_trust(store, document(2))
    report = checked(store)

    assert against(report) == [("artifacts/files/tool", Reason.EVIDENCE_UNTRUSTED)]
    assert report.recalled == frozenset()


def test_the_way_of_an_artifact_is_told_with_what_proves_each_hop(tmp_path: Path) -> None:
    folder = plant(tmp_path / "files", signed())
    done = exported(request(folder, {"path": ".", "requested_by": "mirror:cache-1"}), tmp_path / "x")
    store = site(tmp_path, pem_anchor())
    take(store, *done.paths)
    (found,) = find(store, "pkg:generic/tool")

    hops = {hop.kind: hop for hop in trace(store, found, judge(store, found, NOW))}

    assert list(hops) == ["producer", "mirror", "exporter", "importer", "store"]
    assert hops["producer"].proves == ("provenance", "integrity", "accountability")
    assert "anchor carol" in hops["producer"].proof
    assert (hops["mirror"].who, hops["mirror"].proves) == ("cache-1", ())
    assert hops["exporter"].who == "alice"
    assert hops["importer"].at == "2026-11-23T08:00:00Z"
    assert hops["store"].proves == ("integrity",)

    _move_trust(store, document(2, revoked=revoked(keys=ALICE.public.key_id)))
    os.chmod(store.layout.object(found.artifact.sha256), 0o644)
    Path(store.layout.object(found.artifact.sha256)).write_bytes(b"x" * len(TOOL))
    later = {hop.kind: hop for hop in trace(store, found, judge(store, found, NOW))}

    assert later["producer"].proof == "nothing: evidence absent"
    assert later["exporter"].proves == later["store"].proves == ()
    assert "revoked" in later["exporter"].proof
    assert "object-rotten" in later["store"].proof


def test_a_producer_who_signed_another_piece_is_not_told_as_the_producer_of_the_artifact(tmp_path: Path) -> None:
    # an older release and its true signature, carried under names that make them evidence of a substituted file
    older = b"#!/bin/sh\necho older\n"
    decoy = {"tool": TOOL, "tool.att": older, "tool.att.sig": raw_signature(older)}
    store = site(tmp_path, pem_anchor())
    take(store, *sealed(tmp_path, decoy).paths)
    (found,) = find(store, "pkg:generic/tool")

    judged = judge(store, found, NOW)
    producer = next(hop for hop in trace(store, found, judged) if hop.kind == "producer")

    assert Result.VERIFIED in {finding.result for finding in about(judged.findings)}
    assert (producer.who, producer.proves) == ("unknown", ())


def _move_trust(store: Store, value: Mapping[str, Any]) -> None:
    update_trust(store, trust_file(value), Order(at=NOW, run_id="trust", version="1"))


def test_evidence_that_nobody_judges_is_a_check_that_did_not_run(tmp_path: Path) -> None:
    verdict = look_at(*sealed(tmp_path, signed()).paths, evidence=None).verdict

    assert (verdict.standing, verdict.reason) == (Standing.REJECTED, Reason.CHECK_NOT_RUN)


def test_bytes_that_come_again_without_their_evidence_stay_revoked(tmp_path: Path) -> None:
    first = sealed(tmp_path, signed(), "1")
    again = sealed(tmp_path, {"tool": TOOL, "new": b"new"}, "2", after=first.paths)
    store = site(tmp_path, pem_anchor())
    take(store, *first.paths)
    _move_trust(store, document(2, anchors=[pem_anchor()], revoked=revoked(keys=CAROL.public.key_id)))
    take(store, *again.paths)

    assert against(checked(store)) == [("artifacts/files/tool", Reason.EVIDENCE_REVOKED)]
    assert "tool" not in os.listdir(Path(store.layout.current) / "files")


def test_a_bundle_that_is_here_gets_no_receipt_for_what_was_recalled_since(tmp_path: Path) -> None:
    done = sealed(tmp_path, {"tool": TOOL})
    store = site(tmp_path)
    take(store, *done.paths)
    _move_trust(store, document(2, revoked=revoked(artifacts="pkg:generic/tool")))

    assert refused(store, *done.paths).reason is Reason.REVOKED_ARTIFACT


def test_a_document_whose_digest_is_recalled_goes_out_of_the_views(tmp_path: Path) -> None:
    store = site(tmp_path, pem_anchor())
    take(store, *sealed(tmp_path, signed()).paths)
    _move_trust(
        store,
        document(2, anchors=[pem_anchor()], revoked=revoked(digests=hashlib.sha256(raw_signature(TOOL)).hexdigest())),
    )

    assert against(checked(store))[0] == ("documents/files/tool.sig", Reason.REVOKED_ARTIFACT)
    assert os.listdir(Path(store.layout.current) / "files") == ["tool"]


def test_a_full_temporary_folder_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> NoReturn:
        raise OSError(28, "No space left on device")

    done = sealed(tmp_path, signed())
    monkeypatch.setattr("airgap.bundle.spool.open", full, raising=False)
    with pytest.raises(StoreError, match="temporary folder: expected room"):
        look_at(*done.paths)


def test_a_bundle_that_is_here_is_told_so_while_only_others_were_recalled(tmp_path: Path) -> None:
    done = sealed(tmp_path, {"tool": TOOL, "other": b"x"})
    store = site(tmp_path)
    take(store, *done.paths)
    _move_trust(store, document(2, revoked=revoked(artifacts="pkg:generic/nothing-here")))

    assert take(store, *done.paths).verdict.standing is Standing.ACCEPTED


def test_other_bytes_under_the_name_owe_nothing_to_what_was_recalled(tmp_path: Path) -> None:
    first = sealed(tmp_path, signed(), "1")
    new = {"tool": b"rewritten", "tool.sig": raw_signature(b"rewritten")}
    second = sealed(tmp_path, new, "2", after=first.paths)
    third = sealed(tmp_path, {"tool": b"unsigned"}, "3", after=second.paths)
    store = site(tmp_path)
    take(store, *first.paths)
    digest = hashlib.sha256(raw_signature(TOOL)).hexdigest()
    _move_trust(store, document(2, revoked=revoked(digests=digest)))
    for done in (second, third):
        take(store, *done.paths)
        report = checked(store)
        assert (Path(store.layout.current) / "files/tool").read_bytes() in {b"rewritten", b"unsigned"}
        assert [item for item in against(report) if item[0].startswith("artifacts/")] == []


@pytest.mark.parametrize(
    ("more", "reasons"),
    [
        ("", [Reason.EVIDENCE_WITHHELD, Reason.EVIDENCE_MISSING]),
        ('on_withheld = "admit"', [Reason.EVIDENCE_MISSING]),
        ('on_missing = "admit"', []),
    ],
)
def test_a_policy_that_has_come_to_demand_evidence_finds_what_came_without(
    tmp_path: Path, more: str, reasons: list[Reason]
) -> None:
    plant(tmp_path / "in", {"hidden/h": b"h", "plain/p": b"p", "plain/again": b"1"})
    hidden = {"path": "hidden", "without_evidence": "withheld-by-mirror"}
    first = exported(request(tmp_path / "in", hidden, {"path": "plain"}), tmp_path / "1")
    second = sealed(tmp_path, {**signed(b"2", name="again")}, "2", after=first.paths)
    store = site(tmp_path, pem_anchor())
    for done in (first, second):
        take(store, *done.paths)
    assert checked(store).damage == []

    Path(store.layout.policy).write_text(f"{RULE}{more}\n")
    report = checked(store)

    assert against(report) == list(
        zip(["artifacts/files/h", "artifacts/files/p"][-len(reasons) or 2 :], reasons, strict=True)
    )
    assert report.recalled == frozenset()

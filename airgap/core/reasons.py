"""Reason codes: one per rejection, stable, documented, the same words in JSON and in text."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a bundle was rejected, a run stopped, or an object is reported."""

    # the container
    NOT_A_BUNDLE = "not-a-bundle"
    UNSUPPORTED_VERSION = "unsupported-version"
    UNREADABLE = "unreadable"
    WRONG_SIZE = "wrong-size"
    VOLUME_MISSING = "volume-missing"
    TOO_LARGE = "too-large"
    MALFORMED = "malformed"
    # who signed
    UNSIGNED = "unsigned"
    UNKNOWN_SIGNER = "unknown-signer"
    BAD_SIGNATURE = "bad-signature"
    WEAK_KEY = "weak-key"
    INCOMPLETE_SIGNER = "incomplete-signer"
    THRESHOLD = "threshold"
    REVOKED_KEY = "revoked-key"
    SIGNER_NOT_VALID = "signer-not-valid"
    TRUST_UPDATE = "trust-update"
    TRUST_EXPIRED = "trust-expired"
    # where and when
    WRONG_CHANNEL = "wrong-channel"
    WRONG_DESTINATION = "wrong-destination"
    EXPIRED = "expired"
    TOO_OLD = "too-old"
    ROLLBACK = "rollback"
    FORK = "fork"
    GAP = "gap"
    FAST_FORWARD = "fast-forward"
    CLOCK_BEHIND = "clock-behind"
    CLOCK_AHEAD = "clock-ahead"
    # what it says
    MANIFEST_MISMATCH = "manifest-mismatch"
    BAD_NAME = "bad-name"
    NAME_CLASH = "name-clash"
    BAD_TOTALS = "bad-totals"
    OUT_OF_SCOPE = "out-of-scope"
    REVOKED_ARTIFACT = "revoked-artifact"
    # what it holds
    FRAME_DAMAGED = "frame-damaged"
    FILLER_MISMATCH = "filler-mismatch"
    CONTENT_MISMATCH = "content-mismatch"
    UNDECLARED_FILE = "undeclared-file"
    BASE_MISSING = "base-missing"
    # what the policy demands
    EVIDENCE_FAILED = "evidence-failed"
    EVIDENCE_UNTRUSTED = "evidence-untrusted"
    EVIDENCE_REVOKED = "evidence-revoked"
    EVIDENCE_EXPIRED = "evidence-expired"
    EVIDENCE_WEAK = "evidence-weak"
    EVIDENCE_UNSUPPORTED = "evidence-unsupported"
    EVIDENCE_WITHHELD = "evidence-withheld"
    EVIDENCE_MISSING = "evidence-missing"
    APPROVALS_MISSING = "approvals-missing"
    CHECK_NOT_RUN = "check-not-run"
    # what a check of the store finds
    OBJECT_MISSING = "object-missing"
    OBJECT_TRUNCATED = "object-truncated"
    OBJECT_ROTTEN = "object-rotten"
    OBJECT_CHANGED = "object-changed"
    WRONG_MODE = "wrong-mode"
    EXTRA_FILE = "extra-file"
    VIEW_MISMATCH = "view-mismatch"
    TRUST_WITHDRAWN = "trust-withdrawn"
    INDEX_DRIFT = "index-drift"
    HISTORY_BROKEN = "history-broken"
    # what comes back from a site
    RECEIPT_INCONSISTENT = "receipt-inconsistent"


ADVICE: dict[Reason, str] = {
    Reason.NOT_A_BUNDLE: "this file was not written by airgap export; check which file you carried",
    Reason.UNSUPPORTED_VERSION: "written by a newer airgap; bring the newer program across first",
    Reason.UNREADABLE: "the medium could not be read; copy the bundle again",
    Reason.WRONG_SIZE: "the file was cut or grew on the way; copy it again",
    Reason.VOLUME_MISSING: "find the named volume and import again with all of them",
    Reason.TOO_LARGE: "the bundle exceeds a limit; raise it in the site's policy if that is intended",
    Reason.MALFORMED: "the bundle breaks the format; copy it again, and ask the exporter if it happens twice",
    Reason.UNSIGNED: "the exporter has to sign: airgap sign BUNDLE --key KEY",
    Reason.UNKNOWN_SIGNER: "no signer of the trust document made this signature; do not import, ask the exporter",
    Reason.BAD_SIGNATURE: "the bundle was changed after it was signed; do not import, copy it again",
    Reason.WEAK_KEY: "the key accepts forged signatures; have it replaced",
    Reason.INCOMPLETE_SIGNER: "all keys of a signer have to sign; sign again with the signer's whole key file",
    Reason.THRESHOLD: "another signer of the channel has to add a signature: airgap sign BUNDLE --key KEY",
    Reason.REVOKED_KEY: "the key was withdrawn; have the bundle made again with a valid key",
    Reason.SIGNER_NOT_VALID: "the signer's time has not come or is over; update the trust document",
    Reason.TRUST_UPDATE: "the trust update does not follow from the pinned document; nothing was changed",
    Reason.TRUST_EXPIRED: "bring a newer trust document: airgap trust update NEW --store STORE",
    Reason.WRONG_CHANNEL: "the trust document knows no such channel",
    Reason.WRONG_DESTINATION: "the bundle was made for another site",
    Reason.EXPIRED: "have the bundle exported again",
    Reason.TOO_OLD: "the policy wants younger bundles; have it exported again",
    Reason.ROLLBACK: "a newer bundle of this channel is here already",
    Reason.FORK: "two different bundles carry one sequence number; export with --after LAST-BUNDLE",
    Reason.GAP: "import the bundles in between first, or say --allow-gap REASON",
    Reason.FAST_FORWARD: "the sequence jumps further than the policy allows; ask the exporter",
    Reason.CLOCK_BEHIND: "set this machine's clock: it is behind a time that was signed",
    Reason.CLOCK_AHEAD: "set this machine's clock: it is far ahead of the last time that was signed",
    Reason.MANIFEST_MISMATCH: "the manifest is not the one that was signed; copy the bundle again",
    Reason.BAD_NAME: "a name in the bundle is not safe on every system; the exporter has to rename it",
    Reason.NAME_CLASH: "two names fall together; the exporter has to rename one",
    Reason.BAD_TOTALS: "the manifest contradicts itself; ask the exporter",
    Reason.OUT_OF_SCOPE: "this channel may not carry that artifact; change the trust document or the channel",
    Reason.REVOKED_ARTIFACT: "the artifact was recalled; have the bundle made again without it",
    Reason.FRAME_DAMAGED: "the named part is damaged; copy that volume again",
    Reason.FILLER_MISMATCH: "bytes between the entries were changed; copy the bundle again",
    Reason.CONTENT_MISMATCH: "the named entry is not what was signed; copy the bundle again",
    Reason.UNDECLARED_FILE: "remove the file that the manifest does not name, or copy the bundle again",
    Reason.BASE_MISSING: "import the bundle that this delta stands on first, or ask for what was lost: airgap request",
    Reason.EVIDENCE_FAILED: "the producer's signature does not hold for these bytes; do not use them, ask the producer",
    Reason.EVIDENCE_UNTRUSTED: "signed by a key that no anchor pins; compare its fingerprint, then airgap trust anchor add",
    Reason.EVIDENCE_REVOKED: "the producer's key was withdrawn; get the artifact again, signed by a good key",
    Reason.EVIDENCE_EXPIRED: "the producer's key was over when it signed; get a newer certificate or signature",
    Reason.EVIDENCE_WEAK: "the signature uses an algorithm that can be forged; get another one",
    Reason.EVIDENCE_UNSUPPORTED: "no verifier knows this kind of evidence; supply another kind at the export",
    Reason.EVIDENCE_WITHHELD: "the mirror hides the producer's signature; get it elsewhere and name it at the export",
    Reason.EVIDENCE_MISSING: "the policy wants the producer's own signature; supply it at the export",
    Reason.APPROVALS_MISSING: "a further signer has to approve: airgap sign BUNDLE --key KEY",
    Reason.CHECK_NOT_RUN: "a required check did not run; this is a defect, please report it",
    Reason.OBJECT_MISSING: "import the bundle that brought it again",
    Reason.OBJECT_TRUNCATED: "it is in quarantine; import the bundle that brought it again",
    Reason.OBJECT_ROTTEN: "it is in quarantine; look at the disk, then import the bundle that brought it again",
    Reason.OBJECT_CHANGED: "somebody wrote to it; find out who, then import the bundle that brought it again",
    Reason.WRONG_MODE: "set the mode back; somebody or something changed it",
    Reason.EXTRA_FILE: "nobody signed this file; find out where it came from and remove it",
    Reason.VIEW_MISMATCH: "the view differs from what was admitted; import any bundle to publish it anew",
    Reason.TRUST_WITHDRAWN: "out of the views unless others signed it; have it exported again by people who are trusted",
    Reason.INDEX_DRIFT: "run airgap recover --store STORE",
    Reason.HISTORY_BROKEN: "the ledger was edited or lost records; compare with the last receipt",
    Reason.RECEIPT_INCONSISTENT: "the site's history was rewritten or rolled back; export nothing until it is known why",
}

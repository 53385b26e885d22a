"""airgap sign."""

from airgap.cli.options import Bundles, Json, Keys


def sign(bundle: Bundles, key: Keys = None, json: Json = False) -> None:
    """Add one more signature to a bundle, in place, after its content was compared with its manifest.

    Example: airgap sign monday.airgap --key bob.key.pem
    """
    from airgap.bundle.claims import check_claims
    from airgap.bundle.countersign import countersign
    from airgap.cli import inputs, reports
    from airgap.cli.terminal import progress
    from airgap.core.errors import FormatError

    keys = inputs.private_keys(key or [])
    with progress("reading", None) as tell:
        claims, findings = check_claims(bundle, progress=tell)
    wrong = next((finding for finding in findings if finding.reason is not None), None)
    if wrong is not None and wrong.reason is not None:
        raise FormatError(f"{wrong.subject}: expected {wrong.expected}, got {wrong.got}", reason=wrong.reason)
    envelope = countersign(bundle, keys)
    reports.signed(claims.statement, envelope, is_json=json)

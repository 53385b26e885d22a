"""airgap verify."""

from typing import Annotated

import typer

from airgap.cli.options import Bundles, Json


def verify(
    bundle: Bundles,
    trust: Annotated[str, typer.Option(help="The trust document that you pinned.", metavar="TRUST")],
    policy: Annotated[str, typer.Option(help="strict, standard, lab or a policy file.", metavar="POLICY")] = "standard",
    json: Json = False,
) -> int:
    """Make the whole argument about a bundle: signatures, manifest, every frame, every entry. Nothing is written.

    Example: airgap verify monday.airgap --trust trust.json
    """
    import time

    from airgap.bundle.argument import examine
    from airgap.bundle.rules import Asker
    from airgap.cli import inputs, reports
    from airgap.cli.exits import exit_of_verdict
    from airgap.cli.terminal import progress
    from airgap.core.policy import Policy
    from airgap.evidence.prove import Prover

    start = time.monotonic()
    asker = Asker(
        trust=inputs.pinned_trust(trust),
        policy=Policy.parse(inputs.policy_text(policy)),
        at=inputs.now(),
        evidence=Prover,
    )
    with progress("verify", None) as tell:
        examined = examine(bundle, asker, progress=tell)
    reports.verdict(examined, seconds=time.monotonic() - start, is_json=json)
    return exit_of_verdict(examined.verdict)

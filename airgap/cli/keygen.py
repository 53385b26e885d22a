"""airgap keygen."""

from typing import Annotated

import typer

from airgap.cli.options import Json


def keygen(
    name: Annotated[str, typer.Argument(help="Name of the person or machine.", metavar="NAME")],
    out: Annotated[str, typer.Option("-o", "--out", help="Folder for both files.", metavar="DIR")] = ".",
    algorithm: Annotated[
        str,
        typer.Option(help="hybrid (Ed25519 and ML-DSA-65), ed25519, ecdsa-p256, ecdsa-p384, ml-dsa-65 or ml-dsa-87."),
    ] = "hybrid",
    no_passphrase: Annotated[bool, typer.Option("--no-passphrase", help="Leave the private key unencrypted.")] = False,
    json: Json = False,
) -> None:
    """Make a key pair: NAME.key.pem (private, mode 0600) and NAME.pub.pem.

    Example: airgap keygen alice --no-passphrase
    """
    import os

    from airgap.cli import inputs
    from airgap.cli.terminal import emit, say
    from airgap.core.errors import UsageError
    from airgap.core.keys import HYBRID, Algorithm, generate

    inputs.check_name(name, what="name")
    if algorithm != "hybrid" and algorithm not in set(Algorithm):
        raise UsageError(f"--algorithm: expected hybrid, {', '.join(Algorithm)}, got {algorithm!a:.40}")
    wanted = HYBRID if algorithm == "hybrid" else (Algorithm(algorithm),)
    phrase = None if no_passphrase else inputs.passphrase(confirm=True)
    keys = [generate(kind, inputs.entropy()) for kind in wanted]
    private, public = (os.path.join(out, f"{name}.{half}.pem") for half in ("key", "pub"))
    inputs.refuse_taken(public)
    inputs.write_new(private, b"".join(key.pem(phrase) for key in keys), mode=0o600)
    inputs.write_new(public, b"".join(key.public.pem for key in keys))
    ids = [key.public.key_id for key in keys]
    if json:
        emit({"name": name, "private": private, "public": public, "algorithms": list(wanted), "keyIds": ids})
        return
    say(f"private key  {private}  (keep it to yourself)")
    say(f"public key   {public}")
    for kind, key_id in zip(wanted, ids, strict=True):
        say(f"key id       {key_id}  {kind}")

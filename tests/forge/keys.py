"""Fixed keys: a name and an algorithm always give the same one."""

from hashlib import sha512

from airgap.core.keys import HYBRID, Algorithm, PrivateKey, generate


def key(name: str, algorithm: Algorithm = Algorithm.ED25519) -> PrivateKey:
    return generate(algorithm, sha512(f"{name} {algorithm}".encode()).digest())


def hybrid(name: str) -> tuple[PrivateKey, ...]:
    return tuple(key(name, algorithm) for algorithm in HYBRID)


ROOT = key("root")
ALICE = key("alice")
BOB = key("bob")
MALLORY = key("mallory")

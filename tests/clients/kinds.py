"""Every kind of signature that there is a verifier for, and a site that pins a producer for each of them."""

from collections.abc import Sequence
from typing import Final

from tests.clients.kind import Kind
from tests.clients.kinds_openpgp import DEBIAN, OPENPGP
from tests.clients.kinds_plain import PLAIN
from tests.clients.kinds_sigstore import SIGSTORE

KINDS: Final[Sequence[Kind]] = [*OPENPGP, *PLAIN, *SIGSTORE, *DEBIAN]

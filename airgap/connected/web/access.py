"""How one ecosystem's indexes are reached: which certificates count, and who gets which credentials."""

from collections.abc import Callable
from dataclasses import dataclass, field


def _nobody(_: str) -> None:
    """No credentials for any URL."""


@dataclass(frozen=True, slots=True)
class Access:
    """What the configuration of the ecosystem's own client says.

    Attributes:
        cafile: certificate authorities in PEM that replace the system's; None for the system's.
        authorization: the value of the Authorization header for one URL, None for none. It is asked again for every
            hop of a redirect, with a URL that has neither user name nor fragment.
        proxy: URL of the proxy for all of them; None for what the environment says.
    """

    cafile: str | None = None
    authorization: Callable[[str], str | None] = _nobody
    proxy: str | None = field(default=None, repr=False)

"""QR codes for a terminal: what people would otherwise have to read to each other, digit by digit."""

from itertools import zip_longest

from airgap.core.errors import UsageError

_QUIET = 4
"""Light modules around the code (ISO/IEC 18004, 6.3.8)."""
_HALVES = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
"""Upper and lower module, dark or not. Light is what the terminal draws: most terminals have a dark background."""


def qr_text(text: str) -> str:
    """A QR code in lines of block characters, two modules to a line, readable on a dark background.

    Raises:
        UsageError: the package that draws it is not installed, or the text is too long for one code.
    """
    try:
        import segno
    except ImportError as exc:
        raise UsageError(
            "--qr: expected the package segno, which draws the code, got none", hint="pip install 'airgap[qr]'"
        ) from exc
    try:
        code = segno.make_qr(text, error="m")
    except segno.DataOverflowError as exc:
        raise UsageError(f"--qr: expected what fits into one QR code, got {len(text)} characters") from exc
    rows = [[bool(module) for module in row] for row in code.matrix_iter(border=_QUIET)]
    blank = [False] * len(rows[0])
    return "\n".join(
        "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip_longest(rows[::2], rows[1::2], fillvalue=blank)
    )

import builtins
from typing import Any

import pytest
import segno

from airgap.cli.qr import qr_text
from airgap.core.errors import UsageError

TEXT = "3ddb 91a9 239c e31f 415d 31b2 9042 48b5 d376 5de9"
DARK = {"█": (False, False), "▀": (False, True), "▄": (True, False), " ": (True, True)}


def modules(text: str) -> list[list[bool]]:
    """The rows of a code, read back from the characters."""
    rows: list[list[bool]] = []
    for line in text.splitlines():
        rows += [[DARK[c][half] for c in line] for half in (0, 1)]
    return rows


@pytest.mark.parametrize("text", [TEXT, "0", "ä", "x" * 2000])
def test_the_characters_draw_the_code_with_its_quiet_zone(text: str) -> None:
    code = [[bool(module) for module in row] for row in segno.make_qr(text, error="m").matrix_iter(border=4)]
    drawn = modules(qr_text(text))

    assert drawn[: len(code)] == code
    assert not any(map(any, drawn[len(code) :]))
    assert not any(any(row) for row in drawn[:4])


def test_a_text_that_fits_no_code_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        qr_text("x" * 3000)
    assert caught.value.message == "--qr: expected what fits into one QR code, got 3000 characters"


def test_where_the_drawing_package_is_missing_the_run_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "segno":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError) as caught:
        qr_text(TEXT)
    assert caught.value.hint == "pip install 'airgap[qr]'"

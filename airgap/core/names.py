"""Names that are safe on every file system they may meet, and sets of names that stay distinct there."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from airgap.core.errors import FormatError
from airgap.core.reasons import Reason

MAX_COMPONENT: Final = 255
MAX_PATH: Final = 1024
MAX_DEPTH: Final = 32

# One pass for the common case. What it does not accept is judged rule by rule below; a property test holds both to the
# same verdict. It is ASCII only, so characters are bytes.
_PLAIN_COMPONENT = (
    r"(?!(?i:con|prn|aux|nul|com[0-9]|lpt[0-9]) *(?:[./]|$))(?!\.{1,2}(?:/|$))"
    r"[A-Za-z0-9@+_=,()\[\].-][A-Za-z0-9@+_=,()\[\] .-]{0,254}(?<![ .])"
)
_PLAIN = re.compile(rf"(?:{_PLAIN_COMPONENT}/){{0,31}}{_PLAIN_COMPONENT}")

# blanks before the first dot do not count: "nul .txt" is the device, too
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE)
_SHORT_NAME = re.compile(r"(?=[^.]{1,8}(?:\.|$))[^.]{1,6}~[0-9]{1,6}(?:\.[^.]{0,3})?")
_TOKEN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
# Cc controls, Cf formats and bidi overrides, Cs surrogates, Co private use, Cn noncharacters, Zl/Zp line breaks
_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Default_Ignorable_Code_Point that are not Cf: they draw nothing, so two names can look and sort alike (T013)
_IGNORABLE: Final = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0}
    | {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
)


def check_path(path: str) -> None:
    """Prove that a path is relative, plain and portable.

    Source: threats T001-T017: no traversal, no absolute or doubled slash, no drive or stream colon, no backslash, no
    control or invisible character, NFC, no device name, component <= 255 bytes, path <= 1024 bytes, depth <= 32.

    Raises:
        FormatError: with reason bad-name, naming the rule.
    """
    if len(path) <= MAX_PATH and _PLAIN.fullmatch(path):
        return
    wrong = _path_fault(path)
    if wrong:
        raise FormatError(f"name {path!a:.120}: expected a portable relative path, got {wrong}", reason=Reason.BAD_NAME)


def check_token(text: str, *, what: str) -> None:
    """Prove that a name of a channel, site or signer is 1-64 of ``a-z 0-9 . _ -`` (T022).

    Raises:
        FormatError: with reason bad-name.
    """
    if not _TOKEN.fullmatch(text) or ".." in text:
        raise FormatError(f"{what}: expected 1 to 64 of a-z 0-9 . _ -, got {text!a:.80}", reason=Reason.BAD_NAME)


def fold(path: str) -> str:
    """The key under which two names fall together on some file system.

    Source: Unicode 15.0, D145 (canonical caseless matching).
    """
    if path.isascii():
        lower = path.lower()
        return path if lower == path else lower  # most names fold to themselves; 100,000 copies are 8 MB
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def check_distinct(paths: Iterable[str]) -> None:
    """Prove that no two paths fall together and none is a folder of another (T011, T012, T018, T019).

    Raises:
        FormatError: with reason name-clash, naming both.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        key = fold(path)
        if key in files:
            raise _clash(files[key], path)
        files[key] = path
        _note_folders(path, folders)
    for key, folder in folders.items():
        if key in files:
            raise _clash(files[key], folder + "/")


def _note_folders(path: str, folders: dict[str, str]) -> None:
    """Record every folder above ``path``; stops at the first that is known in the same spelling."""
    folder = path.rpartition("/")[0]
    while folder:
        key = fold(folder)
        known = folders.setdefault(key, folder)
        if known != folder:
            raise _clash(known + "/", folder + "/")
        parent = folder.rpartition("/")[0]
        if parent and folders.get(fold(parent)) == parent:
            return
        folder = parent


def _clash(one: str, other: str) -> FormatError:
    return FormatError(
        f"name {other!a:.120}: expected a name apart from all others, got one that falls together with {one!a:.120}",
        reason=Reason.NAME_CLASH,
    )


def _path_fault(path: str) -> str | None:
    """What is wrong with a path, or None."""
    fault = _character_fault(path)
    if fault:
        return fault
    if len(path.encode()) > MAX_PATH:
        return f"more than {MAX_PATH} bytes"
    components = path.split("/")
    if len(components) > MAX_DEPTH:
        return f"more than {MAX_DEPTH} levels"
    return next((fault for c in components if (fault := _component_fault(c))), None)


def _character_fault(path: str) -> str | None:
    for character in path:
        code = ord(character)
        if code < 0x20 or 0x7F <= code < 0xA0:
            return f"the control character U+{code:04X}"
        if character in "\\:":
            return f"the character {character!a}"
        if code > 0x7F and (unicodedata.category(character) in _UNSAFE_CATEGORIES or code in _IGNORABLE):
            return f"the invisible or unassigned character U+{code:04X}"
    if not unicodedata.is_normalized("NFC", path):
        return "text that is not in Unicode normal form C"
    return None


def _component_fault(component: str) -> str | None:
    if component in {"", ".", ".."}:
        return "an empty, '.' or '..' component"
    if len(component.encode()) > MAX_COMPONENT:
        return f"a component of more than {MAX_COMPONENT} bytes"
    if component[-1] in ". " or component[0] in "~ ":
        return "a component that begins with '~' or blank, or ends with '.' or blank"
    if _DEVICE.fullmatch(component):
        return "a reserved device name"
    if _SHORT_NAME.fullmatch(component):
        return "a look-alike of an 8.3 short name"
    return None

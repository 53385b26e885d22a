"""File names of Python distributions."""

import re
from typing import Final

from airgap.core.errors import FormatError

_SDIST: Final = (".tar.gz", ".zip")
_WHEEL: Final = ".whl"
_SEPARATORS: Final = re.compile(r"[-_.]+")


def parse_file_name(name: str) -> tuple[str, ...]:
    """What the name of a distribution says: project, version, and for a wheel its build and tags.

    The project's name is folded as PEP 503 says, so that an old file name and a new one of the same project are the same;
    nothing else is, so that two versions or platforms never are. Names that differ only in how a version is spelled are
    taken to be different.

    Source: binary distribution format, "File name convention"; source distribution format, "Source distribution file name".

    Raises:
        FormatError: it is no name of a wheel or source distribution.
    """
    for suffix in (_WHEEL, *_SDIST):
        if not name.endswith(suffix):
            continue
        stem = name.removesuffix(suffix)
        # the last hyphen of a source distribution parts name and version; a wheel has five or six parts
        parts = stem.split("-") if suffix == _WHEEL else stem.rsplit("-", 1)
        is_wheel = suffix == _WHEEL and len(parts) in {5, 6}
        if all(parts) and name.isascii() and "/" not in name and (is_wheel or (suffix != _WHEEL and len(parts) == 2)):
            tags = tuple(".".join(sorted(part.split("."))) for part in parts[-3:]) if is_wheel else ()
            return (suffix, _SEPARATORS.sub("-", parts[0]).lower(), *parts[1 : len(parts) - len(tags)], *tags)
    raise FormatError(f"file name: expected one of a wheel or source distribution, got {name!a:.120}")

"""Versions of Python packages, in the one spelling that package URLs have.

Source: version specifiers of packaging.python.org (PEP 440), "Normalization" and "Appendix: Parsing version strings".
"""

import re
from typing import Final

_LONGEST: Final = 200
# possessive where two parts could take the same characters: linear in hostile text
_VERSION: Final = re.compile(
    r"""v?
    (?:(?P<epoch>[0-9]++)!)?
    (?P<release>[0-9]++(?:\.[0-9]++)*+)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>[0-9]*+))?
    (?:-(?P<implicit>[0-9]++)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_number>[0-9]*+))?
    (?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_number>[0-9]*+))?
    (?:\+(?P<local>[a-z0-9]++(?:[-_.][a-z0-9]++)*+))?""",
    re.VERBOSE,
)
_PHASES: Final = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
_SEPARATORS: Final = re.compile(r"[-_.]")


def normalise(version: str) -> str | None:
    """The normalised spelling of a version; None for what is none, or longer than any."""
    found = _VERSION.fullmatch(version.lower()) if version.isascii() and len(version) <= _LONGEST else None
    if found is None:
        return None
    epoch = _number(found["epoch"] or "")
    text = f"{epoch}!" if epoch != "0" else ""
    text += ".".join(map(_number, found["release"].split(".")))
    if found["pre"]:
        text += _PHASES.get(found["pre"], found["pre"]) + _number(found["pre_number"])
    if found["post"] or found["implicit"]:
        text += ".post" + _number(found["implicit"] or found["post_number"])
    if found["dev"]:
        text += ".dev" + _number(found["dev_number"])
    if found["local"]:
        text += "+" + ".".join(_number(part) if part.isdecimal() else part for part in _SEPARATORS.split(found["local"]))
    return text


def _number(digits: str) -> str:
    return digits.lstrip("0") or "0"

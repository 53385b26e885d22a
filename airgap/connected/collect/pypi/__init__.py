"""Python packages: from requirements and locks to files of the index that pip is configured with.

The way: ``pip_configuration`` (where from) -> ``ask`` (which releases, by ``requirements_text``, ``pylock``,
``resolver``) -> ``index`` (what is offered) -> ``choose`` (which file for which ``target``) -> ``carry`` (with which
digests) -> ``provenance`` (proven by what) -> ``resolved`` (downloaded and verified).
"""

from airgap.connected.collect.pypi.resolved import ResolvedPypi, resolve_pypi

__all__ = ["ResolvedPypi", "resolve_pypi"]

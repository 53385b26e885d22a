"""npm: lock files of npm, pnpm and yarn become tarballs, what their registry says about them, and evidence."""

from airgap.connected.collect.npm.resolved import Resolved, resolve_npm

__all__ = ["Resolved", "resolve_npm"]

"""Sigstore bundles below their verifiers: trusted roots, certificates of Fulcio, transparency logs, identities."""

"""X.509 below its verifiers: chains, revocation lists, CMS SignedData, timestamps, and what anchors say of them."""

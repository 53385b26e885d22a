"""OpenPGP below its verifier: packets, certificates, the lenient tier, and how one signature becomes one finding."""

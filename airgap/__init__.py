"""Carry software across an air gap with its signatures, and verify it again where it is used."""

__version__ = "0.1.0"

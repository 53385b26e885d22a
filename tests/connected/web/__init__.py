"""Tests of downloads, and the server on this machine that they talk to."""

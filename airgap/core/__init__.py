"""Values and rules: no disk, no clock, no environment, no randomness, no network."""

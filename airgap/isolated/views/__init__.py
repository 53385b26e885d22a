"""One tree per ecosystem that the real client installs from."""

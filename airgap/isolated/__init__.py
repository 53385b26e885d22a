"""The importing side: open, verify, admit, store, views, recheck. Never a network."""

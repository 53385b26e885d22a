"""The local repository on disk: objects, generations, ledger, index."""

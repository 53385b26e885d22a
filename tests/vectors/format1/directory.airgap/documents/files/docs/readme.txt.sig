no signature that this version verifies

"""Evidence: the producers' own signatures, verified anew wherever it matters. One file per format."""

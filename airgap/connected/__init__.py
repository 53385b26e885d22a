"""The exporting side: request, collect, manifest, seal."""

"""A second reader of the format, written from docs/format.md, held against the program's own."""

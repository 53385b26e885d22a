"""The one thing that crosses: head, frames, tar stream, volumes, directory form."""

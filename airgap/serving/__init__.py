"""Hands out the views of a store over HTTP: the only part of the isolated side that opens a socket, to listen on."""

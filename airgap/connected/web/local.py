"""What a ``file:`` URL answers: pip may be told to use an index on disk."""

import errno
import os
import stat

from airgap.connected.web.address import path_of
from airgap.connected.web.fault import Fault
from airgap.connected.web.reply import Reply


def open_local(url: str) -> Reply:
    """Open a file, or the index.html of a folder, as if a server had answered.

    Raises:
        Fault: it is there and cannot be read, or is no regular file.
    """
    path = path_of(url)
    try:
        if os.path.isdir(path):
            path = os.path.join(path, "index.html")
        # without waiting: a named pipe would never answer
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as exc:
        if exc.errno in {errno.ENOENT, errno.ENOTDIR}:
            return Reply(url, 404, {}, lambda _: b"", lambda: None)
        raise Fault(os.strerror(exc.errno or 0).lower()) from exc
    return _reply(url, path, fd)


def _reply(url: str, path: str, fd: int) -> Reply:
    file = os.fdopen(fd, "rb", buffering=0)
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise Fault("something that is no regular file")

    def read(size: int) -> bytes:
        try:
            return file.read(size) or b""
        except OSError as exc:
            raise Fault(os.strerror(exc.errno or 0).lower()) from exc

    kind = "text/html" if path.endswith((".html", ".htm")) else "application/octet-stream"
    return Reply(url, 200, {"content-length": str(status.st_size), "content-type": kind}, read, file.close)

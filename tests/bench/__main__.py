"""Run the peers beside this program on the same files: ``python -m tests.bench FOLDER``.

Every row is preceded by the yardstick on the same corpus: every file read once and hashed by ``openssl dgst -sha256`` on
one core. Neighbours on a machine move seconds by a factor of two, so rows are compared by "x yard", the row's wall time
over the wall time of its own yardstick. Imports and exports end with a sync of the file system, included in their time.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import NamedTuple

from tests.bench.corpora import BUILDERS, build
from tests.bench.peers import KEYS, PEERS, Peer

YARD = 'cd "$S" && find . -type f -print0 | xargs -0 -n 5000 openssl dgst -sha256 -r'

FEW = 2000


class Measured(NamedTuple):
    """One command: seconds, seconds of CPU, peak memory of its largest process in bytes, exit status."""

    wall: float
    cpu: float
    peak: int
    status: int


class Row(NamedTuple):
    """One phase of one peer, and the yardstick before it."""

    corpus: str
    peer: str
    phase: str
    yard: Measured
    own: Measured
    carried: int

    def __str__(self) -> str:
        """The row of a table in Markdown."""
        note = "" if self.own.status == 0 else f" exit {self.own.status}"
        return (
            f"| {self.corpus} | {self.peer} | {self.phase} | {self.own.wall:.2f} | {self.own.wall / self.yard.wall:.2f} "
            f"| {self.own.cpu / self.yard.cpu:.2f} | {self.own.peak / 1e6:.0f} | {self.carried / 1e6:.0f} |{note}"
        )


def measure(command: str, places: dict[str, str]) -> Measured:
    """Run shell text and wait for it."""
    start = time.monotonic()
    log = os.path.join(places["K"], "last.log")
    with open(log, "wb") as out:
        child = subprocess.Popen(["bash", "-c", command], stdout=out, stderr=out, env={**os.environ, **places})
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, child.returncode)


def rows(corpus: str, name: str, peer: Peer, places: dict[str, str], *, cold: bool) -> Iterator[Row]:
    """Export, import and check of one peer."""
    shell(peer.prepare, places)
    sync = ' && sync -f "$B"'
    for phase, command in (("export", peer.export + sync), ("import", peer.install + sync), ("check", peer.check)):
        settle(places, cold=cold)
        yard = measure(YARD, places)
        settle(places, cold=cold)
        yield Row(corpus, name, phase, yard, measure(command, places), tree_size(places["B"]))


def shell(command: str, places: dict[str, str]) -> None:
    """Run shell text that is not timed; its words are shown when it fails."""
    done = measure(command, places)
    if done.status:
        with open(os.path.join(places["K"], "last.log"), errors="replace") as log:
            sys.exit(f"bench: expected {command!r} to succeed, got status {done.status}\n{log.read()[-2000:]}")


def tree_size(folder: str) -> int:
    """Bytes of all files below a folder."""
    return sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(folder) for name in names)


def settle(places: dict[str, str], *, cold: bool) -> None:
    """Put the corpus into the page cache, or (as root) everything out of it; some of the tools drop what they read."""
    os.sync()
    if not cold:
        measure('find "$S" -type f -print0 | xargs -0 cat >/dev/null', places)
        return
    with open("/proc/sys/vm/drop_caches", "w") as switch:
        switch.write("3")


def main() -> None:
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Time airgap beside its peers.")
    parser.add_argument("folder", help="scratch folder with 60 GB free; corpora are built once and kept in it")
    parser.add_argument("--corpus", nargs="+", default=sorted(BUILDERS), choices=sorted(BUILDERS))
    parser.add_argument("--peer", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--cold", action="store_true", help="drop the page cache before every phase (root)")
    wanted = parser.parse_args()
    folder = os.path.abspath(wanted.folder)
    keys = os.path.join(folder, "keys")
    shutil.rmtree(keys, ignore_errors=True)
    os.makedirs(keys)
    os.environ |= {"RESTIC_PASSWORD": "x", "RESTIC_CACHE_DIR": f"{folder}/restic", "BORG_BASE_DIR": f"{folder}/borg"}
    os.environ |= {"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_CHECK_I_KNOW_WHAT_I_AM_DOING": "YES"}
    os.environ["PYTHONPATH"] = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
    shell(KEYS, {"K": keys})
    work = os.path.join(folder, "run")
    os.makedirs(work, exist_ok=True)
    print("| corpus | peer | phase | seconds | x yard | x CPU | peak MB | carried MB |\n|---|---|---|---|---|---|---|---|")
    for corpus in wanted.corpus:
        source = os.path.join(folder, "corpora", corpus)
        build(corpus, source)
        for _ in range(wanted.rounds):
            for name in wanted.peer:
                one(corpus, name, {"S": source, "K": keys}, work, cold=wanted.cold)
    shutil.rmtree(work)


def one(corpus: str, name: str, places: dict[str, str], work: str, *, cold: bool) -> None:
    """Print the rows of one peer on one corpus, in folders of their own."""
    peer = PEERS[name]
    if not peer.installed:
        print(f"| {corpus} | {name} | not installed: {', '.join(peer.needs)} |||||", flush=True)
        return
    # a fresh folder each, removed only at the end: ext4 passes over recently freed inodes for minutes, and searching past
    # tens of thousands of them makes every later create several times slower
    own = tempfile.mkdtemp(dir=work)
    places |= {"B": f"{own}/carried", "T": f"{own}/unpacked"}
    os.makedirs(places["B"])
    os.makedirs(places["T"])
    for row in rows(corpus, name, peer, places, cold=cold):
        print(row, flush=True)
    if sum(len(names) for _, _, names in os.walk(own)) < FEW:
        shutil.rmtree(own)


if __name__ == "__main__":
    main()

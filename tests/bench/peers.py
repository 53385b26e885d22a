"""How each tool packs, unpacks verified and checks again, as shell text; each does the best that it offers.

The text may use $S (the corpus), $B (an empty folder for what is carried), $T (an empty folder for what is unpacked), $K (a
folder with keys). What each verifies differs, and so do the rows: a signature over everything is only in ours, shell and
rauc; restic and borg check their own chunks; bagit hashes in place and carries no bundle.
"""

import shutil
import sys
from typing import Final, NamedTuple

AIRGAP: Final = f"{sys.executable} -m airgap"


class Peer(NamedTuple):
    """One tool. ``needs`` are the programs without which it is left out; ``prepare`` is not timed."""

    needs: tuple[str, ...]
    prepare: str
    export: str
    install: str
    check: str

    @property
    def installed(self) -> bool:
        """Whether all programs are here."""
        return all(map(shutil.which, self.needs))


def _shell(digest: str, level: int) -> Peer:
    """What a competent administrator writes: sums by two processes, a signature over them, one compressed tar."""
    # a file for each process: openssl does not flush line by line, so two would tear each other's lines in one pipe
    batch = f"""sh -c '{digest} "$@" >"$B/part.$$"' sums"""
    split = "-n $(( $(find . -type f | wc -l) / 16 % 500 + 1 ))"
    sums = f'rm -f "$B"/part.* && find . -type f -print0 | xargs -0 -P2 {split} {batch} && sort -k2 "$B"/part.*'
    sign = 'openssl pkeyutl -sign -rawin -inkey "$K/ed.pem" -in "$B/SUMS" -out "$B/SUMS.sig"'
    proof = 'openssl pkeyutl -verify -rawin -pubin -inkey "$K/ed.pub" -in "$B/SUMS" -sigfile "$B/SUMS.sig"'
    return Peer(
        ("tar", "zstd", "openssl"),
        ":",
        f'cd "$S" && {sums} >"$B/SUMS" && {sign} && tar -cf - . | zstd -q -T0 -{level} -o "$B/x.tar.zst"',
        f'cd "$T" && {proof} && zstd -qdc "$B/x.tar.zst" | tar -xf - && {sums} | cmp - "$B/SUMS"',
        f'cd "$T" && {proof} && {sums} | cmp - "$B/SUMS"',
    )


PEERS: Final = {
    "ours": Peer(
        (),
        f'{AIRGAP} init "$T/store" --trust "$K/trust.json" --site here --json',
        f'{AIRGAP} export "$S" -o "$B/x.airgap" --key "$K/ours.key.pem" --json',
        f'{AIRGAP} import "$B/x.airgap" --store "$T/store" --json',
        f'{AIRGAP} check --store "$T/store" --json',
    ),
    "shell": _shell("sha256sum", 3),
    "shell-fast": _shell("openssl dgst -sha256 -r", 1),
    "restic": Peer(
        ("restic",),
        'restic init -q -r "$B/r"',
        'cd "$S" && restic -q -r "$B/r" backup .',
        'restic -q -r "$B/r" restore latest --target "$T" --verify',
        'restic -q -r "$B/r" check --read-data',
    ),
    "borg": Peer(
        ("borg",),
        'borg init -e none "$B/r"',
        'cd "$S" && borg create --compression auto,zstd,3 "$B/r"::a .',
        'cd "$T" && borg extract "$B/r"::a',
        'borg check --verify-data "$B/r"',
    ),
    "bagit": Peer(
        ("bagit.py",),
        'cp -al "$S" "$B/in"',
        'bagit.py --quiet --processes 2 --sha256 "$B/in"',
        'cp -a "$B/in" "$T/x" && bagit.py --quiet --validate --processes 2 "$T/x"',
        'bagit.py --quiet --validate --processes 2 "$T/x"',
    ),
    "rauc": Peer(
        ("rauc", "mksquashfs"),
        'cp -al "$S" "$B/in" && printf "[update]\\ncompatible=t\\nversion=1\\n" >"$B/in/manifest.raucm"',
        # without -no-duplicates mksquashfs 4.5 searches files of one size in quadratic time
        'rauc bundle --cert="$K/c.pem" --key="$K/k.pem" --mksquashfs-args='
        '"-comp zstd -Xcompression-level 3 -no-duplicates" "$B/in" "$B/x.raucb"',
        'rauc extract --keyring="$K/c.pem" "$B/x.raucb" "$T/x"',
        'rauc info --keyring="$K/c.pem" "$B/x.raucb"',
    ),
}

KEYS: Final = f"""
set -e
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=t -days 30 -keyout "$K/k.pem" -out "$K/c.pem" 2>"$K/log"
openssl genpkey -algorithm ed25519 -out "$K/ed.pem"
openssl pkey -in "$K/ed.pem" -pubout -out "$K/ed.pub"
{AIRGAP} keygen ours -o "$K" --algorithm ed25519 --no-passphrase
{AIRGAP} trust init -o "$K/trust.json" --signer "$K/ours.pub.pem" --key "$K/ours.key.pem"
"""

#!/bin/sh
# Makes the vectors of this folder with GnuPG 2.2 (bookworm): sh make.sh FOLDER. Never run by a test; see README.md.
set -eu
out=$1
mkdir -p "$out"
GNUPGHOME=$(mktemp -d)
export GNUPGHOME
trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT

at() { # at TIME gpg-arguments...
    time=$1
    shift
    gpg -q --batch --yes --no-tty --pinentry-mode loopback --passphrase '' --no-auto-check-trustdb --trust-model always \
        --no-emit-version --faked-system-time "$time" "$@"
}
make() { # make NAME ALGORITHM: a key and its certificate
    at 20230101T000000! --quick-gen-key "$1 <$1@airgap.test>" "$2" sign never
    at 20230101T000000! --export "=$1 <$1@airgap.test>" >"$out/$1.pgp"
}
digest() { sha256sum "$out/$1" | cut -d' ' -f1; }

make releases ed25519
make archive rsa3072

printf 'hello, isolated side\n' >"$out/a.txt"
(cd "$out" && sha256sum a.txt) >"$out/SHA256SUMS"
at 20230401T000000! -u releases@airgap.test -o "$out/SHA256SUMS.asc" --clearsign "$out/SHA256SUMS"
rm "$out/SHA256SUMS"

printf '!<arch>\nthe bytes of a package\n' >"$out/hello_2.10-3_amd64.deb"
cat >"$out/Packages" <<END
Package: hello
Version: 2.10-3
Architecture: amd64
Filename: pool/main/h/hello/hello_2.10-3_amd64.deb
Size: $(stat -c %s "$out/hello_2.10-3_amd64.deb")
SHA256: $(digest hello_2.10-3_amd64.deb)
Description: example
END
cat >"$out/Release" <<END
Origin: Example
Suite: stable
Codename: bookworm
Date: Sat, 01 Apr 2023 00:00:00 UTC
SHA256:
 $(digest Packages) $(stat -c %s "$out/Packages") main/binary-amd64/Packages
END
at 20230401T000000! -u archive@airgap.test -o "$out/Release.gpg" --armor --detach-sign "$out/Release"
at 20230401T000000! -u archive@airgap.test -o "$out/InRelease" --clearsign "$out/Release"

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
        --no-emit-version --allow-weak-digest-algos --faked-system-time "$time" "$@"
}
export_of() { # export_of NAME [FILE]: the certificate as it is now
    at 20260101T000000! --export "=$1 <$1@airgap.test>" >"$out/${2:-$1}.pgp"
}
make() { # make NAME ALGORITHM [EXPIRY] [gpg-arguments...]
    name=$1 kind=$2 expiry=${3:-never}
    shift 2
    [ $# -eq 0 ] || shift
    at 20220301T000000! "$@" --quick-gen-key "$name <$name@airgap.test>" "$kind" sign "$expiry"
    export_of "$name"
}
sign() { # sign NAME TIME FILE [gpg-arguments...]
    name=$1 time=$2 file=$3
    shift 3
    at "$time" -u "=$name <$name@airgap.test>" "$@" -o "$out/$file" --detach-sign "$out/message.txt"
}
fingerprint() { gpg --batch -q --with-colons -k "=$1 <$1@airgap.test>" | awk -F: '/^fpr/ { print $10; exit }'; }
revoke() { # revoke NAME TIME REASON
    printf 'y\n%s\n\ny\n' "$3" | gpg -q --no-tty --command-fd 0 --pinentry-mode loopback --passphrase '' --no-auto-check-trustdb \
        --faked-system-time "$2" --yes --gen-revoke "$(fingerprint "$1")" 2>/dev/null >"$GNUPGHOME/r.asc"
    at "$2" --import "$GNUPGHOME/r.asc"
}

printf 'first line\n- a dash\nlast line\n' >"$out/message.txt"

# good ones
make ed25519 ed25519
make rsa3072 rsa3072
make p256 nistp256
make p384 nistp384
make p521 nistp521
for one in ed25519 rsa3072 p256 p384 p521; do sign $one 20230401T000000! $one.sig; done
make dsa2048 dsa2048
sign dsa2048 20230401T000000! dsa2048.sig --digest-algo SHA256
at 20230401T000000! -u "=ed25519 <ed25519@airgap.test>" -u "=rsa3072 <rsa3072@airgap.test>" -o "$out/both.sig" --detach-sign "$out/message.txt"
at 20230401T000000! -u "=ed25519 <ed25519@airgap.test>" -u "=rsa3072 <rsa3072@airgap.test>" -o "$out/both.txt.asc" --clearsign "$out/message.txt"
sign ed25519 20230401T000000! ed25519.asc --armor
sign rsa3072 20230401T000000! rsa3072-text.sig --textmode
sign rsa3072 20230401T000000! rsa3072-sha224.sig --digest-algo SHA224

# a subkey that signs
make subkey rsa3072
at 20220302T000000! --quick-add-key "$(fingerprint subkey)" ed25519 sign never
export_of subkey
sign subkey 20230401T000000! subkey.sig

# weak ones
make rsa1024 rsa1024
sign rsa1024 20230401T000000! rsa1024.sig
make dsa1024 dsa1024
sign dsa1024 20230401T000000! dsa1024.sig --digest-algo SHA256
for digest in sha1 md5 ripemd160; do sign rsa3072 20230401T000000! rsa3072-$digest.sig --digest-algo $digest; done

# keys that vouch for themselves with SHA-1
make old rsa2048 never --cert-digest-algo SHA1
sign old 20230401T000000! old.sig
at 20230401T000000! -u "=old <old@airgap.test>" -o "$out/old.txt.asc" --clearsign "$out/message.txt"
sign old 20230401T000000! old-text.sig --textmode
make oldsub rsa2048 never --cert-digest-algo SHA1
at 20220302T000000! --quick-add-key "$(fingerprint oldsub)" rsa2048 sign never
export_of oldsub
sign oldsub 20230401T000000! oldsub.sig
make olded ed25519 never --cert-digest-algo SHA1
sign olded 20230401T000000! olded.sig
make oldended rsa2048 2023-01-01 --cert-digest-algo SHA1
sign oldended 20220401T000000! oldended.sig

# expiry: signed before it, and after it by a copy that did not know of it
make ended ed25519
sign ended 20220401T000000! ended.sig
sign ended 20240401T000000! ended-late.sig
at 20220302T000000! --quick-set-expire "$(fingerprint ended)" 2023-01-01
export_of ended
make oldlate rsa2048 never --cert-digest-algo SHA1
sign oldlate 20240401T000000! oldlate.sig
at 20220302T000000! --cert-digest-algo SHA1 --quick-set-expire "$(fingerprint oldlate)" 2023-01-01
export_of oldlate

# revocation: without a reason, superseded, retired; signed before and after it
for one in revoked superseded retired oldrevoked; do
    case $one in old*) digest=SHA1 ;; *) digest=SHA256 ;; esac
    make $one rsa3072 never --cert-digest-algo $digest
    cp "$out/$one.pgp" "$out/$one-before.pgp"
    sign $one 20220401T000000! $one.sig
    sign $one 20240401T000000! $one-late.sig
done
revoke revoked 20230101T000000! 0
revoke oldrevoked 20230101T000000! 0
revoke superseded 20230101T000000! 2
revoke retired 20230101T000000! 3
for one in revoked superseded retired oldrevoked; do export_of $one; done

# times
sign ed25519 21000101T000000! ed25519-future.sig
sign ed25519 20230401T000000! ed25519-ended.sig --default-sig-expire 7d
sign ed25519 20210101T000000! ed25519-early.sig --ignore-time-conflict || true

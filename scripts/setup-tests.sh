#!/usr/bin/env bash
# Makes a Debian or Ubuntu machine, which has Rust and a C compiler, ready for the tests. Run as root,
# or as a user who has sudo. Installs only what is missing, says what it changes, and needs no network
# if nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

has_browser() {
    local program
    for program in chromium-headless-shell chromium google-chrome; do
        command -v "$program" >/dev/null && return
    done
    return 1
}

# Whether there is a package of this name. A machine that has no lists yet has to ask.
apt_has() {
    command -v apt-get >/dev/null || return
    [ -n "$(find /var/lib/apt/lists -name '*Packages*' -print -quit 2>/dev/null)" ] || as_root apt-get update -qq >&2 || true
    apt-cache show "$1" >/dev/null 2>&1
}

# Prints the packages whose programs or modules are missing.
missing_packages() {
    command -v fusermount3 >/dev/null || echo fuse3
    command -v unshare >/dev/null && command -v setpriv >/dev/null || echo util-linux
    command -v umount >/dev/null || echo mount
    # Gives a program a terminal.
    command -v script >/dev/null || echo bsdutils
    command -v cc >/dev/null || echo gcc libc6-dev
    # `venv` alone can be there without what it takes to fill one.
    python3 -c 'import venv, ensurepip' 2>/dev/null || echo python3 python3-venv python3-pip
    # What s3fs-core/tests/programs runs on a mounted bucket.
    local program
    for program in ed fio gawk:awk git make patch rsync sqlite3 tar unzip vim-tiny:vi xz-utils:xz zip; do
        command -v "${program#*:}" >/dev/null || echo "${program%:*}"
    done
    command -v setfattr >/dev/null || echo attr
    # For the suite of system calls, which is built here.
    [ -e /usr/include/sys/acl.h ] || echo libacl1-dev
    # For the pages of reports. Ubuntu has no package of it: there the test is skipped, or fails where CI=true.
    has_browser || ! apt_has chromium-headless-shell || echo chromium-headless-shell
}

# The device that everyone may open, as most distributions have it.
prepare_device() {
    if [ ! -c /dev/fuse ]; then
        say "loading the kernel's FUSE driver"
        as_root modprobe fuse 2>/dev/null || true
    fi
    if [ ! -c /dev/fuse ]; then
        say "making /dev/fuse"
        as_root mknod -m 666 /dev/fuse c 10 229 ||
            fail "there is no /dev/fuse; a container needs --device /dev/fuse --cap-add SYS_ADMIN"
    fi
    if [ "$(stat -c %a /dev/fuse)" != 666 ]; then
        say "letting everyone open /dev/fuse: chmod 666 /dev/fuse"
        as_root chmod 666 /dev/fuse || say "that is refused; only root can run the tests"
    fi
}

# Whether an ordinary user gets a sandbox; the tests would say the same, later.
check_namespaces() {
    local nobody=()
    [ "$(id -u)" = 0 ] && nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    "${nobody[@]}" unshare --user --map-root-user --mount true 2>/dev/null && return
    local setting=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
    if [ -e "$setting" ] && [ "$(cat "$setting")" = 1 ]; then
        say "allowing user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
        as_root sysctl -q -w kernel.apparmor_restrict_unprivileged_userns=0
    else
        fail "an ordinary user can't make a user namespace here; see user.max_user_namespaces and the container's options"
    fi
}

command -v cargo >/dev/null || fail "please install Rust first: https://rustup.rs"
mapfile -t packages < <(missing_packages | tr ' ' '\n')
install_packages "${packages[@]}"
prepare_device
check_namespaces
# A server of other people's for some of the tests, which have the last word on whether it must be there.
scripts/foreign-server.sh --install || say "tests with a foreign server will be skipped, or fail where CI=true"
# Programs for others of the tests; they have the last word, too.
scripts/test-programs.sh || say "tests that run these programs will be skipped, or fail where CI=true"
say "ready"

# Functions of the scripts here that install packages of Debian and Ubuntu. To be sourced.

say() { echo "$(basename "$0" .sh): $*"; }
fail() { say "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this takes root: $*"
    fi
}

# install_packages PACKAGE...: none without a name.
install_packages() {
    [ $# = 0 ] && return
    command -v apt-get >/dev/null || fail "please install: $*"
    say "installing $*"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

#!/usr/bin/env bash
# Programs of other people's which s3fs-core/tests/programs runs and no distribution packages: fsx and
# pjdfstest from crates.io, and a Python that writes Parquet and HDF5 with modules from PyPI; from there,
# too, one for tests/kubernetes that knows the schemas of Kubernetes. They lie in a folder of their own
# under the target folder; what is there in the right version is left alone.
#
#   scripts/test-programs.sh    installs what is missing
#
# Exit status: 0; 77 if something can't be installed; anything else is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
home=$(realpath "$target")/test-programs

say() { echo "test-programs: $*"; }
cannot() { say "$*" >&2; exit 77; }

# install_crate NAME VERSION: a program of a crate, built as its author locked it.
install_crate() {
    local name=$1 version=$2 mark=$home/$1-$2
    [ -e "$mark" ] && return
    say "building $name $version into $home"
    CARGO_TARGET_DIR=$home/build cargo install --quiet --locked --root "$home" --no-track --force \
        "$name@=$version" || cannot "$name can't be installed: this takes crates.io"
    touch "$mark"
}

install_python() {
    local modules=('pyarrow>=15' 'h5py>=3.10' 'kubernetes-validate>=1.30') mark=$home/python/installed
    [ "$(cat "$mark" 2>/dev/null)" = "${modules[*]}" ] && return
    say "installing ${modules[*]} into $home/python"
    rm -rf "$home/python"
    { python3 -m venv "$home/python" && "$home/python/bin/pip" install --quiet "${modules[@]}"; } ||
        cannot "${modules[*]} can't be installed: this takes python3 with venv, and PyPI"
    echo "${modules[*]}" >"$mark"
}

mkdir -p "$home"
install_crate fsx 0.3.2
install_crate pjdfstest 0.2.2
rm -rf "$home/build"
install_python

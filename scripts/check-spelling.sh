#!/usr/bin/env bash
# Looks for misspelt words in the repository, with `typos` from PyPI, which it installs into the target folder;
# `_typos.toml` has the exceptions.
#
# Exit status: 0; 77 if the program can't be installed; anything else is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.52.0
home=${CARGO_TARGET_DIR:-target}/typos

say() { echo "check-spelling: $*" >&2; }

if [ "$(cat "$home/installed" 2>/dev/null)" != "$version" ]; then
    say "installing typos $version into $home"
    rm -rf "$home"
    if ! { python3 -m venv "$home" && "$home/bin/pip" install --quiet "typos==$version"; }; then
        rm -rf "$home"
        say "typos can't be installed: this takes python3 with venv, and PyPI"
        exit 77
    fi
    echo "$version" >"$home/installed"
fi
"$home/bin/typos"

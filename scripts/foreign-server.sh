#!/usr/bin/env bash
# The example `ls_bucket` and a round trip through `stub run`, against an S3 server that isn't ours:
# moto, installed from PyPI into a folder of its own under the target folder.
#
#   scripts/foreign-server.sh [LS_BUCKET STUB]   the two programs; built if they are not given
#   scripts/foreign-server.sh --install          only installs the server
#   scripts/foreign-server.sh --serve            prints the server's URL, and serves until the end of the input
#
# Exit status: 0; 77 if the server can't be installed; anything else is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
home=${STUB_FOREIGN_FOLDER:-$target/foreign-server}
bucket=foreign-bucket

say() { echo "foreign-server: $*"; }
fail() { say "$*" >&2; exit 1; }

install_server() {
    [ -e "$home/installed" ] && return
    say "installing moto into $home"
    rm -rf "$home"
    if ! { python3 -m venv "$home" && "$home/bin/pip" install --quiet 'moto[server]>=5'; }; then
        rm -rf "$home"
        say "moto can't be installed: this takes python3 with venv, and PyPI" >&2
        exit 77
    fi
    touch "$home/installed"
}

# Runs Python with boto3, which moto brings along, and `s3` as its client.
s3() {
    "$home/bin/python" -c "
import boto3, hashlib, sys
s3 = boto3.client('s3', endpoint_url='$url', region_name='us-east-1')
$1" "${@:2}"
}

start_server() {
    local log=$work/server.log
    # An unbuffered line with the port that the kernel chose is the sign that it listens.
    PYTHONUNBUFFERED=1 "$home/bin/moto_server" -H 127.0.0.1 -p 0 </dev/null >"$log" 2>&1 &
    server=$!
    for _ in $(seq 600); do
        url=$(grep -o 'http://127\.0\.0\.1:[0-9]*' "$log" | head -n 1 || true)
        [ -n "$url" ] && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$log" >&2
    fail "the server did not start"
}

clean_up() {
    local status=$?
    if [ -n "${server:-}" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$status"
}

list() {
    local listing
    listing=$("$ls_bucket" --bucket "$bucket" "${service[@]}") || fail "ls_bucket: $listing"
    echo "$listing"
    for name in hello.txt folder deep.txt; do
        grep -q "$name" <<<"$listing" || fail "ls_bucket does not show $name"
    done
}

# Read, write in one part and in many, change, delete; then look at the objects from outside.
round_trip() {
    head -c 20000003 /dev/urandom >"$work/big"
    "$stub" run --volume "/stub-it-foreign=s3://$bucket" "${service[@]}" -- sh -ec '
        cd /stub-it-foreign
        test "$(cat hello.txt)" = hello
        cp "$1" big
        cmp "$1" big
        mkdir new
        echo small > new/small.txt
        echo more >> new/small.txt
        rm folder/deep.txt
    ' sh "$work/big" || fail "stub run: status $?"
    s3 "
keys = {one['Key']: one['Size'] for one in s3.list_objects_v2(Bucket='$bucket')['Contents']}
assert set(keys) >= {'hello.txt', 'big', 'new/small.txt'} and 'folder/deep.txt' not in keys, keys
get = lambda key: s3.get_object(Bucket='$bucket', Key=key)['Body'].read()
assert get('new/small.txt') == b'small\nmore\n', get('new/small.txt')
assert get('big') == open(sys.argv[1], 'rb').read(), 'other bytes'
assert not s3.list_multipart_uploads(Bucket='$bucket').get('Uploads'), 'unfinished uploads'
print('foreign-server: the bucket holds', keys)
" "$work/big"
}

install_server
[ "${1:-}" = --install ] && exit
work=$(mktemp -d -t stub-it-foreign.XXXXXX)
trap clean_up EXIT
if [ "${1:-}" = --serve ]; then
    start_server
    echo "$url"
    cat >/dev/null
    exit
fi

if [ $# -ge 2 ]; then
    ls_bucket=$1 stub=$2
else
    cargo build --quiet --package stub --example ls_bucket
    cargo build --quiet --package stub-cli
    ls_bucket=$target/debug/examples/ls_bucket stub=$target/debug/stub
fi

# Anything will do: this server does not check signatures.
export AWS_ACCESS_KEY_ID=foreign AWS_SECRET_ACCESS_KEY=foreign
unset AWS_SESSION_TOKEN AWS_PROFILE
start_server
service=(--endpoint-url "$url" --force-path-style --region us-east-1)
s3 "
s3.create_bucket(Bucket='$bucket')
s3.put_object(Bucket='$bucket', Key='hello.txt', Body=b'hello\n')
s3.put_object(Bucket='$bucket', Key='folder/deep.txt', Body=b'deep\n')
"
list
round_trip
say "all of it works on $("$home/bin/pip" list 2>/dev/null | grep '^moto ' | tr -s ' ')"

#!/usr/bin/env bash
# OpenStack Swift with its S3 API on loopback, on one device. Takes neither systemd, root nor /etc/swift.
# Packages: swift-proxy swift-account swift-container swift-object memcached.
#
#   scripts/servers/swift.sh start DIR PORT | stop DIR
#
# Uses PORT to PORT + 4. DIR must be on a file system with extended attributes of users.
set -euo pipefail
source "$(dirname "$0")/common.sh"
command=$1 dir=$(realpath "$2") port=${3:-}
# The interpreter that Debian's packages belong to.
PYTHON=/usr/bin/python3

# serve NAME: starts a server that reads its `swift.conf` here instead of in /etc/swift.
serve() {
    launch "$1" "$PYTHON" -c "
import sys
from swift.common import utils
utils.set_swift_dir('$dir')
from swift.common.wsgi import run_wsgi
sys.exit(run_wsgi('$dir/$1.conf', '$1-server', verbose=True))"
}

# start_storage NAME PORT: one of the servers that hold accounts, containers or objects, with its ring.
start_storage() {
    cat >"$dir/$1.conf" <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $2
workers = 0
user = $(id -un)
swift_dir = $dir
devices = $dir/devices
mount_check = false
disable_fallocate = true
log_statsd_host =
[pipeline:main]
pipeline = $1-server
[app:$1-server]
use = egg:swift#$1
log_requests = false
CONF
    (
        cd "$dir"
        swift-ring-builder "$1.builder" create 4 1 0
        swift-ring-builder "$1.builder" add "r1z1-127.0.0.1:$2/d" 1
        # Warns, by its exit status, that one device is no cluster.
        swift-ring-builder "$1.builder" rebalance || [ -f "$1.ring.gz" ]
    ) >"$dir/$1.ring.log"
    serve "$1"
    await_port "$1" "$2"
}

start_proxy() {
    local filter
    local filters="catch_errors gatekeeper healthcheck listing_formats bulk s3api copy slo dlo versioned_writes symlink"
    {
        cat <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
workers = 0
user = $(id -un)
swift_dir = $dir
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$((port + 4))
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
CONF
        for filter in $filters; do
            printf '[filter:%s]\nuse = egg:swift#%s\n' "$filter" "$filter"
        done
    } >"$dir/proxy.conf"
    serve proxy
    await_port proxy "$port"
}

case $command in
start)
    await_free "$port"
    mkdir -p "$dir/devices/d"
    printf '[swift-hash]\nswift_hash_path_suffix = stub\nswift_hash_path_prefix = stub\n' >"$dir/swift.conf"
    launch memcached memcached -u "$(id -un)" -l 127.0.0.1 -p $((port + 4)) -m 32
    start_storage account $((port + 1))
    start_storage container $((port + 2))
    start_storage object $((port + 3))
    start_proxy
    announce test:tester testing
    ;;
stop) end proxy object container account memcached ;;
*) fail "start DIR PORT | stop DIR" ;;
esac

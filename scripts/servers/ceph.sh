#!/usr/bin/env bash
# One-node Ceph on loopback: a monitor, an OSD in memory and the RADOS Gateway. Takes neither systemd nor root.
# Packages: radosgw ceph-mon ceph-osd.
#
#   scripts/servers/ceph.sh start DIR PORT | stop DIR
#
# Uses PORT to PORT + 2, and at most 4 GiB of memory (CEPH_BYTES).
set -euo pipefail
source "$(dirname "$0")/common.sh"
command=$1 dir=$(realpath "$2") port=${3:-}
export CEPH_CONF=$dir/ceph.conf PATH=$PATH:/usr/sbin:/sbin

# No keyrings: with `none` nobody asks for them. Without one there is no secret to encrypt with, which the
# gateway asks for unless `ms mon client mode` says otherwise.
configure() {
    local classes
    classes=$(find /usr/lib -path '*rados-classes*' -name libcls_rgw.so -print -quit)
    cat >"$CEPH_CONF" <<CONF
[global]
fsid = $1
mon host = $monitor
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
run dir = $dir/run
admin socket = $dir/run/\$name.asok
log file = $dir/run/\$name.log
pid file =
log to stderr = false
ms bind ipv6 = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 10000
mon data avail warn = 1
mon data avail crit = 0
[mon]
mon data = $dir/mon
mon cluster log file = $dir/run/cluster.log
[osd]
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = ${CEPH_BYTES:-4294967296}
osd class dir = $(dirname "$classes")
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw rados pool pg num min = 4
ms mon client mode = crc
rgw data = $dir/run
rgw enable usage log = false
# Keys of KMS by their ids, in place of a KMS, which take requests without TLS. Encryption with keys of the
# gateway (AES256) takes Ceph 17 and a Vault.
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = test-key=$(head -c 32 /dev/zero | base64)
# Deleted objects stay for two hours otherwise, which fills the memory.
rgw gc obj min wait = 5
rgw gc processor period = 5
rgw gc processor max time = 5
CONF
}

start_monitor() {
    monmaptool --create --clobber --fsid "$1" --addv a "$monitor" "$dir/monmap" >"$dir/setup.log"
    ceph-mon --mkfs -i a --monmap "$dir/monmap" >>"$dir/setup.log" 2>&1
    launch mon ceph-mon -f -i a
}

start_osd() {
    local id
    id=$(cat /proc/sys/kernel/random/uuid)
    timeout 60 ceph osd new "$id" 0 >>"$dir/setup.log" 2>&1
    ceph-osd --mkfs -i 0 --osd-uuid "$id" >>"$dir/setup.log" 2>&1
    launch osd ceph-osd -f -i 0
    for _ in $(seq 300); do
        timeout 20 ceph osd stat 2>/dev/null | grep -q '1 up' && return
        sleep 0.2
    done
    fail "the OSD does not come up; see $dir/osd.log"
}

# The gateway refuses storage classes that it does not know.
add_storage_class() {
    local place=(--placement-id=default-placement --storage-class="$1")
    radosgw-admin -n client.rgw zonegroup placement add --rgw-zonegroup=default "${place[@]}"
    radosgw-admin -n client.rgw zone placement add --rgw-zone=default "${place[@]}" --data-pool=default.rgw.data
}

start_gateway() {
    timeout 120 radosgw-admin -n client.rgw user create --uid=test --display-name=test \
        --access-key="$ACCESS_KEY" --secret-key="$SECRET_KEY" >>"$dir/setup.log" 2>&1
    add_storage_class STANDARD_IA >>"$dir/setup.log" 2>&1
    launch rgw radosgw -n client.rgw -f
    await_port rgw "$port"
}

case $command in
start)
    await_free "$port"
    mkdir -p "$dir"/{mon,osd,run}
    monitor="[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]"
    fsid=$(cat /proc/sys/kernel/random/uuid)
    configure "$fsid"
    start_monitor "$fsid"
    start_osd
    start_gateway
    announce "$ACCESS_KEY" "$SECRET_KEY"
    ;;
stop) end rgw osd mon ;;
*) fail "start DIR PORT | stop DIR" ;;
esac

#!/usr/bin/env bash
# A real Slurm cluster on one machine, for tests: a controller, its accounting with a database, and some
# nodes, each of which is a `slurmd` of this machine. All of it lives in one folder and shares neither
# files, ports nor sockets with a Slurm that may be installed here, or with a second one of these.
#
#   scripts/slurm-cluster.sh start DIR [NODES]       starts it; the last line of output is for `eval`
#   scripts/slurm-cluster.sh stop DIR                ends it; the folder with its logs stays
#   scripts/slurm-cluster.sh kill-node DIR NAME      as if its power failed: slurmd and its jobs are gone
#   scripts/slurm-cluster.sh start-node DIR NAME     the node is back, and takes jobs
#   scripts/slurm-cluster.sh stop-controller DIR     the controller alone ends; jobs go on
#   scripts/slurm-cluster.sh kill-controller DIR     it crashes, and forgets what happened in the last 5 seconds
#   scripts/slurm-cluster.sh start-controller DIR    it is back, with the state that it had saved
#
# Nodes are node1, node2, ...: 4 of them, with 4 CPUs and 64000 MB each, whatever the machine has. There are
# two partitions of all nodes: `main`, the default, and `urgent`, whose jobs cancel those of `main`.
#
# `start` installs what is missing on Debian or Ubuntu. If a cluster runs in this folder already, it leaves
# it alone, with nodes that are down; otherwise it begins anew, without what an earlier one knew. Run as
# root, or as a user who has sudo; any user who may enter the folder can submit jobs.
set -euo pipefail
# Jobs of any user read the configuration and reach the sockets.
umask 022
# Most of these programs are not in the path of ordinary users.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { echo "slurm-cluster: $*" >&2; }
fail() { say "$*"; exit 1; }
usage() { sed -n 's/^#   //p' "$0" >&2; exit 2; }

# fail_with_log DAEMON WHAT
fail_with_log() {
    say "$1: $2; the end of its log:"
    tail -n 30 "$dir/log/$1.log" >&2 || true
    exit 1
}

# Every process of a part has a mark that it can't lose, whatever it does to its environment, session and
# parents, because it is never used for anything else: a limit on locks, which Linux has not enforced since
# 2.4. Slurm doesn't set it for jobs either. The hard limit is that of the cluster; the soft one, of the part.
mark_of() {
    case $1 in
    munged) echo 1001 ;;
    mariadbd) echo 1002 ;;
    slurmdbd) echo 1003 ;;
    slurmctld) echo 1004 ;;
    node*) echo "${1#node}" ;;
    esac
}
cluster_mark() { echo $((2 ** 32 + $(cksum <<<"$dir" | cut -d ' ' -f 1))); }

# Prints the processes of a part of the cluster, or of all of it.
processes() {
    local mark='[0-9]+' id
    [ -z "${1:-}" ] || mark=$(mark_of "$1")
    { grep -lE "^Max file locks +$mark +$(cluster_mark) " /proc/[0-9]*/limits 2>/dev/null || true; } |
        while IFS=/ read -r _ _ id _; do
            # Those that only wait for their parent to take note of their end are no more.
            grep -qE '^State:\s+[ZX]' "/proc/$id/status" 2>/dev/null || echo "$id"
        done
}

runs() { [ -n "$(processes "$1")" ]; }

# Prints those of the processes that have no child among them.
leaves() {
    local id
    for id in "$@"; do
        sed -n 's/^PPid:[[:space:]]*//p' "/proc/$id/status" 2>/dev/null || true
    done | grep -vxF -f - <(printf '%s\n' "$@") || true
}

# Kills a part of the cluster, or all of it, as a power failure does: nothing of it may clean up, or tell
# anybody of the death of something else. So all of it is stopped first, until there is no more to stop.
# Children die before their parents: a stopped process group that a parent leaves behind gets SIGHUP and
# SIGCONT from the kernel.
kill_part() {
    local found before=
    while found=$(processes "$@") && [ "$found" != "$before" ]; do
        # They may end by themselves meanwhile, here and below.
        kill -STOP $found 2>/dev/null || true
        before=$found
    done
    while [ -n "$found" ]; do
        kill -KILL $(leaves $found) 2>/dev/null || true
        sleep 0.02
        found=$(processes "$@")
    done
}

# run_part PART COMMAND...: runs a command that belongs to a part of the cluster.
run_part() {
    # The lock must not outlive this script.
    prlimit --locks="$(mark_of "$1"):$(cluster_mark)" "${@:2}" </dev/null >>"$dir/log/$1.log" 2>&1 9>&-
}

# start_daemon PART COMMAND...: starts one that puts itself into the background.
start_daemon() { run_part "$@" || fail_with_log "$1" "it did not start"; }

# wait_for PART COMMAND...: waits until a command succeeds, which it won't if the part is gone.
wait_for() {
    local deadline=$((SECONDS + 90))
    until "${@:2}" 2>/dev/null; do
        runs "$1" || fail_with_log "$1" "it did not start"
        # Once more, for its errors.
        [ $SECONDS -lt $deadline ] || "${@:2}" || fail_with_log "$1" "it runs, but still not: ${*:2}"
        sleep 0.05
    done
}

# The ports on which this machine listens, one a line, in hexadecimal digits.
used_ports() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" {sub(/.*:/, "", $2); print $2}'; }

listens() { grep -qx "$(printf %04X "$1")" <<<"$(used_ports)"; }

# Prints the first of so many ports in a row that are free. By chance, so that a second cluster gets others;
# below those that the kernel gives to clients.
free_ports() {
    local used first port
    used=$(used_ports)
    for _ in $(seq 100); do
        first=$((15000 + RANDOM % 16000))
        for port in $(seq $first $((first + $1 - 1))); do
            grep -qx "$(printf %04X "$port")" <<<"$used" && continue 2
        done
        echo $first
        return
    done
    fail "there are no $1 free ports in a row"
}

# Prints the packages whose programs are missing.
missing_packages() {
    local program
    for program in munge:munged slurmctld:slurmctld slurmdbd:slurmdbd slurmd:slurmd slurm-client:sbatch; do
        command -v "${program#*:}" >/dev/null || echo "${program%:*}"
    done
    for program in mariadbd mariadb-install-db my_print_defaults; do
        command -v $program >/dev/null && continue
        # All that it takes, without a server for the machine. Older releases have its version in the name.
        if apt-cache show mariadb-server-core >/dev/null 2>&1; then
            echo mariadb-server-core
            echo mariadb-client-core
        else
            echo mariadb-server
        fi
        break
    done
}

install_packages() {
    [ -z "$(missing_packages)" ] && return
    command -v apt-get >/dev/null || fail "please install: $(missing_packages | xargs)"
    apt-get update -qq >&2
    local packages policy=/usr/sbin/policy-rc.d
    mapfile -t packages < <(missing_packages)
    say "installing ${packages[*]}"
    (
        # Keeps them from starting as services of the machine. One that is there has an opinion already.
        if [ ! -e $policy ]; then
            trap 'rm -f $policy' EXIT
            printf '#!/bin/sh\nexit 101\n' >$policy
            chmod 755 $policy
        fi
        # Whatever starts nevertheless must not keep the lock.
        env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            -o DPkg::Lock::Timeout=300 "${packages[@]}" >&2 9>&-
    ) || fail "these packages can't be installed: ${packages[*]}"
}

# configure NODES: writes all files that the daemons read.
configure() {
    local nodes=$1 host first node
    host=$(uname -n)
    host=${host%%.*}
    # Of the controller, of accounting, and of each node.
    first=$(free_ports $((nodes + 2)))
    mkdir -p "$dir"/{log,run,munge,mysql,state,spool}
    # A database is not for everyone to enter.
    chmod 700 "$dir/mysql"
    head -c 1024 /dev/urandom >"$dir/munge/key"
    chmod 400 "$dir/munge/key"

    cat >"$dir/slurm.conf" <<END
ClusterName=stub
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$first
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A job that lost its node begins anew when what permits it to run has expired, by default after two minutes.
AuthInfo=socket=$dir/munge/socket,cred_expire=10
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/%n.log
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/%n.pid
MailProg=/bin/true
MpiDefault=none

# Nothing here may need cgroups: a container has none that it could use.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
# So it takes polling to hold jobs to their memory.
JobAcctGatherParams=OverMemoryKill

AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((first + 1))
# Another word for the socket of munge.
AccountingStoragePass=$dir/munge/socket

# Jobs start at once, those of arrays and those that waited for others as well.
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,bf_continue
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
# A job that doesn't ask for memory would get all of a node's.
DefMemPerCPU=1000
PreemptType=preempt/partition_prio
PreemptMode=CANCEL

# Failures are noticed soon, and what is over is soon known to accounting alone.
KillWait=5
SlurmdTimeout=10
# It takes two attempts to reach a node that is gone, each of which lasts this long.
MessageTimeout=5
# The sum of both is the age at which a job is missed that its node, back again, doesn't know.
BatchStartTimeout=5
InactiveLimit=0
MinJobAge=10
ReturnToService=2
# The default, so that larger arrays have to be cut.
MaxArraySize=1001

# The machine may have less than this.
SlurmdParameters=config_overrides
END
    for node in $(seq "$nodes"); do
        echo "NodeName=node$node NodeHostname=$host NodeAddr=127.0.0.1 Port=$((first + 1 + node))" \
            "CPUs=4 RealMemory=64000 State=UNKNOWN"
    done >>"$dir/slurm.conf"
    cat >>"$dir/slurm.conf" <<END
PartitionName=main Default=YES Nodes=ALL MaxTime=INFINITE PriorityTier=1 PreemptMode=CANCEL
PartitionName=urgent Nodes=ALL MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
END

    # Nothing of it is used, but by default what it would take is looked for. Older releases can't be told to
    # leave that; this is the plugin that looks for the least.
    local cgroups=disabled version
    version=$(slurmd -V)
    version=${version##* }
    [ "${version%%.*}" -ge 24 ] || cgroups=cgroup/v1
    echo "CgroupPlugin=$cgroups" >"$dir/cgroup.conf"

    cat >"$dir/slurmdbd.conf" <<END
DbdHost=$host
DbdAddr=127.0.0.1
DbdPort=$((first + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
LogFile=$dir/log/slurmdbd.log
PidFile=$dir/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
END
    # It refuses one that others may read.
    chmod 600 "$dir/slurmdbd.conf"
}

start_munge() {
    # It doesn't like folders in one that someone else can write to, such as whoever ran this with sudo.
    start_daemon munged munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" \
        --pid-file="$dir/run/munged.pid" --seed-file="$dir/munge/seed" --log-file="$dir/log/munged.log"
}

start_database() {
    local defaults=(--no-defaults --user=root --datadir="$dir/mysql")
    if [ ! -d "$dir/mysql/mysql" ]; then
        run_part mariadbd mariadb-install-db "${defaults[@]}" --force --skip-test-db \
            --auth-root-authentication-method=socket --auth-root-socket-user=root ||
            fail_with_log mariadbd "its folder can't be set up"
        # A folder is a database. That of Slurm would make it, but not if it has Debian 13's libraries.
        mkdir "$dir/mysql/slurm"
    fi
    # It stays in the foreground. What it would be slow for is not needed: this data may be lost.
    run_part mariadbd setsid -f mariadbd "${defaults[@]}" --skip-networking --socket="$dir/mysql/socket" \
        --pid-file="$dir/run/mariadbd.pid" --tmpdir="$dir/mysql" --innodb-log-file-size=64M \
        --innodb-lock-wait-timeout=900 --innodb-flush-log-at-trx-commit=0
    wait_for mariadbd test -S "$dir/mysql/socket"
}

start_accounting() {
    # There is no setting for the path of a socket.
    start_daemon slurmdbd env MYSQL_UNIX_PORT="$dir/mysql/socket" slurmdbd
    wait_for slurmdbd listens "$(sed -n 's/^DbdPort=//p' "$dir/slurmdbd.conf")"
    # The controller doesn't start without knowing that it is known there.
    wait_for slurmdbd knows_cluster
}

knows_cluster() {
    sacctmgr -n -P list cluster format=cluster | grep -qx stub || sacctmgr -i add cluster stub >/dev/null
}

controller_answers() { scontrol ping | grep -q 'is UP'; }

start_controller() {
    start_daemon slurmctld slurmctld
    wait_for slurmctld controller_answers
}

# Ends it with its state saved. Without that a job may be lost of which someone has the number already, and
# the number given to another one.
stop_controller() {
    local found
    found=$(processes slurmctld)
    [ -z "$found" ] || kill -TERM $found 2>/dev/null || true
    for _ in $(seq 300); do
        runs slurmctld || return 0
        sleep 0.05
    done
    fail_with_log slurmctld "it doesn't end"
}

# Whether a node has told the controller that its slurmd is not older than this time, and is usable.
node_is_back() {
    local node=$1 since=$2 shown
    shown=$(scontrol -o show node "$node")
    [[ $shown =~ SlurmdStartTime=([0-9T:-]+) ]] && [[ ! ${BASH_REMATCH[1]} < $since ]] || return
    [[ $shown =~ \ State=([^ ]+) ]] || return
    case ${BASH_REMATCH[1]} in
    # It was set down by hand, perhaps, and doesn't return by itself.
    *DOWN* | *DRAIN* | *FAIL*)
        scontrol update nodename="$node" state=resume >&2 || true
        return 1
        ;;
    # A star is the mark of a node that doesn't respond.
    *NOT_RESPONDING* | *\** | UNKNOWN*) return 1 ;;
    esac
}

# start_nodes NODE...: all at once.
start_nodes() {
    local since node
    since=$(date +%Y-%m-%dT%H:%M:%S)
    for node in "$@"; do
        # That it has just booted tells the controller that its former jobs are gone.
        start_daemon "$node" slurmd -b -N "$node"
    done
    for node in "$@"; do
        wait_for "$node" node_is_back "$node" "$since"
    done
}

check_node() { grep -q "^NodeName=$1 " "$dir/slurm.conf" || fail "there is no node $1 in $dir"; }

check_configured() {
    [ -e "$dir/started" ] || fail "no cluster runs in $dir"
    export SLURM_CONF=$dir/slurm.conf
}

remove_files() { rm -rf --one-file-system "$dir"/{started,log,run,munge,mysql,state,spool,*.conf}; }

start() {
    local nodes=${1:-4}
    [[ $nodes =~ ^[1-9][0-9]{0,2}$ ]] || fail "not a number of nodes: $nodes"
    # They end up in files whose syntax has no quotes, and in names of sockets, which have to be short.
    [[ $dir =~ ^[A-Za-z0-9._/-]{2,60}$ ]] || fail "a folder with a shorter and simpler name, please: $dir"
    mkdir -p "$dir"
    # Everything in it with one of our names will be removed.
    [ -e "$dir/.lock" ] || [ -z "$(ls -A "$dir")" ] || fail "$dir is neither empty nor of a cluster"
    lock
    chmod 755 "$dir"
    install_packages
    export SLURM_CONF=$dir/slurm.conf
    # Half a cluster is of no use to anyone.
    trap '[ -e "$dir/started" ] || kill_part' EXIT
    if ! { [ -e "$dir/started" ] && runs munged && runs mariadbd && runs slurmdbd; }; then
        # Of a start that was killed, or a cluster that lost a part.
        kill_part
        remove_files
        configure "$nodes"
        start_munge
        start_database
        start_accounting
        start_controller
        start_nodes $(seq -f node%.0f "$nodes")
    fi
    touch "$dir/started"
    echo "export SLURM_CONF=$dir/slurm.conf"
}

# Two commands don't start, or end, the same cluster at once.
lock() {
    exec 9>"$dir/.lock"
    flock 9
}

[ $# -ge 2 ] || usage
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "this takes root"
    exec sudo "$0" "$@"
fi
# Not even where a job of some cluster calls this.
prlimit --pid $$ --locks=unlimited
command=$1
dir=$(realpath -m "$2")
shift 2
case $command in
start) start "$@" ;;
stop)
    [ -d "$dir" ] && lock
    kill_part
    rm -f "$dir/started"
    ;;
kill-node)
    [ $# = 1 ] || usage
    check_configured
    check_node "$1"
    kill_part "$1"
    ;;
start-node)
    [ $# = 1 ] || usage
    check_configured
    check_node "$1"
    lock
    runs "$1" || start_nodes "$1"
    ;;
stop-controller)
    check_configured
    stop_controller
    ;;
kill-controller)
    check_configured
    kill_part slurmctld
    ;;
start-controller)
    check_configured
    lock
    runs slurmctld || start_controller
    ;;
*) usage ;;
esac

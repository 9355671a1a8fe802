# Functions that the servers of this folder share. Sourced; `$dir` is the folder of the server, `$port` its port.

ACCESS_KEY=AKIDAKIDAKIDAKID
SECRET_KEY=SKSKSKSKSKSKSKSKSKSK

fail() { echo "$(basename "$0"): $*" >&2; exit 1; }

# await_free PORT: waits until nothing listens, as a daemon of a run before may still be ending.
await_free() {
    for _ in $(seq 300); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || return 0
        sleep 0.1
    done
    fail "something listens on port $1 already"
}

# launch NAME COMMAND...: starts a daemon; its output goes to NAME.log.
launch() {
    local name=$1
    shift
    "$@" >>"$dir/$name.log" 2>&1 &
    echo $! >"$dir/$name.pid"
}

# await_port NAME PORT: waits until the daemon listens.
await_port() {
    for _ in $(seq 300); do
        (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null && return
        kill -0 "$(cat "$dir/$1.pid")" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 5 "$dir/$1.log" >&2
    fail "$1 does not listen on port $2"
}

# end NAME...: ends daemons, by force after 10 s.
end() {
    local name pid
    for name in "$@"; do
        [ -f "$dir/$name.pid" ] || continue
        pid=$(cat "$dir/$name.pid")
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null || true
        rm -f "$dir/$name.pid"
    done
}

# announce ACCESS_KEY SECRET_KEY: writes the variables that clients need into `env` of the server's folder.
announce() {
    cat >"$dir/env" <<ENV
export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_REGION=us-east-1
export AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=$2
ENV
}

#!/usr/bin/env bash
# Sets the machine up for the tests, runs all of them, and looks for what they left: mounts, processes,
# files. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "$0")"

# A shell starts what is in the background with some signals ignored. They would stay so in the tests, which send them.
if [ -z "${STUB_TEST_SIGNALS:-}" ]; then
    STUB_TEST_SIGNALS=default exec env --default-signal=HUP,INT,QUIT,TERM ./test.sh "$@"
fi
unset STUB_TEST_SIGNALS

say() { echo "test.sh: $*"; }

# Mounts of ours by type, whoever made them, and any mount in the tests' own folder.
mounts() { awk -v folder="$TMPDIR" '/ - fuse\.stub / || index($5, folder) == 1 {print $5}' /proc/self/mountinfo; }

# Processes of the tests: they inherit the variable, or, where that can't be read, have our names.
processes() {
    local process line
    for process in /proc/[0-9]*; do
        line=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline") || continue
        if grep -qsz "^STUB_TEST_RUN=$run\$" "$process/environ" || [[ $line == "stub: "* ]]; then
            echo "${process#/proc/}: $line"
        fi
    done
}

files() { find "$TMPDIR" -mindepth 1 -print; find / -maxdepth 1 -name 'stub-*' -print; }

left() {
    {
        mounts | sed 's/^/mount: /'
        processes | sed 's/^/process /'
        files | sed 's/^/file: /'
    } | sort
}

scripts/setup-tests.sh

# What can't be stored is kept among the user's state: here, not in a home.
XDG_STATE_HOME=$(mktemp -d)
chmod 1777 "$XDG_STATE_HOME"
export XDG_STATE_HOME
# A folder for temporary files that only the tests use, and that every user may enter.
TMPDIR=$(mktemp -d)
chmod 755 "$TMPDIR"
export TMPDIR
run=$$.$RANDOM
# A cluster for tests/slurm, outside of that folder. Where there can be none, they are skipped, or fail where CI=true.
cluster=$(TMPDIR=/tmp mktemp -d)
chmod 755 "$cluster"
end() {
    scripts/slurm-cluster.sh stop "$cluster" || true
    rm -rf --one-file-system "$TMPDIR" "$XDG_STATE_HOME" "$cluster"
}
trap end EXIT
if variables=$(scripts/slurm-cluster.sh start "$cluster" | tail -n 1); then
    eval "$variables"
    export STUB_TEST_SLURM=$cluster
else
    say "there is no Slurm for the tests"
fi
before=$(left)

say "cargo test --workspace --all-features $*"
status=0
STUB_TEST_RUN=$run cargo test --workspace --all-features "$@" || status=$?

after=$(comm -13 <(echo "$before") <(left))
if [ -n "$after" ]; then
    say "the tests left this behind:"
    echo "$after"
    status=1
fi
[ $status = 0 ] && say "all tests passed, and nothing is left of them"
exit $status

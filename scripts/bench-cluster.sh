#!/usr/bin/env bash
# Measures calls on a cluster of Slurm's own daemons on this machine, beside plain job arrays of the same work.
# STUB_BENCH_INPUTS (0: only single calls), STUB_BENCH_TASKS and STUB_BENCH_TAKES (milliseconds) change the
# work. Run as root.
set -euo pipefail
cd "$(dirname "$0")/.."
cluster=$(mktemp -d)
chmod 755 "$cluster"
trap 'scripts/slurm-cluster.sh stop "$cluster"; rm -rf "$cluster"' EXIT
eval "$(scripts/slurm-cluster.sh start "$cluster" | tail -n 1)"
cargo bench --bench cluster

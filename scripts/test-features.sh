#!/usr/bin/env bash
# Features of the crate `stub`: each compiles by itself, and what is used without its feature is told by name, when
# a program is compiled or when it runs.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_INCREMENTAL=0
root=$PWD
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

say() { echo "test-features: $*"; }
fail() { say "$*" >&2; exit 1; }

each_compiles() {
    local features
    for features in "" cli schedule progress metrics cluster kubernetes opentelemetry multi-region cli,schedule; do
        say "clippy with the features: ${features:-none}"
        cargo clippy --quiet --package stub --no-default-features --features "$features" -- -D warnings
    done
}

# A user's program doesn't compile. Arguments: what the error says, and the program's text.
is_refused() {
    local expected=$1 text=$2 said
    echo "$text" >"$work/src/main.rs"
    said=$(CARGO_TARGET_DIR=$target cargo check --quiet --offline --manifest-path "$work/Cargo.toml" 2>&1) &&
        fail "this compiles: $text"
    grep -qF "$expected" <<<"$said" || fail "no \"$expected\" in: $said"
}

compilers_say_it() {
    mkdir "$work/src"
    cp Cargo.lock "$work"
    cat >"$work/Cargo.toml" <<EOF
[package]
name = "user"
edition = "2024"
[dependencies]
stub.path = "$root"
[workspace]
EOF
    # What is compiled already is so for these profiles.
    sed -n '/^\[profile\.dev/,/^$/p' Cargo.toml >>"$work/Cargo.toml"
    is_refused 'the option `schedule` needs the feature `schedule` of the crate `stub`' \
        '#[stub::function(schedule = stub::Cron("@daily"))] fn f() {} fn main() {}'
    is_refused '"cli"' 'fn main() -> std::process::ExitCode { stub::cli() }'
    is_refused '"cluster"' 'fn main() { stub::Engine::from(stub::Slurm::new()).select(); }'
    is_refused '"kubernetes"' 'fn main() { stub::Kubernetes::new("image"); }'
}

# A program ends with an error. Arguments: what it says, a variable, and the program with its arguments.
says() {
    local expected=$1 said
    said=$(env "${@:2}" 2>&1) && fail "this works: ${*:2}"
    grep -qF "$expected" <<<"$said" || fail "no \"$expected\" in: $said"
}

programs_say_it() {
    cargo build --quiet --package stub --example ls_bucket
    says 'enable the feature `cluster` of the crate `stub`' STUB_ENGINE=slurm "$target/debug/examples/ls_bucket"
    cargo build --quiet --package stub --features cli,schedule --example tasks
    local tasks=$target/debug/examples/tasks
    says 'enable the feature `metrics`' STUB_ENGINE=local "$tasks" run words --file hello.txt --metrics 127.0.0.1:0
    says 'enable the feature `cluster`' STUB_ENGINE=local "$tasks" attach some-id
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
each_compiles
compilers_say_it
programs_say_it
say "each feature compiles, and is named where it is missing"

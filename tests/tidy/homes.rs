//! Names that only some files may have: libraries behind one of our own interfaces, `unsafe`, the environment,
//! other processes.

use crate::none;
use crate::source::{CRATES, modules};

/// A name, whose parts may be apart in a line, and the paths, without their crate's `src`, where it may stand.
struct Home {
    name: &'static str,
    crates: &'static [&'static str],
    at: &'static [&'static str],
}

const fn home(
    name: &'static str,
    crates: &'static [&'static str],
    at: &'static [&'static str],
) -> Home {
    Home { name, crates, at }
}

const BOTH: &[&str] = &["s3fs-core", "stub-runtime"];

/// Crates of the product: the helpers of tests start programs as tests do.
const PRODUCT: &[&str] = &[
    "s3-local",
    "s3fs-core",
    "stub-cli",
    "stub-macros",
    "stub-runtime",
];

const HOMES: [Home; 21] = [
    home("fuser", BOTH, &["fuse/"]),
    home("aws_sdk_s3", BOTH, &["store/s3/"]),
    home("aws_config", BOTH, &["store/s3/"]),
    home("aws_smithy_types", BOTH, &["store/s3/"]),
    home("aws_smithy_runtime_api", BOTH, &["store/s3/"]),
    home("aws_smithy_http_client", BOTH, &["store/s3/"]),
    home("hyper_util", BOTH, &["store/s3/connections/https/"]),
    home("hyper_rustls", BOTH, &["store/s3/connections/https/"]),
    home("rustls", BOTH, &["store/s3/connections/", "otel.rs"]),
    home("libc", BOTH, &["sys/", "fuse/", "fs/holders.rs"]),
    home("unsafe", BOTH, &["sys/", "entry/constructor.rs"]),
    home("kube", BOTH, &["cluster/kubernetes/"]),
    home("k8s_openapi", BOTH, &["cluster/kubernetes/"]),
    home("tracing_opentelemetry", BOTH, &["otel.rs", "log.rs"]),
    home("env::var", PRODUCT, ENVIRONMENT),
    home("env::var_os", PRODUCT, ENVIRONMENT),
    home("env::vars", PRODUCT, ENVIRONMENT),
    home("env::vars_os", PRODUCT, ENVIRONMENT),
    home("env::set_var", PRODUCT, &["sys/process.rs"]),
    home("env::remove_var", PRODUCT, &["sys/process.rs"]),
    home("process::Command", PRODUCT, PROCESSES),
];

/// Files that read the environment: settings, the caller's of a task and of a guardian, and secrets that a
/// user names.
const ENVIRONMENT: &[&str] = &[
    "host/config/",
    "cluster/task/environment.rs",
    "mount/guardian.rs",
    "declare/secret/mod.rs",
];

/// Files that start processes: those of a call and of a mount, the programs of a secret and of Slurm, and
/// `fusermount3`.
const PROCESSES: &[&str] = &[
    "local/caller/process.rs",
    "local/init/job.rs",
    "mount/guardian.rs",
    "declare/secret/program.rs",
    "declare/secret/source.rs",
    "cluster/slurm/command.rs",
    "fuse/mounts.rs",
];

#[test]
fn third_party_names_and_unsafe_stand_in_their_homes() {
    let mut violations = Vec::new();
    for home in &HOMES {
        let of = CRATES.iter().filter(|name| home.crates.contains(name));
        for module in of.flat_map(|name| modules(name)) {
            let (_, path) = module.file.split_once("/src/").unwrap();
            if home.at.iter().any(|at| path.contains(at)) {
                continue;
            }
            for (at, line) in module.code.lines().enumerate() {
                if home.name.split("::").all(|part| has_word(line, part)) {
                    violations.push(format!("{}:{}: `{}`", module.file, at + 1, home.name));
                }
            }
        }
    }
    none("a name stands outside of its home", &violations);
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[test]
fn words_are_found_whole() {
    assert!(has_word("use libc::c_int;", "libc"));
    assert!(!has_word("use mylibc::c_int;", "libc"));
    assert!(!has_word("unsafe_code", "unsafe"));
}

//! Environment of a body.

use std::collections::BTreeMap;
use std::fs;

use stub_runtime::Secret;
use stub_test_support::is_root;

use crate::harness::{call, register};

fn variables() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

register!(VARIABLES, |(): ()| Ok(variables()));
register!(
    WITH_SECRET,
    |(): ()| Ok(variables()),
    secrets = || {
        let entries = [("TOKEN", "hunter2"), ("AWS_SESSION_TOKEN", "handed over")];
        Ok(vec![Secret::from_dict(entries)])
    }
);
register!(FOLDER, |(): ()| Ok(std::env::current_dir().unwrap()));
register!(DESCRIPTORS, |(): ()| {
    let entries = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(Result::ok);
    let target = |entry: fs::DirEntry| {
        Some((
            entry.file_name().into_string().ok()?,
            fs::read_link(entry.path()).ok()?,
        ))
    };
    Ok(entries.filter_map(target).collect::<BTreeMap<_, _>>())
});
register!(PROCESSES, |(): ()| {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    Ok((std::process::id(), pids.collect::<Vec<_>>()))
});
register!(STATUS, |(): ()| Ok(
    fs::read_to_string("/proc/self/status").unwrap()
));
register!(PARENT_VARIABLES, |(): ()| {
    Ok(fs::read("/proc/1/environ")
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .ok())
});

#[test]
fn the_environment_is_the_callers_without_credentials_and_without_our_traces() {
    // Given by `act`, which sets what a shell would have exported.
    let found = act("environment::credentials_act", &OTHER_CREDENTIALS);
    assert!(found.contains("KEEP=kept"), "{found}");
    assert!(found.contains("AWS_REGION=eu-west-1"), "{found}");
    for absent in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN=outer",
    ] {
        assert!(!found.contains(absent), "{absent} in {found}");
    }
    for (absent, _) in OTHER_CREDENTIALS {
        assert!(!found.contains(absent), "{absent} in {found}");
    }
    assert!(!found.contains("\nSTUB_PROCESS"), "{found}");
    assert!(!found.contains("sup3rs3cret"), "{found}");
    assert!(found.contains("secret TOKEN=hunter2"), "{found}");
    assert!(
        found.contains("secret AWS_SESSION_TOKEN=handed over"),
        "{found}"
    );
}

/// Process with other variables for the test above; not a test itself.
#[test]
#[ignore = "run by another test"]
#[expect(clippy::print_stdout, reason = "how the act answers")]
fn credentials_act() {
    for (name, value) in call::<BTreeMap<String, String>>(&VARIABLES, ()).unwrap() {
        println!("{name}={value}");
    }
    for (name, value) in call::<BTreeMap<String, String>>(&WITH_SECRET, ()).unwrap() {
        println!("secret {name}={value}");
    }
    println!(
        "init {:?}",
        call::<Option<String>>(&PARENT_VARIABLES, ()).unwrap()
    );
}

/// Other variables from which the supervisor, or this program's command line, may get a secret.
const OTHER_CREDENTIALS: [(&str, &str); 10] = [
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "sup3rs3cret"),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent"),
    ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
    ("MODAL_IDENTITY_TOKEN", "sup3rs3cret"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
    ("AWS_CONFIG_FILE", "/nonexistent"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=sup3rs3cret"),
    ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "k=sup3rs3cret"),
    ("STUB_SERVE_SECRET", "sup3rs3cret"),
];

fn act(name: &str, more: &[(&str, &str)]) -> String {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", name, "--nocapture"])
        .envs([
            ("KEEP", "kept"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_SESSION_TOKEN", "outer"),
        ])
        .envs([
            ("AWS_ACCESS_KEY_ID", "sup3rs3cret"),
            ("AWS_SECRET_ACCESS_KEY", "sup3rs3cret"),
        ])
        .env("STUB_PROCESS", "worker:0:12345")
        .envs(more.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_working_folder_is_the_callers() {
    let folder: std::path::PathBuf = call(&FOLDER, ()).unwrap();
    assert_eq!(folder, std::env::current_dir().unwrap());
}

#[test]
fn nothing_but_standard_streams_and_its_own_socket_is_open() {
    // Leaks into every child, as a careless library's would.
    let leak = fs::File::open("/etc/hostname").unwrap();
    let copy = nix::unistd::dup(&leak).unwrap();
    let open: BTreeMap<String, std::path::PathBuf> = call(&DESCRIPTORS, ()).unwrap();
    drop(copy);
    for (number, target) in &open {
        let standard = number.parse::<u32>().unwrap() < 3;
        let target = target.to_str().unwrap();
        let own = ["socket:", "/proc/"]
            .iter()
            .any(|start| target.starts_with(start));
        assert!(standard || own, "{number} is {target}");
    }
}

#[test]
fn a_body_sees_only_its_own_processes() {
    let (own, seen): (u32, Vec<u32>) = call(&PROCESSES, ()).unwrap();
    assert_eq!(
        seen,
        [1, own],
        "itself and the first process of its namespace"
    );
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap()
}

/// Bit mask of signals 32 and 33, which are the C library's own; its `posix_spawn` leaves them ignored.
const INTERNAL: u64 = 0b11 << 31;

#[test]
fn signals_are_as_in_a_fresh_program() {
    let status: String = call(&STATUS, ()).unwrap();
    assert_eq!(field(&status, "SigBlk:"), 0);
    let own = fs::read_to_string("/proc/self/status").unwrap();
    assert_eq!(
        field(&status, "SigIgn:") & !INTERNAL,
        field(&own, "SigIgn:") & !INTERNAL
    );
}

#[test]
fn a_body_has_the_powers_of_its_caller_and_an_ordinary_users_has_none() {
    let status: String = call(&STATUS, ()).unwrap();
    let own = fs::read_to_string("/proc/self/status").unwrap();
    let root = is_root();
    for set in ["CapEff:", "CapPrm:"] {
        assert_eq!(field(&status, set), field(&own, set), "{set}");
        assert!(root || field(&status, set) == 0, "{set}");
    }
    assert_eq!(field(&status, "NoNewPrivs:"), u64::from(!root));
}

register!(WAITS_FOR_A_PIPE, |path: std::path::PathBuf| {
    // Opened when the test reads from it, and at its end when the test has closed it.
    fs::write(&path, "begun").unwrap();
    Ok(fs::read(&path).unwrap())
});

#[test]
fn what_leaks_into_a_supervisor_is_not_kept_open_by_it() {
    let (reading, writing) = nix::unistd::pipe().unwrap();
    let (_guard, path) = crate::harness::folder();
    let pipe = path.join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| call::<Vec<u8>>(&WAITS_FOR_A_PIPE, pipe.clone()).unwrap());
        assert_eq!(fs::read(&pipe).unwrap(), b"begun");
        drop(writing);
        // Its end is seen while the body goes on. Calls of other tests may have the other end for a moment.
        let mut watched = [nix::poll::PollFd::new(
            std::os::fd::AsFd::as_fd(&reading),
            nix::poll::PollFlags::POLLIN,
        )];
        let ended = nix::poll::poll(&mut watched, 20_000_u16).unwrap();
        fs::write(&pipe, "over").unwrap();
        assert_eq!(call.join().unwrap(), b"over");
        assert_eq!(ended, 1, "somebody still has the other end");
    });
}

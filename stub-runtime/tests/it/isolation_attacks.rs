//! Attacks of a hostile job on the isolation from the host.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stub_runtime::__private::Options;
use stub_runtime::call::{CallSpec, Ended, Limits, Work};
use stub_runtime::engines::run_command;
use stub_runtime::local::Canceller;
use stub_runtime::{Error, ErrorKind, Retries};
use stub_test_support::is_root;

use crate::harness::{call, folder, register};

register!(
    CONNECTS,
    |names: Vec<PathBuf>| {
        let connects = |name: &PathBuf| UnixStream::connect(name).is_ok();
        Ok(names.into_iter().filter(connects).collect::<Vec<_>>())
    },
    options = || Options::new().isolate(true).network(false)
);

/// Accepts connections until the test's process ends.
fn serve(listener: UnixListener) {
    thread::spawn(move || while listener.accept().is_ok() {});
}

/// Runs an ignored test of this file in a separate process.
fn act(name: &str, prepare: impl FnOnce(&mut Command)) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", name, "--nocapture"]);
    prepare(&mut command);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

fn connects(names: Vec<PathBuf>) -> Vec<PathBuf> {
    call(&CONNECTS, names).unwrap()
}

/// Abstract socket name that is not UTF-8; any process of the machine may bind one.
#[test]
fn a_name_that_is_no_text_hides_no_socket_from_the_list() {
    // Outside of the folders that are replaced.
    let Ok(folder) = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")) else {
        return; // An ordinary user's run, of a program that another has built.
    };
    let name = [b"\xff\xfe".as_slice(), &std::process::id().to_ne_bytes()].concat();
    let address = SocketAddr::from_abstract_name(name).unwrap();
    let _bound = UnixListener::bind_addr(&address).unwrap();
    let path = folder.path().join("s");
    serve(UnixListener::bind(&path).unwrap());
    assert_eq!(connects(vec![path]), Vec::<PathBuf>::new());
}

#[test]
fn sockets_in_the_working_folder_are_not_reached() {
    let (_guard, path) = folder();
    let work = path.join("work");
    fs::create_dir_all(&work).unwrap();
    act("isolation_attacks::working_folder_act", |command| {
        command.current_dir(&work).env("TMPDIR", path.join("tmp"));
    });
}

#[test]
#[ignore = "run by another test"]
fn working_folder_act() {
    let work = std::env::current_dir().unwrap();
    serve(UnixListener::bind(work.join("absolute")).unwrap());
    serve(UnixListener::bind("relative").unwrap());
    fs::write("file", "text").unwrap();
    let names = ["absolute", "relative"].map(|name| work.join(name));
    assert!(names.iter().all(|name| UnixStream::connect(name).is_ok()));
    assert_eq!(connects(names.to_vec()), Vec::<PathBuf>::new());
}

/// Descriptors of a folder or a socket, which a shell may leave open, and by which everything hidden
/// would be reachable.
#[test]
fn an_isolated_command_gets_no_folders_from_its_caller() {
    let (_guard, path) = folder();
    fs::write(path.join("file"), "file").unwrap();
    let me = std::env::current_exe().unwrap();
    let output = Command::new("bash")
        .args(["-c", "exec \"$0\" \"$@\" 9< . 8< file 7< <(echo pipe)"])
        .arg(me)
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("isolation_attacks::descriptors_act")
        .current_dir(&path)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(said.contains("filepipe"), "{said}");
}

#[test]
#[ignore = "run by another test"]
fn descriptors_act() {
    let script = "test ! -e /proc/self/fd/9 && cat <&8 && cat <&7";
    assert_eq!(isolated(script), Ended::Exited { code: 0 });
}

/// Runs a script in isolation, without a network.
fn isolated(script: &str) -> Ended {
    let spec = CallSpec {
        version: CallSpec::VERSION,
        name: None,
        work: Work::Command {
            program: "sh".into(),
            arguments: ["-c", script].map(Into::into).to_vec(),
        },
        volumes: Vec::new(),
        environment: BTreeMap::new(),
        timeout: None,
        network: false,
        isolate: true,
        limits: Limits::default(),
        workdir: PathBuf::from("/"),
    };
    let outcome = run_command(&spec, &Retries::default(), &Canceller::default());
    outcome.unwrap().ended
}

/// Privileges as in a container whose root may not mount: its user namespace would give the job all
/// capabilities.
#[test]
fn an_isolated_job_of_a_root_that_may_not_mount_has_no_capabilities() {
    if !is_root() {
        return;
    }
    let dropped = Command::new("setpriv")
        .args(["--bounding-set", "-sys_admin"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("isolation_attacks::capabilities_act")
        .output()
        .unwrap();
    assert!(dropped.status.success(), "{dropped:?}");
}

#[test]
#[ignore = "run by another test"]
fn capabilities_act() {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    assert!(!status.contains("CapEff:\t0000000000000000"), "{status}");
    let script = "cat /proc/self/uid_map | grep '^ *0 *0 *1$' &&
        test $(grep -c 'Cap.*:.0000000000000000' /proc/self/status) = 5 && ! umount /run";
    assert_eq!(isolated(script), Ended::Exited { code: 0 });
}

register!(
    SIGNALS,
    |(): ()| {
        // By number 0, a whole process group: that of the caller, in whatever pid namespaces its
        // processes are.
        let _ = kill(Pid::from_raw(0), Signal::SIGWINCH);
        Ok(())
    },
    options = || Options::new().isolate(true).network(false)
);

register!(
    SIGNALS_WITH_NETWORK,
    |(): ()| {
        let _ = kill(Pid::from_raw(0), Signal::SIGWINCH);
        Ok(())
    },
    options = || Options::new().isolate(true)
);

#[test]
fn an_isolated_job_can_not_signal_the_process_group_of_its_caller() {
    // SIGWINCH ends nobody who doesn't want it.
    let script = "trap 'exit 7' WINCH; echo ready; read line; exit 0";
    let mut witness = Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    witness
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut ready)
        .unwrap();
    let has_landlock = match call::<()>(&SIGNALS_WITH_NETWORK, ()) {
        Ok(()) => true,
        Err(Error {
            kind: ErrorKind::Sandbox { .. },
            ..
        }) => false,
        Err(error) => panic!("{error}"),
    };
    if has_landlock {
        call::<()>(&SIGNALS, ()).unwrap();
    }
    drop(witness.stdin.take());
    assert_eq!(witness.wait().unwrap().code(), Some(0));
}

#[test]
fn an_isolated_job_can_not_change_control_groups() {
    let script =
        "test ! -d /sys/fs/cgroup || grep -q ' /sys/fs/cgroup ro[, ]' /proc/self/mountinfo";
    assert_eq!(isolated(script), Ended::Exited { code: 0 });
}

register!(
    WRITES,
    |paths: Vec<PathBuf>| {
        let writes = |path: &PathBuf| fs::write(path, "hostile").is_ok();
        Ok(paths.into_iter().filter(writes).collect::<Vec<_>>())
    },
    options = || Options::new().isolate(true).network(false)
);

/// Dot-files that are links into another folder, as is common for files that a shell reads or runs.
#[test]
fn folders_of_linked_dot_files_and_of_programs_are_read_only() {
    let Ok(folder) = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")) else {
        return; // An ordinary user's run, of a program that another has built.
    };
    let home = folder.path();
    for name in [
        "dotfiles/bash",
        "via",
        "bin",
        "tools/bin",
        "tools/work",
        "work",
    ] {
        fs::create_dir_all(home.join(name)).unwrap();
    }
    fs::write(home.join("dotfiles/bash/bashrc"), "plain").unwrap();
    symlink("via/bashrc", home.join(".bashrc")).unwrap();
    symlink("../dotfiles/bash/bashrc", home.join("via/bashrc")).unwrap();
    for work in ["work", "tools/work"] {
        act("isolation_attacks::home_act", |command| {
            let path = format!("{}:/usr/bin:/bin", home.join("tools/bin").display());
            command.envs([("HOME", home), ("PATH", Path::new(&path))]);
            command
                .env("TMPDIR", home.join("tmp"))
                .current_dir(home.join(work));
        });
    }
}

#[test]
#[ignore = "run by another test"]
fn home_act() {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    let work = std::env::current_dir().unwrap().join("new");
    let tried = [
        "dotfiles/bash/bashrc",
        "dotfiles/new",
        "via/new",
        "bin/new",
        "tools/bin/new",
        "tools/new",
    ];
    let mut paths = tried.map(|name| home.join(name)).to_vec();
    paths.push(work.clone());
    let written: Vec<PathBuf> = call(&WRITES, paths).unwrap();
    assert_eq!(written, [work]);
}

//! `kill -9` of each process, and processes that a body leaves behind.

use std::process::{Child, Command, Stdio};

use stub_runtime::{Error, ErrorKind};
use stub_test_support::eventually;

use crate::harness::{call, no_mounts, ours, pid, register, with_text};

register!(LEAVES, |(): ()| {
    let script = "setsid sleep 86402.5 >/dev/null 2>&1 & setsid setsid sleep 86402.5 & exit 0";
    Ok(Command::new("sh")
        .args(["-c", script])
        .status()
        .unwrap()
        .success())
});
register!(SUPERVISOR_DIES, |(): ()| sleep("86403.5"));
register!(WORKER_DIES, |(): ()| sleep("86404.5"));
register!(INIT_DIES, |(): ()| sleep("86405.5"));
register!(CALLER_DIES, |(): ()| sleep("86406.5"));
register!(OUTER_DIES, |(): ()| {
    let inner: Result<(), Error> = call(&INNER_OF_DEAD, ());
    inner.unwrap();
    Ok(())
});
register!(INNER_OF_DEAD, |(): ()| sleep("86407.5"));

#[expect(clippy::unnecessary_wraps, reason = "a body's type")]
fn sleep(seconds: &str) -> crate::harness::Invoked<()> {
    Command::new("sleep").arg(seconds).status().unwrap();
    Ok(())
}

fn kill(pid: i32) {
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}

/// Returns the process of a function with this name in the kernel.
fn process_of(function: &str, name: &str) -> i32 {
    let named = |one: &String| {
        let comm = std::fs::read_to_string(format!("/proc/{}/comm", pid(one)));
        comm.is_ok_and(|comm| comm.trim_end() == name)
    };
    eventually(name, || {
        ours(function).into_iter().find(named).map(|one| pid(&one))
    })
}

/// Calls in another thread, kills one process once the body runs, and returns the call's error.
fn killing(function: &'static stub_runtime::__private::Function, mark: &str, name: &str) -> Error {
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| call::<()>(function, ()));
        eventually("the body runs", || {
            (with_text(mark).len() == 1).then_some(())
        });
        kill(process_of(function.name, name));
        let error = caller.join().unwrap().unwrap_err();
        eventually("all is gone", || with_text(mark).is_empty().then_some(()));
        error
    })
}

#[test]
fn what_a_body_leaves_running_dies_with_it() {
    assert!(call::<bool>(&LEAVES, ()).unwrap());
    assert_eq!(with_text("86402.5"), Vec::<String>::new());
}

#[test]
fn a_killed_worker_is_reported_as_killed() {
    let error = killing(&WORKER_DIES, "86404.5", "stub-worker");
    assert!(
        matches!(error.kind, ErrorKind::Killed { signal: 9, .. }),
        "{error:?}"
    );
}

#[test]
fn a_killed_init_is_reported_as_a_killed_body() {
    let error = killing(&INIT_DIES, "86405.5", "stub-init");
    assert!(
        matches!(error.kind, ErrorKind::Killed { signal: 9, .. }),
        "{error:?}"
    );
}

#[test]
fn a_killed_supervisor_takes_the_body_with_it_and_is_reported() {
    std::thread::scope(|scope| {
        let payload = stub_runtime::__private::Payload::encode(&()).unwrap();
        let caller = scope.spawn(move || stub_runtime::engines::run(&SUPERVISOR_DIES, &payload));
        eventually("the body runs", || {
            (with_text("86403.5").len() == 1).then_some(())
        });
        kill(process_of("SUPERVISOR_DIES", "stub-supervisor"));
        let error = caller.join().unwrap().unwrap_err();
        let ErrorKind::Lost { reason, .. } = &error.kind else {
            panic!("{error:?}")
        };
        assert!(reason.contains("signal 9"), "{reason}");
    });
    eventually("all is gone", || {
        with_text("86403.5").is_empty().then_some(())
    });
    eventually("all is gone", || {
        ours("SUPERVISOR_DIES").is_empty().then_some(())
    });
    no_mounts();
}

/// Runs one of the ignored tests below in a separate process.
fn victim(name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", name])
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_caller_takes_everything_with_it() {
    for (act, function, mark) in [
        ("death::caller_act", "CALLER_DIES", "86406.5"),
        ("death::nested_caller_act", "OUTER_DIES", "86407.5"),
    ] {
        let mut caller = victim(act);
        eventually("the body runs", || {
            (with_text(mark).len() == 1).then_some(())
        });
        caller.kill().unwrap();
        caller.wait().unwrap();
        eventually("the body is gone", || {
            with_text(mark).is_empty().then_some(())
        });
        eventually("all is gone", || ours(function).is_empty().then_some(()));
        eventually("all is gone", || {
            ours("INNER_OF_DEAD").is_empty().then_some(())
        });
    }
    no_mounts();
}

#[test]
#[ignore = "run by another test"]
fn caller_act() {
    call::<()>(&CALLER_DIES, ()).unwrap();
}

#[test]
#[ignore = "run by another test"]
fn nested_caller_act() {
    call::<()>(&OUTER_DIES, ()).unwrap();
}

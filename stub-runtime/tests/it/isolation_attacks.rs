//! Ways by which a hostile job goes past what covers the host from it.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread;

use stub_runtime::__private::Options;

use crate::harness::{call, folder, register};

register!(
    CONNECTS,
    |names: Vec<PathBuf>| {
        let connects = |name: &PathBuf| UnixStream::connect(name).is_ok();
        Ok(names.into_iter().filter(connects).collect::<Vec<_>>())
    },
    options = || Options::new().isolate(true).network(false)
);

/// Takes connections until the test's process ends.
fn serve(listener: UnixListener) {
    thread::spawn(move || while listener.accept().is_ok() {});
}

/// Runs an ignored test of this file in a process of its own.
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

/// Any process of the machine may bind such a name.
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

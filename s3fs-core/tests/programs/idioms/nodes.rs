//! FIFOs and sockets.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use rustix::fs::{CWD, FileType, Mode, mkfifoat, mknodat};
use rustix::io::Errno;

use super::{errno, there};
use crate::place::Place;
use crate::run::{program, sh};

#[test]
fn a_fifo_connects_two_processes() {
    let place = Place::new();
    mkfifoat(CWD, place.at("pipe"), Mode::from_raw_mode(0o600)).unwrap();
    let mut writer = program("sh", place.path());
    let mut writer = writer.args(["-c", "seq 10000 > pipe"]).spawn().unwrap();
    let sum = sh(place.path(), "awk '{s += $1} END {print s}' < pipe");
    assert!(writer.wait().unwrap().success());
    assert_eq!(sum, "50005000");
    fs::remove_file(place.at("pipe")).unwrap();
    assert!(!there(&place.at("pipe")));
}

#[test]
fn a_fifo_is_there_on_a_fresh_mount() {
    let place = Place::new();
    mkfifoat(CWD, place.at("pipe"), Mode::from_raw_mode(0o640)).unwrap();
    let place = place.check_fresh();
    let listed = fs::read_dir(place.path()).unwrap().next().unwrap();
    assert!(listed.unwrap().file_type().unwrap().is_fifo());
    let kind = fs::symlink_metadata(place.at("pipe")).unwrap().file_type();
    assert!(kind.is_fifo());
    let again = mkfifoat(CWD, place.at("pipe"), Mode::from_raw_mode(0o640));
    assert_eq!(errno(again), Errno::EXIST);
    fs::rename(place.at("pipe"), place.at("moved")).unwrap();
    let fresh = place.check_fresh();
    let kind = fs::symlink_metadata(fresh.at("moved")).unwrap().file_type();
    assert!(kind.is_fifo());
}

#[test]
fn a_socket_is_bound_and_connected_to() {
    let place = Place::new();
    // A socket's path has 107 bytes at most, so that it is reached from inside the folder.
    let folder = fs::File::open(place.path()).unwrap();
    let path = format!(
        "/proc/self/fd/{}/socket",
        std::os::fd::AsRawFd::as_raw_fd(&folder)
    );
    let listener = UnixListener::bind(&path).unwrap();
    assert_eq!(errno(UnixListener::bind(&path)), Errno::ADDRINUSE);
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        stream.write_all(text.to_uppercase().as_bytes()).unwrap();
    });
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"hello").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "HELLO");
    serving.join().unwrap();
    let kind = fs::symlink_metadata(place.at("socket"))
        .unwrap()
        .file_type();
    assert!(kind.is_socket());
    assert_eq!(errno(UnixStream::connect(&path)), Errno::CONNREFUSED);
    fs::remove_file(place.at("socket")).unwrap();
    UnixListener::bind(&path).unwrap();
    drop(folder);
    place.check_fresh();
}

#[test]
fn a_file_is_made_as_a_node() {
    let place = Place::new();
    let mode = Mode::from_raw_mode(0o640);
    mknodat(CWD, place.at("file"), FileType::RegularFile, mode, 0).unwrap();
    assert_eq!(fs::read(place.at("file")).unwrap(), b"");
    fs::write(place.at("file"), "content").unwrap();
    assert_eq!(place.object("file").unwrap(), b"content");
    place.check_fresh();
}

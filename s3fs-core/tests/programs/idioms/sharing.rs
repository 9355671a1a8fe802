//! Files used by several handles or processes at the same time.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::thread;
use std::time::SystemTime;

use stub_test_support::noise;

use super::{KIB, MIB, create, open};
use crate::place::Place;
use crate::run::{program, sh};

fn appending(place: &Place, name: &str) -> File {
    let mut options = OpenOptions::new();
    options
        .append(true)
        .create(true)
        .open(place.at(name))
        .unwrap()
}

#[test]
fn another_handle_sees_each_byte_at_once() {
    let place = Place::new();
    let mut writer = create(&place.at("log"));
    let mut reader = File::open(place.at("log")).unwrap();
    for number in 0..300 {
        let line = format!("line {number}\n");
        writer.write_all(line.as_bytes()).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, line);
        assert_eq!(about(&reader), about(&writer));
    }
}

/// Returns the length and the modification time of an open file.
fn about(file: &File) -> (u64, SystemTime) {
    let about = file.metadata().unwrap();
    (about.len(), about.modified().unwrap())
}

#[test]
fn two_writers_of_one_file_do_not_undo_each_other() {
    let place = Place::new();
    fs::write(place.at("file"), vec![b'.'; 10 * MIB]).unwrap();
    place.settle();
    let (one, other) = (open(&place.at("file")), open(&place.at("file")));
    for number in 0..200_u64 {
        one.write_all_at(b"1", number * 50_000).unwrap();
        other.write_all_at(b"2", number * 50_000 + 1).unwrap();
    }
    drop(one);
    other.write_all_at(b"3", 2).unwrap();
    drop(other);
    let mut wanted = vec![b'.'; 10 * MIB];
    for number in 0..200 {
        wanted[number * 50_000..][..2].copy_from_slice(b"12");
    }
    wanted[2] = b'3';
    assert!(fs::read(place.at("file")).unwrap() == wanted);
    assert!(place.object("file").unwrap() == wanted);
}

#[test]
fn appending_goes_to_the_end_whoever_moved_it() {
    let place = Place::new();
    let mut one = appending(&place, "log");
    let mut other = appending(&place, "log");
    let mut wanted = String::new();
    for number in 0..100 {
        let line = format!("{number}\n");
        one.write_all(line.as_bytes()).unwrap();
        other.write_all(line.to_uppercase().as_bytes()).unwrap();
        wanted += &line.repeat(2);
    }
    assert_eq!(fs::read_to_string(place.at("log")).unwrap(), wanted);
    drop((one, other));
    let place = place.check_fresh();
    appending(&place, "log").write_all(b"more\n").unwrap();
    wanted += "more\n";
    assert_eq!(place.object("log").unwrap(), wanted.as_bytes());
}

#[test]
fn a_large_log_is_appended_to_and_read() {
    let place = Place::new();
    let mut wanted = noise(20 * MIB);
    fs::write(place.at("log"), &wanted).unwrap();
    let place = place.fresh();
    for number in 0..5_u8 {
        let more = vec![number; 300 * KIB];
        appending(&place, "log").write_all(&more).unwrap();
        wanted.extend_from_slice(&more);
        assert!(fs::read(place.at("log")).unwrap() == wanted, "{number}");
    }
    assert!(place.object("log").unwrap() == wanted);
}

#[test]
fn no_line_of_two_processes_is_lost_or_torn() {
    let place = Place::new();
    let script = "for i in $(seq 300); do echo \"$1 $i\" >> log; done";
    let run = |name: &'static str| {
        let mut command = program("bash", place.path());
        command.args(["-ec", script, "bash", name]).spawn().unwrap()
    };
    for mut process in [run("one"), run("two")] {
        assert!(process.wait().unwrap().success());
    }
    let text = fs::read_to_string(place.at("log")).unwrap();
    for name in ["one", "two"] {
        let of = |line: &&str| line.starts_with(name);
        let numbers: Vec<&str> = text.lines().filter(of).map(|line| &line[4..]).collect();
        let wanted: Vec<String> = (1..=300).map(|number| number.to_string()).collect();
        assert_eq!(numbers, wanted, "{name}");
    }
    assert_eq!(text.lines().count(), 600);
    place.check_fresh();
}

#[test]
fn threads_write_parts_of_one_file() {
    let place = Place::new();
    let content = noise(16 * MIB);
    create(&place.at("file")).set_len(16 * MIB as u64).unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let (place, content) = (&place, &content);
            scope.spawn(move || {
                let file = open(&place.at("file"));
                for number in (thread..64).step_by(4) {
                    let at = number * 256 * KIB;
                    let piece = &content[at..at + 256 * KIB];
                    file.write_all_at(piece, at as u64).unwrap();
                }
            });
        }
    });
    assert!(fs::read(place.at("file")).unwrap() == content);
    place.check_fresh();
}

#[test]
fn a_descriptor_is_inherited_and_written_by_both() {
    let place = Place::new();
    let mut file = create(&place.at("out"));
    file.write_all(b"parent\n").unwrap();
    let mut child = program("sh", place.path());
    child.args(["-c", "echo child; sleep 0.2; echo again"]);
    let shared = Stdio::from(file.try_clone().unwrap());
    let mut child = child.stdout(shared).spawn().unwrap();
    assert!(child.wait().unwrap().success());
    file.write_all(b"parent\n").unwrap();
    drop(file);
    assert_eq!(
        place.object("out").unwrap(),
        b"parent\nchild\nagain\nparent\n"
    );
}

#[test]
fn one_process_follows_what_another_writes() {
    let place = Place::new();
    sh(
        place.path(),
        "touch log
         timeout 60 tail -n +1 -s 0.1 -F log > seen 2>/dev/null & tail=$!
         for i in $(seq 20); do echo $i >> log; done
         until [ \"$(wc -l < seen)\" = 20 ]; do sleep 0.1; kill -0 $tail; done
         kill $tail; cmp log seen",
    );
    place.check_fresh();
}

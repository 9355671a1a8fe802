//! Examples, checked against the promises of the readme, for root and for an ordinary user.

use std::path::PathBuf;
use std::process::Command;

use stub_test_support::{Clean, as_nobody, copied, is_root};

use crate::act::output;

/// Returns the path of a program of this workspace, beside this test's own in the target folder.
pub(crate) fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join(name);
    assert!(
        program.exists(),
        "{} is missing: `cargo test --workspace` builds it",
        program.display()
    );
    program
}

fn everyone(name: &str, check: impl Fn(&str)) {
    if !is_root() {
        return; // The ordinary user's run is a part of root's.
    }
    let _clean = Clean::start();
    let program = built("examples").join(name);
    let (_folder, copy) = copied(&program);
    for mut command in [Command::new(&program), as_nobody(&Command::new(copy))] {
        let (good, text) = output(&mut command);
        assert!(good, "{text}");
        check(&text);
    }
}

#[test]
fn ls_bucket() {
    everyone("ls_bucket", |text| {
        for part in [
            "the bucket `examples` as the folder /my-mount",
            "hello.txt",
            "ozymandias.txt",
        ] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
        assert!(text.ends_with("/my-mount exists here: false\n"), "{text}");
    });
}

#[test]
fn read_only() {
    everyone("read_only", |text| {
        assert_eq!(
            text,
            "the bucket `examples` has 2 entries at its top\n\
             writing to it is refused: Read-only file system (os error 30)\n"
        );
    });
}

#[test]
fn word_count() {
    everyone("word_count", |text| {
        assert_eq!(
            text,
            "       4 /my-mount/hello.txt\n      \
             22 /my-mount/poems/ozymandias.txt\n       \
             6 /my-mount/poems/short.txt\n      \
             32 in the bucket `examples`\n"
        );
    });
}

#[test]
fn word_count_cluster() {
    everyone("word_count_cluster", |text| {
        assert!(
            text.ends_with("in 3 files of the bucket `examples`\n"),
            "{text}"
        );
    });
}

#[test]
fn thumbnails() {
    everyone("thumbnails", |text| {
        assert!(text.starts_with("00.png: 96 x 72\n"), "{text}");
        assert!(
            text.ends_with("24 thumbnails are in the bucket `examples`\n"),
            "{text}"
        );
    });
}

#[test]
fn parquet_stats() {
    everyone("parquet_stats", |text| {
        assert!(text.starts_with(PARQUET_STATS), "{text}");
        assert!(
            text.ends_with(
                "\n\n6 files in the bucket `examples`: 240000 rows in 24 row groups, \
                 27916 KiB, 2400 nulls\n"
            ),
            "{text}"
        );
    });
}

const PARQUET_STATS: &str = "\
weather/00.parquet: 40000 rows in 4 row groups, 4621 KiB
  column           type                                      min                  max    nulls
  time             INT64 TIMESTAMP_MILLIS          1704067200000        1706467140000        0
  station          BYTE_ARRAY UTF8                        Bergen                Vardø        0
  temperature      DOUBLE                                    -20                 29.9      400
  report           BYTE_ARRAY UTF8          Bergen, minute 0: cl Vardø, minute 99: cl        0

weather/01.parquet: ";

#[test]
fn of_parquet_files_little_more_than_their_footers_is_fetched() {
    let _clean = Clean::start();
    let mut command = Command::new(built("examples").join("parquet_stats"));
    let (good, text) = output(command.env("STUB_SUMMARY", "1"));
    assert!(good, "{text}");
    let mut lines = text
        .lines()
        .filter_map(|line| line.split_once("stats took "));
    let (_, summary) = lines.next().unwrap();
    let read = summary.split("read ").nth(1).unwrap();
    let read: f64 = read.split(" MiB").next().unwrap().parse().unwrap();
    assert!(0.0 < read && read < 27.0 / 4.0, "{text}");
}

#[test]
fn a_bucket_that_does_not_exist_is_said_in_words() {
    let _clean = Clean::start();
    let mut command = Command::new(built("examples").join("ls_bucket"));
    command
        .args([
            "--bucket",
            "absent",
            "--endpoint-url",
            "http://127.0.0.1:1",
            "--force-path-style",
        ])
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    let (good, text) = output(&mut command);
    assert!(
        !good && text.contains("the endpoint does not answer"),
        "{text}"
    );
}

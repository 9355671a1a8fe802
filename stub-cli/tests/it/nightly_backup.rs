//! The example of a job without Rust, `examples/nightly_backup`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

use s3_local::{S3Local, Server};
use tempfile::TempDir;

use crate::program;

/// Pause of more than a second, since backup names have a resolution of one second.
const LATER: Duration = Duration::from_millis(1100);

/// Starts a server with backups of fourteen nights, the number that the job retains.
fn server() -> Server {
    let server = S3Local::builder().start();
    server.create_bucket("backups");
    for day in 1..=14 {
        server.put("backups", &old(day), "old");
    }
    server
}

fn old(day: u32) -> String {
    format!("nightly/backup-2020-01-{day:02}T030000Z.tar.gz")
}

/// Creates a copy of the example beside a database and a folder, with the server's keys.
fn folder(server: &Server) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/nightly_backup");
    for file in ["stub.toml", "backup.sh"] {
        fs::copy(example.join(file), folder.path().join(file)).unwrap();
    }
    change(&folder, "http://127.0.0.1:9000", &server.endpoint_url());
    change(&folder, "\"5m\"", "\"1s\"");
    let (id, secret) = (server.access_key_id(), server.secret_access_key());
    let keys = folder.path().join("backups.env");
    let text = format!("AWS_ACCESS_KEY_ID={id}\nAWS_SECRET_ACCESS_KEY={secret}\n");
    fs::write(&keys, text).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    sqlite(folder.path(), "app.sqlite", "CREATE TABLE notes (text)");
    fs::create_dir(folder.path().join("uploads")).unwrap();
    folder
}

/// Changes the settings of the job.
fn change(folder: &TempDir, from: &str, to: &str) {
    let settings = folder.path().join("stub.toml");
    let text = fs::read_to_string(&settings).unwrap();
    assert!(text.contains(from), "no {from} in {text}");
    fs::write(&settings, text.replace(from, to)).unwrap();
}

/// Adds a note to the database, and a file.
fn work(folder: &TempDir, note: &str) {
    let insert = format!("INSERT INTO notes VALUES ('{note}')");
    sqlite(folder.path(), "app.sqlite", &insert);
    fs::write(folder.path().join("uploads/latest.txt"), note).unwrap();
}

fn sqlite(folder: &Path, database: &str, statement: &str) -> String {
    let mut sqlite = Command::new("sqlite3");
    said(sqlite.args([database, statement]).current_dir(folder))
}

/// Returns the output of a program; asserts that it succeeds.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn stub(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = program();
    command
        .args(arguments)
        .current_dir(folder.path())
        .env("XDG_CONFIG_HOME", folder.path().join("no-settings"))
        .env_remove("AWS_ACCESS_KEY_ID");
    command
}

/// Runs the job; returns the key of the new backup.
fn back_up(folder: &TempDir, server: &Server) -> String {
    let before = server.keys("backups");
    said(&mut stub(folder, &["jobs", "run", "nightly-backup"]));
    let mut new = server.keys("backups");
    new.retain(|key| !before.contains(key));
    assert_eq!(new.len(), 1, "{new:?}");
    new.remove(0)
}

/// Returns the notes and the file of a backup.
fn restored(server: &Server, key: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    fs::write(&archive, server.get("backups", key).unwrap()).unwrap();
    let mut tar = Command::new("tar");
    said(tar.arg("-xzf").arg(&archive).current_dir(folder.path()));
    (
        sqlite(folder.path(), "database.sqlite", "SELECT text FROM notes"),
        fs::read_to_string(folder.path().join("uploads/latest.txt")).unwrap(),
    )
}

#[test]
fn each_backup_restores_what_there_was_and_the_oldest_goes() {
    let server = server();
    let folder = folder(&server);
    work(&folder, "one");
    let first = back_up(&folder, &server);
    thread::sleep(LATER);
    work(&folder, "two");
    let second = back_up(&folder, &server);
    assert_eq!(restored(&server, &first), ("one\n".into(), "one".into()));
    assert_eq!(
        restored(&server, &second),
        ("one\ntwo\n".into(), "two".into())
    );
    let mut expected: Vec<_> = (3..=14).map(old).collect();
    expected.extend([first, second]);
    assert_eq!(server.keys("backups"), expected);
}

#[test]
fn a_backup_that_fails_leaves_nothing_and_takes_nothing() {
    let server = server();
    let folder = folder(&server);
    let before = server.keys("backups");
    let run = || -> Output {
        let mut run = stub(&folder, &["jobs", "run", "nightly-backup"]);
        run.output().unwrap()
    };
    // Without the folder, tar goes on and writes an archive of the rest.
    fs::remove_dir(folder.path().join("uploads")).unwrap();
    let output = run();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(
        text.matches("tar: uploads: Cannot stat").count(),
        3,
        "{text}"
    );
    fs::write(folder.path().join("app.sqlite"), "no database").unwrap();
    assert!(!run().status.success());
    fs::remove_file(folder.path().join("app.sqlite")).unwrap();
    let text = String::from_utf8(run().stderr).unwrap();
    assert!(text.contains("there is no database app.sqlite"), "{text}");
    assert_eq!(server.keys("backups"), before);
}

#[test]
fn it_is_listed_with_its_description_and_its_schedule() {
    let server = server();
    let folder = folder(&server);
    assert_eq!(
        said(&mut stub(&folder, &["jobs", "list"])),
        "nightly-backup  Backs up the database and the uploads, and keeps the latest 14. [0 3 * * *]\n"
    );
    let json = said(&mut stub(&folder, &["jobs", "list", "--json"]));
    assert!(json.contains("\"schedule\": \"0 3 * * *\""), "{json}");
}

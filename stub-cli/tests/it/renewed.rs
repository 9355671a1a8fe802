//! Keys of a secret that are exchanged while a program runs.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use s3_local::{Policy, S3Local};

use crate::program;

fn write_keys(folder: &Path, key: &str) {
    let path = folder.join("keys.env");
    let text = format!("AWS_ACCESS_KEY_ID={key}\nAWS_SECRET_ACCESS_KEY=secret\n");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn the_file_or_program_of_a_secret_is_read_again_when_the_bucket_refuses_its_keys() {
    for source in ["file = \"keys.env\"", "command = [\"cat\", \"keys.env\"]"] {
        let server = ["first", "second"]
            .into_iter()
            .fold(S3Local::builder(), |builder, key| {
                builder.access_key(key, "secret", Policy::read_write("data"))
            });
        let server = server.start();
        server.create_bucket("data");
        server.put("data", "a", "a\n");
        server.put("data", "b", "b\n");
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[secrets]\nkeys.{source}\n\n[buckets.data]\nendpoint_url = \"{}\"\nsecret = \"keys\"\n",
            server.endpoint_url()
        );
        fs::write(folder.path().join("stub.toml"), text).unwrap();
        write_keys(folder.path(), "first");
        let script = "cat /stub-in/a; read line; cat /stub-in/b; echo new >/stub-in/c";
        let mut running = program()
            .args(["run", "--volume", "/stub-in=s3://data"])
            .args(["--", "sh", "-c", script])
            .current_dir(folder.path())
            .env("XDG_CONFIG_HOME", folder.path().join("no-settings"))
            .env_remove("AWS_ACCESS_KEY_ID")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = BufReader::new(running.stdout.take().unwrap());
        let mut line = String::new();
        printed.read_line(&mut line).unwrap();
        assert_eq!(line, "a\n");
        server.revoke_key("first");
        write_keys(folder.path(), "second");
        running.stdin.take().unwrap().write_all(b"\n").unwrap();
        let mut rest = String::new();
        printed.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "b\n", "{source}");
        assert!(running.wait().unwrap().success());
        assert_eq!(server.get("data", "c").as_deref(), Some(&b"new\n"[..]));
    }
}

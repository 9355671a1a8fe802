//! Storing of written data: it is stored or named in an error, and no death leaves an incomplete object.

use std::path::Path;
use std::time::Duration;

use s3_local::{Operation, Policy, S3Local, Server};
use s3fs_core::Credentials;
use stub_runtime::ErrorKind;
use stub_runtime::Retries;
use stub_runtime::call::{Ended, Volume};
use stub_runtime::engines::run_command;
use stub_runtime::local::Canceller;
use stub_test_support::eventually;

use crate::harness::{folder, no_mounts, pid, with_text};
use crate::volumes::{kill_supervisor_of, printed, script, server, shell, volume};

/// Starts a server with a key that has only the permissions to mount.
fn reader() -> Server {
    let server = S3Local::builder()
        .access_key("reader", "reads", Policy::read_only("data"))
        .start();
    server.create_bucket("data");
    server
}

/// Returns a writable volume with that key.
fn readers_volume(server: &Server, path: &Path) -> Volume {
    let mut volume = volume(server, "data", path);
    volume.mount.credentials = Credentials::Static {
        access_key_id: "reader".to_owned(),
        secret_access_key: "reads".to_owned(),
        session_token: None,
    };
    volume
}

#[test]
fn what_was_closed_before_a_death_is_stored() {
    let (server, (_guard, path)) = (server(), folder());
    let script = format!("echo done > {}/closed; kill -9 $$", path.display());
    let (outcome, _) = shell(vec![volume(&server, "data", &path)], &script).unwrap();
    assert_eq!(outcome.ended, Ended::Killed { signal: 9 });
    assert_eq!(server.get("data", "closed").unwrap(), "done\n");
}

#[test]
fn what_a_background_process_wrote_is_stored_and_the_process_is_gone() {
    let (server, (_guard, path)) = (server(), folder());
    let (_marks, marks) = folder();
    let written = marks.join("written");
    // No other run of the tests has a process with this text.
    let text = format!("background-writer-{}", std::process::id());
    let script = format!(
        "cd {0}; setsid sh -c 'while :; do echo x; touch {1}; sleep 0.05; done >held' {text} & \
         until test -e {1}; do sleep 0.05; done",
        path.display(),
        written.display(),
    );
    printed(vec![volume(&server, "data", &path)], &script);
    assert_eq!(with_text(&text), [""; 0]);
    assert!(server.get("data", "held").unwrap().starts_with(b"x\n"));
}

/// Returns a script that starts an upload, and waits.
fn uploading(path: &Path, mark: &str) -> String {
    format!(
        "exec 3>{}/big; head -c 60000000 /dev/zero >&3; sleep {mark}",
        path.display()
    )
}

/// Waits for the first part. Before, the response that names the upload may still be on its way; a kill
/// would then leave an upload that nobody knows.
fn upload_begins(server: &Server) {
    eventually("an upload has begun", || {
        (server.log().count(Operation::UploadPart) > 0).then_some(())
    });
}

#[test]
fn a_killed_supervisor_leaves_no_half_made_object() {
    let (server, (_guard, path)) = (server(), folder());
    let volumes = vec![
        volume(&server, "more", path.join("in")),
        volume(&server, "data", &path),
    ];
    let script = uploading(&path, "86413.5");
    let error = std::thread::scope(|scope| {
        let call = scope.spawn(|| shell(volumes, &script));
        upload_begins(&server);
        kill_supervisor_of("86413.5");
        call.join().unwrap().unwrap_err()
    });
    let ErrorKind::Lost { reason, .. } = &error.kind else {
        panic!("{error:?}")
    };
    assert_eq!(reason, "was killed by signal 9");
    // Not eventually: the call has seen to it before it returned.
    assert_eq!(server.incomplete_uploads("data"), Vec::<String>::new());
    assert!(server.get("data", "big").is_none());
}

/// Kills the first process of the sandbox of a shell with this text in its command line.
fn kill_init_of(text: &str) {
    let shell = pid(&with_text(text)[0]);
    let status = std::fs::read_to_string(format!("/proc/{shell}/status")).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    let init = nix::unistd::Pid::from_raw(parent.unwrap().trim().parse().unwrap());
    nix::sys::signal::kill(init, nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[test]
fn what_the_death_of_init_leaves_is_stored_or_named_with_a_reason() {
    for round in 0..5 {
        let (server, (_guard, path)) = (server(), folder());
        let mark = format!("init-dies-{}-{round}", std::process::id());
        let script = format!(
            "cd {}; : {mark}; for n in 1 2 3 4; do \
             (while :; do head -c 3000000 /dev/zero; done > big$n) & done; wait",
            path.display()
        );
        let volumes = vec![volume(&server, "data", &path)];
        let outcome = std::thread::scope(|scope| {
            let call = scope.spawn(|| shell(volumes, &script));
            upload_begins(&server);
            kill_init_of(&format!(": {mark}; for"));
            call.join().unwrap().unwrap().0
        });
        assert_eq!(outcome.ended, Ended::Killed { signal: 9 });
        for lost in &outcome.not_stored {
            assert!(!lost.reason.is_empty(), "{lost}");
        }
        assert_eq!(server.incomplete_uploads("data"), Vec::<String>::new());
        for number in 1..=4 {
            let key = format!("big{number}");
            let is_named = outcome
                .not_stored
                .iter()
                .any(|lost| lost.object.ends_with(&key));
            assert!(is_named || server.get("data", &key).is_some(), "{key}");
        }
    }
}

#[test]
fn an_upload_that_cannot_be_aborted_is_named() {
    let (server, (_guard, path)) = (server(), folder());
    let mut volume = volume(&server, "data", &path);
    volume.mount.retry_timeout = Duration::from_secs(1);
    let volumes = vec![volume];
    let script = uploading(&path, "86414.5");
    let error = std::thread::scope(|scope| {
        let call = scope.spawn(|| shell(volumes, &script));
        upload_begins(&server);
        drop(server);
        kill_supervisor_of("86414.5");
        call.join().unwrap().unwrap_err()
    });
    let text = error.to_string();
    assert!(
        text.contains("was killed by signal 9; unfinished uploads may stay")
            && text.contains("s3://data/big"),
        "{text}"
    );
    assert_eq!(with_text("stub: sweeper for sh"), Vec::<String>::new());
}

#[test]
fn a_killed_caller_leaves_no_half_made_object() {
    let (server, (_guard, path)) = (server(), folder());
    let mut caller = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "storing::uploading_act"])
        .env("ACT_ENDPOINT", server.endpoint_url())
        .env(
            "ACT_KEYS",
            format!("{} {}", server.access_key_id(), server.secret_access_key()),
        )
        .env("ACT_FOLDER", &path)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    upload_begins(&server);
    caller.kill().unwrap();
    caller.wait().unwrap();
    eventually("all is gone", || {
        with_text("86412.5").is_empty().then_some(())
    });
    eventually("it is aborted", || {
        server.incomplete_uploads("data").is_empty().then_some(())
    });
    assert!(server.get("data", "big").is_none());
    no_mounts();
}

#[test]
#[ignore = "run by another test"]
fn uploading_act() {
    let given = |name: &str| std::env::var(name).unwrap();
    let (id, secret) = given("ACT_KEYS")
        .split_once(' ')
        .map(|(a, b)| (a.into(), b.into()))
        .unwrap();
    let mut volume = volume(&S3Local::builder().start(), "data", given("ACT_FOLDER"));
    volume.mount.endpoint_url = Some(given("ACT_ENDPOINT"));
    volume.mount.credentials = Credentials::Static {
        access_key_id: id,
        secret_access_key: secret,
        session_token: None,
    };
    let text = uploading(Path::new(&given("ACT_FOLDER")), "86412.5");
    // This process is killed: it must have no file to leave behind.
    let _ = run_command(
        &script(vec![volume], &text),
        &Retries::default(),
        &Canceller::default(),
    );
}

#[test]
fn what_cannot_be_stored_is_named_however_the_work_ended() {
    let (server, (_guard, path)) = (reader(), folder());
    let script = format!("head -c 100000 /dev/zero > {}/lost; exit 3", path.display());
    let (outcome, _) = shell(vec![readers_volume(&server, &path)], &script).unwrap();
    assert_eq!(outcome.ended, Ended::Exited { code: 3 });
    assert_eq!(outcome.not_stored.len(), 1, "{outcome:?}");
    assert_eq!(outcome.not_stored[0].object, "s3://data/lost");
}

//! Buckets as folders, and their mount points.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use s3_local::Server;
use s3fs_core::{Access, BucketName, Credentials, MountConfig};
use stub_runtime::Retries;
use stub_runtime::call::{CallSpec, Ended, Limits, Outcome, Volume, Work};
use stub_runtime::engines::run_command;
use stub_runtime::local::Canceller;
use stub_runtime::{Error, ErrorKind};
use stub_test_support::{eventually, served};

use crate::harness::{folder, no_mounts, pid, with_text};

/// Starts a server with the buckets `data` (`hello` and `sub/deep`) and `more` (`other`).
pub(crate) fn server() -> Server {
    let server = served(
        "data",
        &[("hello", "from the bucket"), ("sub/deep", "deep")],
    );
    server.create_bucket("more");
    server.put("more", "other", "of more");
    server
}

pub(crate) fn volume(server: &Server, bucket: &str, path: impl AsRef<Path>) -> Volume {
    let mount = MountConfig {
        region: Some(server.region().to_owned()),
        endpoint_url: Some(server.endpoint_url()),
        force_path_style: true,
        credentials: Credentials::Static {
            access_key_id: server.access_key_id().to_owned(),
            secret_access_key: server.secret_access_key().to_owned(),
            session_token: None,
        },
        ..MountConfig::new(BucketName::new(bucket).unwrap())
    };
    Volume {
        path: path.as_ref().to_owned(),
        mount,
    }
}

/// Returns the specification of a script with volumes.
pub(crate) fn script(volumes: Vec<Volume>, text: &str) -> CallSpec {
    CallSpec {
        version: CallSpec::VERSION,
        name: None,
        work: Work::Command {
            program: "sh".into(),
            arguments: vec!["-c".into(), text.into()],
        },
        volumes,
        environment: BTreeMap::new(),
        timeout: None,
        network: true,
        isolate: false,
        limits: Limits::default(),
        workdir: PathBuf::from("/"),
    }
}

/// Runs a script with volumes; returns its outcome and output.
pub(crate) fn shell(volumes: Vec<Volume>, text: &str) -> Result<(Outcome, String), Error> {
    let output = tempfile::NamedTempFile::new().unwrap();
    let text = format!("exec >{} 2>&1; {text}", output.path().display());
    let outcome = run_command(
        &script(volumes, &text),
        &Retries::default(),
        &Canceller::default(),
    );
    no_mounts();
    Ok((outcome?, fs::read_to_string(output.path()).unwrap()))
}

/// Runs a script that must succeed and store everything; returns its output.
pub(crate) fn printed(volumes: Vec<Volume>, script: &str) -> String {
    let (outcome, text) = shell(volumes, script).unwrap();
    let good = Outcome {
        ended: Ended::Exited { code: 0 },
        not_stored: Vec::new(),
    };
    assert_eq!(outcome, good, "{text}");
    text
}

fn refusal(volumes: Vec<Volume>) -> (PathBuf, String) {
    let error = shell(volumes, "true").unwrap_err();
    let text = error.to_string();
    let ErrorKind::Volume { path, .. } = error.kind else {
        panic!("{text}")
    };
    (path, text)
}

#[test]
fn an_existing_folder_is_mounted_over_and_comes_back() {
    let (server, (_guard, path)) = (server(), folder());
    fs::write(path.join("own"), "hidden").unwrap();
    let text = printed(
        vec![volume(&server, "data", &path)],
        &format!(
            "ls {0}; cat {0}/hello {0}/sub/deep; echo written > {0}/new",
            path.display()
        ),
    );
    assert_eq!(text, "hello\nsub\nfrom the bucketdeep");
    assert_eq!(server.get("data", "new").unwrap(), "written\n");
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
}

#[test]
fn a_missing_folder_is_made_without_a_trace() {
    let (server, (_guard, path)) = (server(), folder());
    fs::write(path.join("beside"), "still here").unwrap();
    std::os::unix::fs::symlink("beside", path.join("link")).unwrap();
    let script = "cat {}/a/b/hello {}/link; echo changed > {}/beside; echo new > {}/new";
    let deep = path.join("a/b");
    let (outcome, text) = shell(
        vec![volume(&server, "data", &deep)],
        &script.replace("{}", path.to_str().unwrap()),
    )
    .unwrap();
    assert!(text.starts_with("from the bucketstill here"), "{text}");
    // The copy of the folder refuses what would vanish with it.
    assert!(text.contains("Read-only file system"), "{text}");
    assert_ne!(outcome.ended, Ended::Exited { code: 0 });
    assert_eq!(
        fs::read_to_string(path.join("beside")).unwrap(),
        "changed\n"
    );
    let mut left: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["beside", "link"]);
}

#[test]
fn a_missing_folder_of_the_root_is_made_in_a_new_root() {
    let server = server();
    let before = names("/");
    let text = printed(
        vec![volume(&server, "data", "/no-such-folder-of-stub/x")],
        "cat /no-such-folder-of-stub/x/hello; echo; ls -A /; test -c /dev/null && test -d /sys/kernel \
         && test -e /proc/self/exe && ls /usr/bin/env >/dev/null",
    );
    let mut seen: Vec<&str> = text.lines().collect();
    assert_eq!(seen.remove(0), "from the bucket");
    let mut expected = before.clone();
    expected.push("no-such-folder-of-stub".to_owned());
    expected.sort();
    seen.sort_unstable();
    assert_eq!(seen, expected);
    assert_eq!(names("/"), before);
}

fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn several_missing_folders_and_volumes_live_together() {
    let (server, (_guard, path)) = (server(), folder());
    let at = |name: &str| path.join(name);
    fs::create_dir(at("there")).unwrap();
    let volumes = vec![
        volume(&server, "data", at("one")),
        volume(&server, "more", at("there")),
        volume(&server, "more", "/no-such-folder-of-stub"),
    ];
    let text = printed(
        volumes,
        &format!(
            "cat {0}/one/hello {0}/there/other /no-such-folder-of-stub/other",
            path.display()
        ),
    );
    assert_eq!(text, "from the bucketof moreof more");
}

#[test]
fn links_in_a_mount_path_are_followed() {
    let (server, (_guard, path)) = (server(), folder());
    fs::create_dir(path.join("real")).unwrap();
    std::os::unix::fs::symlink(path.join("real"), path.join("link")).unwrap();
    let text = printed(
        vec![volume(&server, "data", path.join("link"))],
        &format!("cat {}/real/hello", path.display()),
    );
    assert_eq!(text, "from the bucket");
    std::os::unix::fs::symlink("nowhere", path.join("broken")).unwrap();
    let (_, text) = refusal(vec![volume(&server, "data", path.join("broken/x"))]);
    assert!(text.contains("leads nowhere"), "{text}");
}

#[test]
fn a_file_is_no_mount_point() {
    let (server, (_guard, path)) = (server(), folder());
    let file = path.join("file");
    fs::write(&file, "").unwrap();
    for at in [file.clone(), file.join("below")] {
        let (named, text) = refusal(vec![volume(&server, "data", &at)]);
        assert_eq!(named, at);
        assert!(
            text.contains(&format!("`{}` is a file", file.display())),
            "{text}"
        );
        assert!(text.starts_with("`sh`"), "{text}");
    }
    assert_eq!(
        server.log().total(),
        0,
        "noticed before any bucket is asked"
    );
}

#[test]
fn a_bucket_that_is_missing_is_named() {
    let (server, (_guard, path)) = (server(), folder());
    let (at, text) = refusal(vec![volume(&server, "absent", &path)]);
    assert_eq!(at, path);
    assert!(text.contains("absent"), "{text}");
}

#[test]
fn a_read_only_volume_refuses_writes_in_the_kernel() {
    let (server, (_guard, path)) = (server(), folder());
    let mut read_only = volume(&server, "data", &path);
    read_only.mount.access = Access::ReadOnly;
    let script = format!("cat {0}/hello; echo x > {0}/new", path.display());
    let (outcome, text) = shell(vec![read_only], &script).unwrap();
    assert!(
        text.contains("from the bucket") && text.contains("Read-only"),
        "{text}"
    );
    assert_ne!(outcome.ended, Ended::Exited { code: 0 });
    assert_eq!(server.log().writes(), 0);
}

#[test]
fn a_killed_supervisor_leaves_no_mount_and_no_process() {
    let (server, (_guard, path)) = (server(), folder());
    let volumes = vec![volume(&server, "data", &path)];
    let script = format!("cd {}; cat hello; sleep 86411.5", path.display());
    std::thread::scope(|scope| {
        let call = scope.spawn(|| shell(volumes, &script));
        eventually("the work runs", || {
            // The shell has the number in its arguments, too.
            with_text("86411.5")
                .into_iter()
                .find(|line| line.contains(": sleep"))
                .map(drop)
        });
        kill_supervisor_of("86411.5");
        let error = call.join().unwrap().unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Lost { .. }), "{error:?}");
    });
    eventually("all is gone", || {
        with_text("86411.5").is_empty().then_some(())
    });
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
}

/// Kills the supervisor of the script that has this text in the command line of a process.
pub(crate) fn kill_supervisor_of(text: &str) {
    let supervisor = with_text("stub: supervisor for sh")
        .into_iter()
        .find(|one| {
            fs::read_to_string(format!("/proc/{}/task/{0}/children", pid(one)))
                .is_ok_and(|children| holds(&children, text))
        });
    let supervisor = nix::unistd::Pid::from_raw(pid(&supervisor.unwrap()));
    nix::sys::signal::kill(supervisor, nix::sys::signal::Signal::SIGKILL).unwrap();
}

/// Returns whether a child process of one of these (an init) has this text in its command line.
fn holds(inits: &str, text: &str) -> bool {
    inits.split_whitespace().any(|init| {
        let children = fs::read_to_string(format!("/proc/{init}/task/{init}/children"));
        children
            .unwrap_or_default()
            .split_whitespace()
            .any(|child| {
                let line = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&line).contains(text)
            })
    })
}

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use s3fs_core::Access;
use tempfile::TempDir;

use super::*;
use crate::declare::options::Kubernetes;

/// Settings of a folder, and more of one above it.
pub(super) fn settings(near: &str, far: &str) -> (TempDir, Result<Settings, SettingsError>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let paths = [write("near.toml", near), write("far.toml", far)];
    let settings = Settings::of(paths);
    (folder, settings)
}

/// Returns the line and the reason of the error in a file.
pub(super) fn malformed(text: &str) -> (usize, String) {
    let (_folder, settings) = settings(text, "");
    match settings {
        Err(SettingsError::Malformed { line, reason, .. }) => (line, reason),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn what_both_have_the_nearer_says() {
    let near = r#"[jobs.a]
command = ["near"]"#;
    let far = r#"[jobs.a]
command = ["far"]
[jobs.b]
command = ["b"]"#;
    let (_folder, settings) = settings(near, far);
    let jobs = settings.unwrap().jobs();
    let commands: Vec<_> = jobs
        .iter()
        .map(|job| (job.name.as_str(), &job.command()[0]))
        .collect();
    assert_eq!(
        commands,
        [("a", &"near".to_owned()), ("b", &"b".to_owned())]
    );
}

#[test]
fn a_mistake_is_told_with_its_line_and_what_was_meant() {
    for (text, line, part) in [
        (
            "\n[jobs.a]\ncommand = [\"x\"]\ntimout = \"1h\"",
            4,
            "did you mean `timeout`?",
        ),
        ("[job.a]", 1, "did you mean `jobs`?"),
        (
            "[jobs.a]\ncommand = [\"x\"]\ntimeout = \"1d\"",
            3,
            "such as 90s",
        ),
        (
            "[jobs.a]\nvolumes = { \"/a\" = \"s3:/x\" }",
            2,
            "s3://bucket/prefix",
        ),
        (
            "[jobs.a]\nvolumes = { \"a\" = \"s3://xyz\" }",
            2,
            "absolute",
        ),
        ("[jobs.a]", 1, "missing field `command`"),
        (
            "[secrets.a]\nenvironment = [\"A\"]",
            2,
            "expected one of `env`, `file`, `command`, `profile`",
        ),
        (
            "[buckets.data]\nregoin = \"x\"",
            2,
            "did you mean `region`?",
        ),
        (
            "[buckets.\"data-[ab]\"]\nregion = \"x\"",
            1,
            "the only wildcards in the name of a bucket are * and ?",
        ),
        (
            "[jobs.a]\ncommand = [\"x\"]\nvolumes = { \"/a\" = \"s3://xyz:reigon=x\" }",
            3,
            "did you mean `region`?",
        ),
        ("[secrets]\na = \"hunter2\"", 2, "expected one of `env`"),
        ("x = = 1", 1, ""),
    ] {
        let (told, reason) = malformed(text);
        assert_eq!(told, line, "{text}: {reason}");
        assert!(
            reason.contains(part) && !reason.contains("hunter2"),
            "{text}: {reason}"
        );
    }
}

#[test]
fn secrets_come_from_where_the_file_says() {
    let text = r#"
[secrets]
variables.env = ["PATH"]
file.file = "keys.env"
printed.command = ["sh", "-c", "echo KEY=printed"]
failing.command = ["sh", "-c", "echo KEY=hunter2; exit 3"]
nonsense.command = ["echo", "hunter2"]
"#;
    let (folder, settings) = settings(text, "");
    let settings = settings.unwrap();
    let keys = folder.path().join("keys.env");
    fs::write(&keys, "KEY=from-file\n").unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(settings.secret("variables").unwrap().get("PATH").is_some());
    assert_eq!(
        settings.secret("file").unwrap().get("KEY"),
        Some("from-file")
    );
    assert_eq!(
        settings.secret("printed").unwrap().get("KEY"),
        Some("printed")
    );
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o640)).unwrap();
    for (name, part) in [
        ("file", "chmod 600"),
        ("failing", "exit status: 3"),
        ("nonsense", "not `NAME=value`"),
        (
            "absent",
            "there are: failing, file, nonsense, printed, variables",
        ),
    ] {
        let error = settings.secret(name).unwrap_err().to_string();
        assert!(
            error.contains(part) && !error.contains("hunter2"),
            "{error}"
        );
    }
}

#[test]
fn secrets_of_files_and_programs_are_taken_as_they_are() {
    let text = r#"
[secrets]
file.file = "keys.env"
printed.command = ["cat", "keys.env"]
"#;
    let (folder, settings) = settings(text, "");
    let settings = settings.unwrap();
    let keys = folder.path().join("keys.env");
    fs::write(&keys, "A=pa$word\nB=a\"b\"c\nC=it's\n").unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let expected = [("A", "pa$word"), ("B", "a\"b\"c"), ("C", "it's")];
    for name in ["file", "printed"] {
        assert_eq!(
            settings.secret(name).unwrap(),
            Secret::from_dict(expected),
            "{name}"
        );
    }
}

#[test]
fn what_other_users_can_change_is_not_believed() {
    let text = "[secrets]\na.file = \"keys.env\"";
    let (folder, settings) = settings(text, "");
    let settings = settings.unwrap();
    let near = folder.path().join("near.toml");
    let refused = || Settings::of([near.clone()]).unwrap_err().to_string();
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(&near, 0o666);
    assert!(refused().contains("mode 0666"), "{}", refused());
    allow(&near, 0o644);
    assert!(Settings::of([near.clone()]).is_ok());
    allow(folder.path(), 0o777);
    assert!(refused().contains("mode 0777"), "{}", refused());
    // As `/tmp` is: nobody can replace what is another's, but anybody can make links to it.
    allow(folder.path(), 0o1777);
    assert!(Settings::of([near.clone()]).is_ok());
    let link = folder.path().join("link.toml");
    fs::hard_link(&near, &link).unwrap();
    assert!(refused().contains("hard link"), "{}", refused());
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("near.toml", &link).unwrap();
    assert!(Settings::of([link]).is_ok(), "one's own link");
    let keys = folder.path().join("keys.env");
    for mode in [0o604, 0o666] {
        fs::write(&keys, "A=1").unwrap();
        allow(&keys, mode);
        let error = settings.secret("a").unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }
}

/// Needs root, who becomes another user.
#[test]
fn what_another_user_made_is_not_believed() {
    const NOBODY: u32 = 65534;
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let (folder, _) = settings("", "");
    let near = folder.path().join("near.toml");
    let theirs = folder.path().join("theirs.toml");
    std::os::unix::fs::symlink(&near, &theirs).unwrap();
    let read = |path: &Path| Settings::of([path.to_owned()]).map_err(|error| error.to_string());
    assert!(read(&theirs).is_ok());
    std::os::unix::fs::lchown(&theirs, Some(NOBODY), None).unwrap();
    let error = read(&theirs).unwrap_err();
    assert!(error.contains("belongs to the user 65534"), "{error}");
    std::os::unix::fs::chown(&near, Some(NOBODY), None).unwrap();
    let error = read(&near).unwrap_err();
    assert!(error.contains("belongs to the user 65534"), "{error}");
    std::os::unix::fs::chown(&near, Some(0), None).unwrap();
    std::os::unix::fs::chown(folder.path(), Some(NOBODY), None).unwrap();
    let error = read(&near).unwrap_err();
    assert!(error.contains("belongs to the user 65534"), "{error}");
}

#[test]
fn a_job_is_what_its_run_carries() {
    let text = r#"
[secrets]
token.command = ["echo", "TOKEN=t"]
[jobs.backup]
description = "Saves the table."
command = ["pg_dump", "table"]
volumes = { "/out" = "s3://backups/today", "/in" = "s3://inputs:ro" }
secrets = ["token"]
env = { MODE = "fast" }
timeout = "2h"
retries = 2
retry_delay = "5s"
workdir = "here"
network = false
isolate = true
"#;
    let (folder, settings) = settings(text, "");
    let settings = settings.unwrap();
    let job = &settings.jobs()[0];
    let spec = job.spec(&settings, vec!["--more".into()]).unwrap();
    let crate::call::Work::Command { program, arguments } = &spec.work else {
        panic!("{spec:?}")
    };
    assert_eq!(
        (program.as_os_str(), arguments.len()),
        ("pg_dump".as_ref(), 2)
    );
    let mounts: Vec<_> = spec
        .volumes
        .iter()
        .map(|volume| {
            (
                volume.path.display().to_string(),
                volume.mount.access == Access::ReadOnly,
            )
        })
        .collect();
    assert_eq!(
        mounts,
        [("/in".to_owned(), true), ("/out".to_owned(), false)]
    );
    assert_eq!(spec.environment["TOKEN"], "t");
    assert_eq!(spec.environment["MODE"], "fast");
    assert_eq!(spec.timeout.unwrap().as_secs(), 7200);
    assert_eq!(spec.workdir, folder.path().join("here"));
    assert!(!spec.network && spec.isolate);
    let delays: Vec<_> = job.retries().delays().collect();
    assert_eq!(delays, [Duration::from_secs(5); 2]);
}

#[test]
fn a_cluster_is_what_its_table_says() {
    let near = r#"[engine]
default = "kubernetes"
[engine.kubernetes]
image = "i:1"
spool = "s3://b/p"
fuse = "smarter-devices/fuse"
node_selector = { disk = "ssd" }
max_tasks = 8
task_time = "1m""#;
    let (_folder, settings) = settings(near, "");
    let expected = Kubernetes::new("i:1")
        .spool("s3://b/p")
        .fuse("smarter-devices/fuse")
        .node_selector([("disk", "ssd")])
        .max_tasks(8)
        .task_time(Duration::from_mins(1));
    assert_eq!(settings.unwrap().engine(None), Engine::Kubernetes(expected));
    let privileged = "[engine.kubernetes]\nimage = \"i\"\nfuse = \"privileged\"";
    let (_folder, settings) = self::settings(privileged, "");
    let engine = settings.unwrap().engine(Some(EngineName::Kubernetes));
    assert_eq!(engine, Engine::Kubernetes(Kubernetes::new("i")));
}

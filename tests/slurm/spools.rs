//! Spool in a bucket, so that no file system is shared; and a user who is not root.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use s3_local::Server;
use stub_test_support::{NOBODY, is_root, served, shared};

use crate::turn::{Turn, names};

#[stub::function]
fn doubled(n: u64) -> u64 {
    n * 2
}

#[test]
#[ignore = "an act of another test"]
fn a_caller() {
    let values: stub::Result<Vec<u64>> = doubled::map(0..200).collect();
    assert_eq!(values.unwrap(), (0..200).map(|n| n * 2).collect::<Vec<_>>());
    assert_eq!(doubled(4).unwrap(), 8);
}

fn act() -> Command {
    let mut act = Command::new(env::current_exe().unwrap());
    act.args(["--ignored", "--exact", "spools::a_caller", "--nocapture"])
        .env("STUB_ENGINE", "slurm");
    act
}

fn run(act: &mut Command) {
    let output = act.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&text)
    );
}

/// Creates a home whose settings use the server's bucket `spool` as the spool, with keys that nodes find
/// there.
fn home(server: &Server, folder: &Path) {
    for name in [".aws", ".config/stub"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    let keys = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        server.access_key_id(),
        server.secret_access_key()
    );
    fs::write(folder.join(".aws/credentials"), keys).unwrap();
    let settings = format!(
        "[engine.slurm]\nspool = \"s3://spool/calls\"\n[buckets.spool]\nendpoint_url = \"{}\"\nforce_path_style = true\n",
        server.endpoint_url()
    );
    fs::write(folder.join(".config/stub/stub.toml"), settings).unwrap();
}

fn at_home<'a>(act: &'a mut Command, home: &Path) -> &'a mut Command {
    act.env("HOME", home)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_STATE_HOME")
        .current_dir("/")
}

#[test]
fn a_bucket_can_be_the_spool() {
    let Some(_turn) = Turn::start() else { return };
    let server = served("spool", &[]);
    let folder = shared();
    home(&server, folder.path());
    run(at_home(&mut act(), folder.path()));
    let left: Vec<String> = server.keys("spool");
    let programs = left.iter().filter(|key| key.starts_with("calls/programs/"));
    assert_eq!(programs.count(), left.len(), "{left:?}");
    assert_eq!(left.len(), 1, "the program, for the next call");
}

#[test]
fn a_program_that_nodes_don_t_have_is_fetched() {
    let Some(_turn) = Turn::start() else { return };
    let server = served("spool", &[]);
    let folder = shared();
    home(&server, folder.path());
    // Removed while it runs: as on nodes that lack the folder of the caller's machine.
    let program = folder.path().join("program");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let mut shell = Command::new("sh");
    let script = format!(
        "cp {0} {0}.gone && exec 9<{0}.gone && rm {0}.gone && exec /proc/self/fd/9 --ignored --exact spools::a_caller",
        program.display()
    );
    shell.args(["-c", &script]).env("STUB_ENGINE", "slurm");
    run(at_home(&mut shell, folder.path()));
    let cached = names(&folder.path().join(".cache/stub/programs"));
    assert_eq!(cached.len(), 1, "{cached:?}");
}

#[test]
fn an_ordinary_user_calls_as_root_does() {
    let Some(_turn) = Turn::start() else { return };
    if !is_root() {
        return; // This is one.
    }
    let folder = shared();
    let program = folder.path().join("program");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let mut act = Command::new("setpriv");
    act.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all",
    ])
    .arg(&program)
    .args(["--ignored", "--exact", "spools::a_caller", "--nocapture"])
    .env("STUB_ENGINE", "slurm");
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    run(at_home(&mut act, &home));
    assert_eq!(names(&home.join(".stub/spool")), Vec::<String>::new());
    assert_eq!(
        names(&home.join(".local/state/stub/calls")),
        Vec::<String>::new()
    );
}

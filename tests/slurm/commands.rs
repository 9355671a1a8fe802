//! `stub run` and `stub jobs` with `--engine slurm`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use stub_test_support::shared;

use crate::turn::{Turn, eventually, names, queue};

/// Returns the command `stub`, found beside this test's own program in the target folder.
fn stub(turn: &Turn, folder: &Path) -> Command {
    let test = env::current_exe().unwrap();
    let program: PathBuf = test.parent().unwrap().parent().unwrap().join("stub");
    let settings = format!("[engine.slurm]\nspool = \"{}\"\n", turn.spool().display());
    fs::write(folder.join("stub.toml"), settings).unwrap();
    let mut command = Command::new(program);
    command.current_dir(folder);
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn a_command_is_run_on_a_node_and_ends_as_it_did() {
    let Some(turn) = Turn::start() else { return };
    let folder = shared();
    let script = "echo out $SLURMD_NODENAME; echo err >&2; exit 7";
    let output = stub(&turn, folder.path())
        .args(["run", "--engine", "slurm", "--", "sh", "-c", script])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", text(&output));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("out node"));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "err\n");
}

#[test]
fn one_call_takes_one_command_of_slurm_before_it_runs() {
    let Some(turn) = Turn::start() else { return };
    let folder = shared();
    let shims = folder.path().join("shims");
    fs::create_dir(&shims).unwrap();
    let path = env::var("PATH").unwrap();
    for name in ["sbatch", "scontrol", "sinfo", "sacct"] {
        let text = format!(
            "#!/bin/sh\necho {name} >>{}\nPATH='{path}' exec {name} \"$@\"\n",
            folder.path().join("asked").display()
        );
        fs::write(shims.join(name), text).unwrap();
        fs::set_permissions(shims.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = stub(&turn, folder.path())
        .args(["run", "--engine", "slurm", "--", "true"])
        .env("PATH", format!("{}:{path}", shims.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
    assert_eq!(asked, "sbatch\n");
}

#[test]
fn a_command_whose_caller_was_killed_is_taken_up_or_ended() {
    let Some(turn) = Turn::start() else { return };
    let folder = shared();
    let script = "touch begun; while [ ! -e go ]; do sleep 0.1; done; echo done; exit 5";
    let begin = || {
        let _ = fs::remove_file(folder.path().join("begun"));
        let mut caller = stub(&turn, folder.path())
            .args(["run", "--engine", "slurm", "--", "sh", "-c", script])
            .spawn()
            .unwrap();
        let has_begun = || {
            names(folder.path())
                .contains(&"begun".to_owned())
                .then_some(())
        };
        eventually("it has begun", has_begun);
        caller.kill().unwrap();
        caller.wait().unwrap();
        let listed = stub(&turn, folder.path())
            .args(["jobs", "calls"])
            .output()
            .unwrap();
        let line = text(&listed);
        assert!(line.contains("slurm  sh"), "{line}");
        line.split_whitespace().next().unwrap().to_owned()
    };
    let id = begin();
    fs::write(folder.path().join("go"), "").unwrap();
    let output = stub(&turn, folder.path())
        .args(["jobs", "attach", &id])
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), text(&output)),
        (Some(5), "done\n".to_owned())
    );
    fs::remove_file(folder.path().join("go")).unwrap();
    let id = begin();
    let output = stub(&turn, folder.path())
        .args(["jobs", "cancel", &id])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(queue("%i"), Vec::<String>::new());
}

#[test]
fn the_example_counts_there_as_here() {
    let Some(turn) = Turn::start() else { return };
    let folder = shared();
    let settings = stub(&turn, folder.path());
    let example = Path::new(settings.get_program()).with_file_name("examples/word_count_cluster");
    let run = |engine: &str| {
        let output = Command::new(&example)
            .current_dir(folder.path())
            .env("STUB_ENGINE", engine)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output));
        text(&output)
    };
    let there = run("slurm");
    assert!(there.contains("in 3 files of the bucket"), "{there}");
    assert_eq!(there, run("local"));
}

#[test]
fn an_engine_that_is_none_is_told() {
    let Some(turn) = Turn::start() else { return };
    let folder = shared();
    let output = stub(&turn, folder.path())
        .args(["run", "--", "true"])
        .env("STUB_ENGINE", "slum")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(
        text(&output).contains("STUB_ENGINE: there is no engine `slum`"),
        "{}",
        text(&output)
    );
}

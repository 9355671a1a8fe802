//! The script that a scheduler starts on a node: it finds the program, and has it take its ticket.
//!
//! Exit statuses tell what became of it, as far as a scheduler keeps them.

use super::program::{Program, ProgramPlace};
use super::ticket::Ticket;

/// There is no program that fits (`EX_CONFIG` of `sysexits.h`).
pub(super) const UNFIT: i32 = 78;

/// The spool could not be reached: another task may (`EX_TEMPFAIL` of `sysexits.h`).
pub(super) const LATER: i32 = 75;

/// It was told to end, and has left inputs: that of a program that SIGTERM ends, to a shell.
pub(super) const TOLD_TO_END: i32 = 143;

/// The script. `number`: how the shell writes the number of the task.
pub(super) fn script(label: &str, program: &Program, number: &str, ticket: &Ticket) -> String {
    // It has no line breaks, and a `'` in it is no quotation mark to the shell.
    let ticket = serde_json::to_string(ticket).unwrap_or_default();
    let label: String = label.chars().filter(|c| !c.is_control()).collect();
    let find = match &program.place {
        ProgramPlace::Folder(path) => in_folder(&quoted(&path.to_string_lossy())),
        ProgramPlace::Bucket { here, url } => {
            let here = quoted(&here.to_string_lossy());
            from_bucket(&here, &quoted(url), &program.hash)
        }
    };
    format!(
        "#!/bin/sh\n# A task of a call of {label}, by stub.\numask 077\n{find}\
         export STUB_PROCESS=\"task:{number}\"\nexec \"$program\" <<'END_OF_TICKET'\n{ticket}\nEND_OF_TICKET\n"
    )
}

fn in_folder(path: &str) -> String {
    format!(
        "program={path}\n\
         if [ ! -x \"$program\" ]; then\n\
         \x20   echo \"stub: there is no $program here: nodes must have the folder of the spool under this path\" >&2\n\
         \x20   exit {UNFIT}\n\
         fi\n"
    )
}

fn from_bucket(here: &str, url: &str, hash: &str) -> String {
    format!(
        "program={here}\n\
         hash={hash}\n\
         fits() {{ [ -x \"$1\" ] && [ \"$(sha256sum <\"$1\" 2>/dev/null | cut -c1-64)\" = \"$hash\" ]; }}\n\
         if ! fits \"$program\"; then\n\
         \x20   folder=\"${{XDG_CACHE_HOME:-${{HOME:-/nonexistent}}/.cache}}/stub/programs\"\n\
         \x20   mkdir -p \"$folder\" 2>/dev/null && [ -w \"$folder\" ] || folder=$(mktemp -d)\n\
         \x20   program=\"$folder/$hash\"\n\
         \x20   if ! fits \"$program\"; then\n\
         \x20       new=\"$program.$$\"\n\
         \x20       if ! curl --fail --silent --show-error --retry 5 --output \"$new\" {url}; then\n\
         \x20           echo \"stub: this program is not here, and curl can't fetch it\" >&2\n\
         \x20           exit {UNFIT}\n\
         \x20       fi\n\
         \x20       chmod 700 \"$new\" && mv \"$new\" \"$program\"\n\
         \x20       fits \"$program\" || exit {UNFIT}\n\
         \x20   fi\n\
         fi\n"
    )
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::process::{Command, Output, Stdio};

    use super::*;
    use crate::cluster::format::VERSION;
    use crate::cluster::spool::Location;
    use crate::cluster::ticket::KeyPlace;

    fn run(program: &Program, path: &str) -> Output {
        let ticket = Ticket {
            version: VERSION,
            call: "it's \"$HOME\"".into(),
            spool: Location::Folder("/s".into()),
            submission: 3,
            program: program.hash.clone(),
            key: KeyPlace::Spool,
        };
        let script = script("demo::f\nrm -rf /", program, "${TASK:-0}", &ticket);
        let mut shell = Command::new("/bin/sh")
            .env_clear()
            .env("TASK", "7")
            .env("PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        shell
            .stdin
            .take()
            .unwrap()
            .write_all(script.as_bytes())
            .unwrap();
        shell.wait_with_output().unwrap()
    }

    /// A program in a folder with a name that the shell would take apart.
    fn program(folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("it's a $program");
        std::fs::write(&path, "#!/bin/sh\necho \"$STUB_PROCESS\"\ncat\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    #[test]
    fn a_task_gets_its_number_and_its_ticket_whatever_characters_they_have() {
        let folder = tempfile::tempdir().unwrap();
        let place = ProgramPlace::Folder(program(&folder));
        let program = Program {
            hash: "0".to_owned(),
            place,
        };
        let output = run(&program, "/usr/bin:/bin");
        let text = String::from_utf8(output.stdout).unwrap();
        let (number, ticket) = text.split_once('\n').unwrap();
        assert_eq!(number, "task:7");
        let ticket: Ticket = serde_json::from_str(ticket).unwrap();
        assert_eq!((&*ticket.call, ticket.submission), ("it's \"$HOME\"", 3));
    }

    #[test]
    fn a_program_that_is_missing_or_another_one_is_told_by_the_exit_status() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Program {
            hash: "0".to_owned(),
            place: ProgramPlace::Folder("/nonexistent/program".into()),
        };
        let output = run(&missing, "/usr/bin:/bin");
        assert_eq!(output.status.code(), Some(UNFIT));
        let other = Program {
            hash: "0".repeat(64),
            place: ProgramPlace::Bucket {
                here: program(&folder),
                url: "http://127.0.0.1:9/program".to_owned(),
            },
        };
        let output = run(&other, "/usr/bin:/bin");
        assert_eq!(output.status.code(), Some(UNFIT), "{output:?}");
    }
}

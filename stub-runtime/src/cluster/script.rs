//! Script that a scheduler starts on a node: it finds the program, and starts it with its ticket.
//!
//! Its exit status names the cause of a failure, as far as a scheduler keeps it.

use super::program::{Program, ProgramPlace};
use super::ticket::Ticket;

/// Exit status if there is no program that fits (`EX_CONFIG` of `sysexits.h`).
pub(super) const UNFIT: i32 = 78;

/// Exit status if the spool could not be reached, though another task may reach it (`EX_TEMPFAIL`
/// of `sysexits.h`).
pub(super) const LATER: i32 = 75;

/// Exit status of a task that was told to end and has left inputs: a shell's status for a program
/// that SIGTERM ends.
pub(super) const TOLD_TO_END: i32 = 143;

/// Returns the script. `number`: shell expression for the number of the task.
pub(super) fn script(label: &str, program: &Program, number: &str, ticket: &Ticket) -> String {
    // It has no line breaks, and a `'` in it is no quotation mark to the shell.
    let ticket = serde_json::to_string(ticket).unwrap_or_default();
    let label: String = label.chars().filter(|c| !c.is_control()).collect();
    let find = match &program.place {
        ProgramPlace::Folder(path) => in_folder(&quoted(&path.to_string_lossy())),
        ProgramPlace::Bucket { here, url } => {
            let here = quoted(&here.to_string_lossy());
            from_bucket(&here, &quoted(url))
        }
    };
    format!(
        "#!/bin/sh\n# A task of a call of {label}, by stub.\numask 077\nhash={}\nstamp={}\n{FITS}{find}\
         export STUB_PROCESS=\"task:{number}\"\nexec {OPENED} <<'END_OF_TICKET'\n{ticket}\nEND_OF_TICKET\n",
        program.hash, program.stamp
    )
}

/// Path of the program that [`FITS`] has opened. The program that was compared is the one that is
/// run, even if its file is replaced meanwhile.
const OPENED: &str = "/proc/self/fd/9";

/// Shell function that opens a program. It succeeds if that is the caller's program, and only this
/// user and root can change it. The file that the caller has compared is not compared again.
const FITS: &str = r#"fits() {
    [ -f "$1" ] && [ -r "$1" ] && [ -x "$1" ] && exec 9<"$1" || return 1
    set -- $(stat -L -c '%u %a %i:%s:%Z' /proc/self/fd/9)
    [ $# = 3 ] || return 1
    [ -O /proc/self/fd/9 ] || [ "$1" = 0 ] || return 1
    case "$2" in *[2367]|*[2367]?) return 1 ;; esac
    { [ -n "$stamp" ] && [ "$3" = "$stamp" ]; } ||
        [ "$(sha256sum </proc/self/fd/9 2>/dev/null | cut -c1-64)" = "$hash" ]
}
"#;

fn in_folder(path: &str) -> String {
    format!(
        r#"program={path}
if [ ! -x "$program" ]; then
    echo "stub: there is no $program here: nodes must have the folder of the spool under this path" >&2
    exit {UNFIT}
fi
if ! fits "$program"; then
    echo "stub: $program is not the program that called, or other users can change it" >&2
    exit {UNFIT}
fi
"#
    )
}

fn from_bucket(here: &str, url: &str) -> String {
    format!(
        r#"program={here}
if ! fits "$program"; then
    folder="${{XDG_CACHE_HOME:-${{HOME:-/nonexistent}}/.cache}}/stub/programs"
    mkdir -p "$folder" 2>/dev/null && [ -O "$folder" ] && [ -w "$folder" ] || folder=$(mktemp -d) || exit {UNFIT}
    program="$folder/$hash"
    if ! fits "$program"; then
        new=$(mktemp "$folder/.$hash.XXXXXX") || exit {UNFIT}
        if ! curl --fail --silent --show-error --retry 5 --output "$new" {url}; then
            rm -f "$new"
            echo "stub: this program is not here, and curl can't fetch it" >&2
            exit {UNFIT}
        fi
        chmod 700 "$new" && mv -f "$new" "$program"
        fits "$program" || exit {UNFIT}
    fi
fi
"#
    )
}

/// Quotes a word for the shell.
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

    use sha2::{Digest, Sha256};

    use super::*;
    use crate::cluster::format::VERSION;
    use crate::cluster::program::stamp_of;
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

    const TEXT: &str = "#!/bin/sh\necho \"$STUB_PROCESS\"\ncat\n";

    /// Makes a program in a folder with a name that the shell would split.
    fn program(folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("it's a $program");
        std::fs::write(&path, TEXT).unwrap();
        allow(&path, 0o700);
        path
    }

    fn allow(path: &std::path::Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn hash() -> String {
        hex::encode(Sha256::digest(TEXT))
    }

    #[test]
    fn a_task_gets_its_number_and_its_ticket_whatever_characters_they_have() {
        let folder = tempfile::tempdir().unwrap();
        let place = ProgramPlace::Folder(program(&folder));
        let program = Program {
            hash: hash(),
            stamp: String::new(),
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
            stamp: String::new(),
            place: ProgramPlace::Folder("/nonexistent/program".into()),
        };
        let output = run(&missing, "/usr/bin:/bin");
        assert_eq!(output.status.code(), Some(UNFIT));
        let other = Program {
            hash: "0".repeat(64),
            stamp: String::new(),
            place: ProgramPlace::Bucket {
                here: program(&folder),
                url: "http://127.0.0.1:9/program".to_owned(),
            },
        };
        let output = run(&other, "/usr/bin:/bin");
        assert_eq!(output.status.code(), Some(UNFIT), "{output:?}");
    }

    #[test]
    fn the_file_that_the_caller_has_compared_is_not_compared_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = program(&folder);
        let ends = |stamp: &str| {
            let program = Program {
                hash: "0".repeat(64),
                stamp: stamp.to_owned(),
                place: ProgramPlace::Folder(path.clone()),
            };
            run(&program, "/usr/bin:/bin").status.code()
        };
        let stamp = stamp_of(&path).unwrap();
        assert_eq!(ends(&stamp), Some(0));
        assert_eq!(ends(""), Some(UNFIT));
        allow(&path, 0o722);
        assert_eq!(ends(&stamp_of(&path).unwrap()), Some(UNFIT));
        allow(&path, 0o700);
        // Of the same size, in another file.
        let other = folder.path().join("other");
        std::fs::write(&other, TEXT.replace("cat", "who")).unwrap();
        allow(&other, 0o700);
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(ends(&stamp), Some(UNFIT));
    }

    #[test]
    fn what_was_planted_in_the_place_of_the_program_is_not_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = program(&folder);
        let places = [
            ProgramPlace::Folder(path.clone()),
            ProgramPlace::Bucket {
                here: path.clone(),
                url: "http://127.0.0.1:9/program".to_owned(),
            },
        ];
        let ends = |status: Option<i32>| {
            for place in places.clone() {
                let program = Program {
                    hash: hash(),
                    stamp: String::new(),
                    place,
                };
                let output = run(&program, "/usr/bin:/bin");
                assert_eq!(output.status.code(), status, "{output:?}");
                assert_eq!(
                    output.stdout.is_empty(),
                    status == Some(UNFIT),
                    "{output:?}"
                );
            }
        };
        ends(Some(0));
        // Another program could be there when it is run.
        allow(&path, 0o722);
        ends(Some(UNFIT));
        allow(&path, 0o700);
        std::fs::write(&path, "#!/bin/sh\necho planted\n").unwrap();
        ends(Some(UNFIT));
    }
}

//! Isolation of a hostile job from its user's session: from its terminal, sockets and files.

use std::fs;
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use stub_runtime::__private::Options;
use stub_runtime::ErrorKind;

use crate::harness::{call, folder, register};

/// Successful attempts of a job.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Found {
    /// Sockets that accepted a connection.
    sockets: Vec<String>,
    /// Files and folders that were not empty.
    contents: Vec<PathBuf>,
    /// Files that could be written.
    written: Vec<PathBuf>,
}

/// Targets of a job's attempts.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Tries {
    sockets: Vec<String>,
    contents: Vec<PathBuf>,
    written: Vec<PathBuf>,
}

fn try_all(tries: Tries) -> Found {
    let connects = |name: &String| match name.strip_prefix('@') {
        Some(name) => {
            let address = SocketAddr::from_abstract_name(name).unwrap();
            UnixStream::connect_addr(&address).is_ok()
        }
        None => UnixStream::connect(name).is_ok(),
    };
    let has_content = |path: &PathBuf| match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => fs::read(path).is_ok_and(|bytes| !bytes.is_empty()),
    };
    let writes = |path: &PathBuf| {
        let file = fs::OpenOptions::new().append(true).create(true).open(path);
        file.is_ok_and(|mut file| file.write_all(b"hostile").is_ok())
    };
    Found {
        sockets: tries.sockets.into_iter().filter(connects).collect(),
        contents: tries.contents.into_iter().filter(has_content).collect(),
        written: tries.written.into_iter().filter(writes).collect(),
    }
}

register!(OPEN, |tries: Tries| Ok(try_all(tries)));
register!(
    ISOLATED,
    |tries: Tries| Ok(try_all(tries)),
    options = || Options::new().isolate(true)
);
register!(
    ALONE,
    |tries: Tries| Ok(try_all(tries)),
    options = || Options::new().isolate(true).network(false)
);
register!(
    IN_HOME,
    |tries: Tries| Ok(try_all(tries)),
    options = || Options::new().isolate(true).network(false)
);
register!(
    SESSION,
    |(): ()| {
        let own = ["SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "TMUX", "TMPDIR", "KEEP"];
        let set = own.map(|name| std::env::var(name).is_ok());
        let listener = UnixListener::bind("/tmp/own").unwrap();
        drop(listener);
        Ok((
            set,
            std::env::current_dir().unwrap(),
            fs::read_dir("/dev/pts").unwrap().count(),
        ))
    },
    options = || Options::new().isolate(true)
);

/// Accepts connections until the test's process ends.
fn serve(listener: UnixListener) {
    thread::spawn(move || while listener.accept().is_ok() {});
}

/// Connects like a client of tmux, whose server runs any command that a client sends; agents and buses
/// do too.
#[test]
fn sockets_of_the_user_are_not_reached_by_an_isolated_job() {
    let (_folder, path) = folder();
    let by_path = path.join("tmux-socket");
    serve(UnixListener::bind(&by_path).unwrap());
    let name = format!("stub-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    serve(UnixListener::bind_addr(&address).unwrap());
    let sockets = vec![by_path.to_str().unwrap().to_owned(), format!("@{name}")];
    let tries = || Tries {
        sockets: sockets.clone(),
        ..Tries::default()
    };
    let found: Found = call(&OPEN, tries()).unwrap();
    assert_eq!(found.sockets, sockets, "not isolated, it reaches both");
    let found: Found = call(&ALONE, tries()).unwrap();
    assert_eq!(found, Found::default());
    // With the machine's network, the kernel must have Landlock for that.
    match call::<Found>(&ISOLATED, tries()) {
        Ok(found) => assert_eq!(found, Found::default()),
        Err(error) if matches!(error.kind, ErrorKind::Sandbox { .. }) => {
            assert!(error.to_string().contains("`network = false`"), "{error}");
        }
        Err(error) => panic!("{error}"),
    }
}

/// Runs an act in a separate process with a prepared home and environment; returns its output.
fn act(name: &str, home: &Path) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", name, "--nocapture"])
        .envs([
            ("HOME", home),
            ("STUB_TEST_HOME", home),
            ("TMPDIR", &home.join("tmp")),
        ])
        .envs([
            ("SSH_AUTH_SOCK", "/tmp/agent"),
            ("XDG_RUNTIME_DIR", "/run/user/7"),
            ("TMUX", "/tmp/tmux-7/default,1,0"),
            ("KEEP", "kept"),
        ])
        .current_dir(home.join("work"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Creates a home outside of the folders for temporary files, if this user may.
fn home() -> Option<(tempfile::TempDir, PathBuf)> {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir_in(base).ok()?;
    let path = folder.path().to_owned();
    for (name, text) in [
        (".aws/credentials", "hunter2"),
        (".config/gcloud/token", "hunter2"),
        (".config/editor", "plain"),
        (".netrc", "hunter2"),
        (".bashrc", "plain"),
        ("work/data", "plain"),
        ("tmp/other", "hunter2"),
    ] {
        let file = path.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    Some((folder, path))
}

#[test]
fn credentials_in_a_home_are_hidden_and_what_is_run_from_there_is_read_only() {
    let Some((_folder, home)) = home() else {
        return; // An ordinary user's run, of a program that another has built.
    };
    let found = act("isolation::home_act", &home);
    assert!(
        found.contains("contents [\".bashrc\", \".config/editor\", \"work/data\"]"),
        "{found}"
    );
    assert!(
        found.contains("written [\"work/data\", \"work/new\"]"),
        "{found}"
    );
    assert_eq!(
        fs::read_to_string(home.join("work/new")).unwrap(),
        "hostile"
    );
    assert!(!home.join(".profile").exists());
}

#[test]
#[ignore = "run by another test"]
#[expect(clippy::print_stdout, reason = "how the act answers")]
fn home_act() {
    let home = PathBuf::from(std::env::var_os("STUB_TEST_HOME").unwrap());
    let paths = |names: &[&str]| names.iter().map(|name| home.join(name)).collect::<Vec<_>>();
    let tries = Tries {
        contents: paths(&[
            ".aws",
            ".aws/credentials",
            ".bashrc",
            ".config/editor",
            ".config/gcloud",
            ".config/gcloud/token",
            ".netrc",
            "tmp/other",
            "work/data",
        ]),
        written: paths(&[
            ".bashrc",
            ".config/editor",
            ".profile",
            ".aws/credentials",
            "work/data",
            "work/new",
        ]),
        ..Tries::default()
    };
    let found: Found = call(&IN_HOME, tries).unwrap();
    let names = |paths: &[PathBuf]| -> Vec<PathBuf> {
        let below = |path: &PathBuf| path.strip_prefix(&home).unwrap().to_owned();
        paths.iter().map(below).collect()
    };
    println!("contents {:?}", names(&found.contents));
    println!("written {:?}", names(&found.written));
}

#[test]
fn an_isolated_job_has_temporary_files_and_terminals_of_its_own() {
    let (_folder, path) = folder();
    fs::create_dir_all(path.join("work")).unwrap();
    fs::create_dir_all(path.join("tmp")).unwrap();
    let found = act("isolation::session_act", &path);
    let expected = format!(
        "([false, false, false, false, true], {:?}, 1)",
        path.join("work")
    );
    assert!(found.contains(&expected), "{found} and not {expected}");
    assert!(!Path::new("/tmp/own").exists());
}

#[test]
#[ignore = "run by another test"]
#[expect(clippy::print_stdout, reason = "how the act answers")]
fn session_act() {
    // Where a kernel can't hide abstract sockets, it says so.
    match call::<([bool; 5], PathBuf, usize)>(&SESSION, ()) {
        Ok(found) => println!("{found:?}"),
        Err(error) => println!("{error}"),
    }
}

/// Types into the caller's terminal, as a hostile job would: the shell that reads there would run the
/// input.
#[test]
fn a_job_can_not_type_into_the_callers_terminal() {
    let typed = nix::pty::openpty(None, None).unwrap();
    let mut master = fs::File::from(typed.master);
    let mut act = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "isolation::typing_act",
            "--nocapture",
        ])
        .stdin(typed.slave)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    act.stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(act.wait().unwrap().success());
    assert!(said.contains("refused: Operation not permitted"), "{said}");
    // A terminal echoes what is typed.
    nix::fcntl::fcntl(
        &master,
        nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK),
    )
    .unwrap();
    let mut echoed = [0; 16];
    assert!(!matches!(master.read(&mut echoed), Ok(1..)), "{echoed:?}");
}

register!(TYPES, |(): ()| Ok(type_into(0)));

#[test]
#[ignore = "run by another test"]
#[expect(clippy::print_stdout, reason = "how the act answers")]
fn typing_act() {
    // The terminal is that of a session of its own, as in a window: only there may its programs type into it.
    nix::unistd::setsid().unwrap();
    own_terminal();
    println!("{}", call::<String>(&TYPES, ()).unwrap());
}

mod typing {
    #![allow(unsafe_code, reason = "the attack itself is two calls of the kernel")]

    /// Makes standard input the controlling terminal.
    pub(super) fn own_terminal() {
        // SAFETY: touches no memory.
        let result = unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) };
        assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    }

    /// Simulates terminal input, if the kernel allows it.
    pub(super) fn type_into(descriptor: i32) -> String {
        let byte = b"x";
        // A request as glibc hands it on, and with a high half that the kernel doesn't look at.
        let requests = [libc::TIOCSTI, libc::TIOCSTI | (0xFF << 32), 0x541C];
        let mut said = String::new();
        for request in requests {
            // SAFETY: the kernel reads one byte, which lives through the call.
            let result =
                unsafe { libc::syscall(libc::SYS_ioctl, descriptor, request, byte.as_ptr()) };
            let error = std::io::Error::last_os_error();
            if result == 0 {
                return "typed".to_owned();
            }
            if error.raw_os_error() != Some(libc::EPERM) {
                return format!("not by us: {error}");
            }
            said = format!("refused: {error}");
        }
        said
    }
}
use typing::{own_terminal, type_into};

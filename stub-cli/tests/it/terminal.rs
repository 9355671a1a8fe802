//! Signals of a terminal, which the kernel sends to a whole process group.

use std::process::Stdio;

use nix::sys::signal::Signal;
use s3_local::Server;
use stub_test_support::with_default_signals;

use crate::ending::eventually;
use crate::{server, stub};

/// Program that runs its arguments in the foreground of a new terminal, below a session leader that is
/// no shell. When its own input ends, it closes the terminal, or types Ctrl-\ into it. Then it waits for
/// all processes that it has started.
const TERMINAL: &str = r"
import ctypes, os, pty, signal, sys
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
what, command = sys.argv[1], sys.argv[2:]
leader, terminal = pty.fork()
if leader == 0:
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvp(command[0], command)
    os.waitpid(job, 0)
    os._exit(0)
sys.stdin.read()
if what == 'close':
    os.close(terminal)
else:
    os.write(terminal, b'\x1c')
    try:
        while os.read(terminal, 1024): pass
    except OSError: pass
try:
    while True: os.wait()
except ChildProcessError: pass
";

/// Program that counts its signals until a child in another process group has died of one.
const COUNTS: &str = "
import os, resource, signal, sys
number = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    while True: signal.pause()
try: os.setpgid(child, child)
except OSError: pass
counted, count = os.pipe()
os.set_blocking(count, False)
signal.signal(number, lambda *_: None)
signal.set_wakeup_fd(count)
open('/stub-out/ready', 'w').close()
end = os.waitpid(child, 0)[1]
with open('/stub-out/counted', 'w') as file:
    file.write(f'{len(os.read(counted, 100))} {os.WTERMSIG(end)}')
";

/// Returns the number of signals that the program counted, and the signal that ended its child.
fn counted(server: &Server, what: &str, signal: Signal, options: &[&str]) -> String {
    let mut command = stub("run", server);
    command
        .args(["--volume", "/stub-out=s3://data"])
        .args(options)
        .args(["--", "python3", "-c", COUNTS])
        .arg((signal as i32).to_string());
    let mut terminal = with_default_signals("python3");
    terminal
        .args(["-c", TERMINAL, what])
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::piped());
    for (name, value) in command.get_envs() {
        terminal.env(name, value.unwrap());
    }
    let mut terminal = terminal.spawn().unwrap();
    eventually("it is ready", || server.get("data", "ready").is_some());
    drop(terminal.stdin.take());
    assert!(terminal.wait().unwrap().success());
    let counted = server.get("data", "counted").unwrap();
    server.delete("data", "ready");
    String::from_utf8(counted.to_vec()).unwrap()
}

#[test]
fn each_process_gets_a_signal_of_its_terminal_once() {
    let server = server();
    for (what, signal) in [("close", Signal::SIGHUP), ("type", Signal::SIGQUIT)] {
        let expected = format!("1 {}", signal as i32);
        assert_eq!(counted(&server, what, signal, &[]), expected);
        // It has no terminal, and gets the signal from its caller alone.
        let isolated = counted(&server, what, signal, &["--isolate"]);
        assert_eq!(isolated, expected, "isolated");
    }
}

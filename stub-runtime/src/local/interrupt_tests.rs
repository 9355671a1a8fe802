use std::io::{BufRead, BufReader, Lines, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};

use signal_hook::consts::{SIGIO, SIGTERM, SIGUSR1};

use super::*;

/// Notes the signals that end it.
struct Noted(Sender<i32>);

impl Interruptible for Noted {
    fn end(&self, signal: i32) {
        let _ = self.0.send(signal);
    }
}

/// Prints a line for each signal, by a handler of the program's own.
fn handle(signals: &[i32]) {
    let mut signals = Signals::new(signals).unwrap();
    thread::spawn(move || {
        for signal in signals.forever() {
            say_line(&format!("handled {signal}"));
        }
    });
}

#[allow(clippy::print_stdout, reason = "an act tells its test by its output")]
fn say_line(line: &str) {
    println!("{line}");
}

/// Runs as a program with handlers of its own: it runs something until that is ended, and then
/// waits for its input.
#[test]
#[ignore = "an act of the tests below"]
fn act() {
    handle(&[SIGUSR1, SIGTERM]);
    let (sender, ended) = channel();
    let run = || {
        say_line("runs");
        ended.recv().unwrap()
    };
    let (signal, is_interrupted) = until_interrupted(&Noted(sender), CtrlC::Ends, run);
    say_line(&format!("ended by {signal}: {is_interrupted}"));
    let _ = std::io::stdin().read(&mut [0]);
}

struct Program(Child, Lines<BufReader<ChildStdout>>);

impl Program {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "local::interrupt::tests::act",
                "--nocapture",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut program = Self(child, lines);
        program.says("runs");
        program
    }

    fn signal(&self, signal: i32) {
        let sent = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.0.id().to_string())
            .status();
        assert!(sent.unwrap().success());
    }

    /// Reads lines until one ends so; that of the test harness are before it.
    #[track_caller]
    fn says(&mut self, expected: &str) {
        let mut before = Vec::new();
        for line in self.1.by_ref().map(Result::unwrap) {
            if line.ends_with(expected) {
                return;
            }
            assert!(!line.contains("ended by"), "{line}, not {expected}");
            before.push(line);
        }
        panic!("not {expected}: {before:?}");
    }

    /// Lets the program end by itself.
    fn close(mut self) -> ExitStatus {
        drop(self.0.stdin.take());
        self.0.wait().unwrap()
    }
}

#[test]
fn a_signal_that_a_program_handles_itself_does_not_end_its_runs() {
    let mut program = Program::start();
    program.signal(SIGUSR1);
    program.says("handled 10");
    program.signal(SIGTERM);
    program.says("ended by 15: true");
    assert!(program.close().success());
}

#[test]
fn a_handler_of_the_program_stands_after_a_run() {
    let mut program = Program::start();
    program.signal(SIGTERM);
    program.says("ended by 15: true");
    for signal in [SIGUSR1, SIGTERM] {
        program.signal(signal);
        program.says(&format!("handled {signal}"));
    }
    assert!(program.close().success());
}

#[test]
fn a_signal_that_no_run_hears_ends_the_program_as_ever() {
    const REAL_TIME: i32 = 40;
    const SIGPWR: i32 = 30;
    const SIGSTKFLT: i32 = 16;
    for signal in [REAL_TIME, SIGPWR, SIGSTKFLT, SIGIO] {
        let mut program = Program::start();
        program.signal(SIGTERM);
        program.says("ended by 15: true");
        // Open until it has ended: waiting for a child closes its input.
        let input = program.0.stdin.take();
        program.signal(signal);
        let status = program.0.wait().unwrap();
        drop(input);
        assert_eq!(status.signal(), Some(signal), "{status}");
    }
}

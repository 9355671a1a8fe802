//! Test harness: registers functions by hand, calls them, and checks for leftovers.

use std::fs;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use stub_runtime::__private::{Function, Payload};
use stub_runtime::Error;

/// Registers a function: `register!(ADD, "add", |(a, b): (i64, i64)| Ok(a + b))`.
macro_rules! register {
    ($id:ident, |$arguments:tt : $kind:ty| $body:expr $(, $option:ident = $value:expr)* $(,)?) => {
        #[linkme::distributed_slice(stub_runtime::__private::FUNCTIONS)]
        static $id: stub_runtime::__private::Function = {
            #[allow(unused_mut, reason = "only functions with options change the default")]
            let mut function = stub_runtime::__private::Function {
                name: stringify!($id),
                identifier: stringify!($id),
                module: module_path!(),
                location: (file!(), line!()),
                documentation: "",
                parameters: &[],
                parse: |_| unreachable!("not from a command line"),
                show: |_| unreachable!("not on a command line"),
                volumes: Vec::new,
                secrets: || Ok(Vec::new()),
                options: stub_runtime::__private::Options::new,
                iterates: false,
                invoke: |input, _| {
                    let $arguments: $kind = $crate::harness::decode(input)?;
                    let value = $body;
                    $crate::harness::encode(value)
                },
            };
            $(function.$option = $value;)*
            function
        };
    };
}
pub(crate) use register;

pub(crate) type Invoked<T> = Result<T, stub_runtime::__private::InvokeError>;

pub(crate) fn decode<T: DeserializeOwned>(input: Payload) -> Invoked<T> {
    input
        .decode()
        .map_err(|error| stub_runtime::__private::InvokeError::Codec(error.to_string()))
}

pub(crate) fn encode<T: Serialize>(value: Invoked<T>) -> Invoked<Payload> {
    Payload::encode(&value?)
        .map_err(|error| stub_runtime::__private::InvokeError::Codec(error.to_string()))
}

/// Calls a function, and checks that nothing of the call is left.
pub(crate) fn call<V: DeserializeOwned>(
    function: &'static Function,
    arguments: impl Serialize,
) -> Result<V, Error> {
    let output = stub_runtime::engines::run(function, &Payload::encode(&arguments).unwrap());
    assert_eq!(
        ours(function.name),
        Vec::<String>::new(),
        "processes are left"
    );
    no_mounts();
    output.map(|payload| payload.decode().unwrap())
}

/// Checks that this process sees no mounted volume.
pub(crate) fn no_mounts() {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let ours: Vec<&str> = mounts
        .lines()
        .filter(|line| line.contains("fuse.stub"))
        .collect();
    assert_eq!(ours, Vec::<&str>::new(), "mounts are left");
}

/// Returns the processes of a function, as `pid: command line`. Zombies have no command line.
pub(crate) fn ours(function: &str) -> Vec<String> {
    let suffix = format!("::{function}");
    let of_function = |line: &String| {
        line.starts_with("stub: ")
            && line
                .split('\0')
                .next()
                .is_some_and(|arg| arg.ends_with(&suffix))
    };
    processes()
        .into_iter()
        .filter(|(_, line)| of_function(line))
        .map(describe)
        .collect()
}

/// Returns the processes with this text in their command line.
pub(crate) fn with_text(text: &str) -> Vec<String> {
    processes()
        .into_iter()
        .filter(|(_, line)| line.contains(text))
        .map(describe)
        .collect()
}

/// Parses the process ID in the results of `ours` and `with_text`.
pub(crate) fn pid(description: &str) -> i32 {
    description.split(':').next().unwrap().parse().unwrap()
}

fn describe((pid, line): (u32, String)) -> String {
    format!("{pid}: {}", line.replace('\0', " "))
}

fn processes() -> Vec<(u32, String)> {
    // Another user may be running the same tests.
    let own = nix::unistd::getuid().to_string();
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            // The folder's owner tells less: it is root for a process that hides its memory.
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            let user = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
            if user.split_whitespace().next()? != own {
                return None;
            }
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            Some((pid, String::from_utf8_lossy(&line).into_owned()))
        })
        .collect()
}

/// Creates a folder that is removed with the returned value.
pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    (folder, path)
}

//! Server of the tests: one for all of them.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use crate::vendor::Vendor;

/// Variable with the name of a server that runs already.
const NAME: &str = "STUB_PROPERTIES_SERVER";

/// Exit status of the script if moto can't be installed.
const NOT_INSTALLED: i32 = 77;

/// Server, and the keys that it takes.
pub(crate) struct Server {
    pub(crate) vendor: Vendor,
    pub(crate) endpoint_url: String,
    pub(crate) region: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    /// Process that ends with its input, which ends with this process.
    _serving: Option<Child>,
}

/// Returns the server, which is started for the first test. If moto can't be installed here, prints the
/// reason and returns `None`; with `CI=true` it panics.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match env::var(NAME) {
        Ok(name) => Some(of_others(&name)),
        Err(_) => moto(),
    });
    server.as_ref()
}

fn of_others(name: &str) -> Server {
    let variable = |name| env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    Server {
        vendor: Vendor::from_name(name),
        endpoint_url: variable("AWS_ENDPOINT_URL"),
        region: variable("AWS_REGION"),
        access_key_id: variable("AWS_ACCESS_KEY_ID"),
        secret_access_key: variable("AWS_SECRET_ACCESS_KEY"),
        _serving: None,
    }
}

#[allow(clippy::print_stdout, reason = "says why nothing was tested")]
fn moto() -> Option<Server> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/foreign-server.sh");
    let mut serving = Command::new(script)
        .arg("--serve")
        .env("STUB_FOREIGN_FOLDER", target.join("foreign-server"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let mut urls = lines
        .map_while(Result::ok)
        .filter(|line| line.starts_with("http://"));
    let Some(endpoint_url) = urls.next() else {
        explain(serving.wait().unwrap());
        println!("skipped: moto can't be installed");
        return None;
    };
    Some(Server {
        vendor: Vendor::Moto,
        endpoint_url,
        region: "us-east-1".to_owned(),
        // It takes any.
        access_key_id: "AKIDAKIDAKIDAKID".to_owned(),
        secret_access_key: "secret".to_owned(),
        _serving: Some(serving),
    })
}

/// Panics unless moto may be missing.
fn explain(status: ExitStatus) {
    let in_ci = env::var("CI").is_ok_and(|value| value == "true");
    assert!(status.code() == Some(NOT_INSTALLED) && !in_ci, "{status}");
}

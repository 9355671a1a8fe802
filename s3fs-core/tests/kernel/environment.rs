//! Settings from the environment: endpoint, profile and certificate.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use s3fs_core::{BucketName, Credentials, FileSystem, MountConfig, Resources};
use tempfile::TempDir;

use crate::fake::Fake;
use crate::mounted::{BUCKET, SOON, config, server};
use crate::tls::certify;

/// Variable with the bucket that the child process connects to.
const CONFIG: &str = "STUB_TEST_CONFIG";

/// Beginning of the line that the child process prints.
const SAID: &str = "said: ";

/// Empty page of a listing.
const EMPTY: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult><Name>data</Name><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys>
<IsTruncated>false</IsTruncated></ListBucketResult>"#;

/// Connects in a separate process, with these variables and this AWS configuration file; returns its
/// result.
pub(crate) fn said(config: &MountConfig, variables: &[(&str, &str)], file: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, file).unwrap();
    let ours = std::env::vars_os().map(|(name, _)| name);
    let ours = ours.filter(|name| {
        let name = name.as_encoded_bytes();
        name.starts_with(b"AWS_") || name.to_ascii_lowercase().ends_with(b"_proxy")
    });
    let mut command = Command::new(std::env::current_exe().unwrap());
    for name in ours {
        command.env_remove(name);
    }
    let output = command
        .args([
            "environment::connect",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env("AWS_CONFIG_FILE", &path)
        .env("AWS_SHARED_CREDENTIALS_FILE", folder.path().join("none"))
        .env(CONFIG, serde_json::to_string(config).unwrap())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = printed.lines().find_map(|line| line.strip_prefix(SAID));
    line.unwrap_or_else(|| panic!("{printed}")).to_owned()
}

#[test]
#[ignore = "not a test but the process that connects for the other ones"]
#[allow(clippy::print_stdout, reason = "it is how this process answers")]
fn connect() {
    let config = serde_json::from_str(&std::env::var(CONFIG).unwrap()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let connected = runtime.block_on(FileSystem::connect(config, &Resources::default()));
    // A line of its own: the harness leaves its own unfinished.
    match connected {
        Ok(_) => println!("\n{SAID}connected"),
        Err(error) => println!("\n{SAID}{}", error.to_string().replace('\n', "; ")),
    }
}

/// Returns the configuration of a bucket whose endpoint only the environment gives.
pub(crate) fn anywhere() -> MountConfig {
    MountConfig {
        credentials: Credentials::Anonymous,
        retry_timeout: SOON,
        ..MountConfig::new(BucketName::new(BUCKET).unwrap())
    }
}

#[test]
fn the_endpoint_of_s3_is_used_and_shown_wherever_it_stands() {
    let server = server();
    let (url, nowhere) = (server.endpoint_url(), "http://127.0.0.1:1");
    let here = MountConfig {
        endpoint_url: None,
        ..config(&server)
    };
    let absent = MountConfig {
        bucket: BucketName::new("absent").unwrap(),
        ..here.clone()
    };
    let variables = [
        ("AWS_ENDPOINT_URL_S3", &*url),
        ("AWS_ENDPOINT_URL", nowhere),
    ];
    let services = format!(
        "[default]\nservices = local\nendpoint_url = {nowhere}\n\
         [services local]\ns3 =\n  endpoint_url = {url}\n"
    );
    for (variables, file) in [(&variables[..], ""), (&[], &*services)] {
        assert_eq!(said(&here, variables, file), "connected");
        let text = said(&absent, variables, file);
        assert!(
            text.starts_with(&format!("failed to open bucket absent at {url}")),
            "{text}"
        );
    }
}

#[test]
fn an_endpoint_in_the_environment_that_is_no_url_is_an_error() {
    let text = said(
        &anywhere(),
        &[("AWS_ENDPOINT_URL_S3", "localhost:9000")],
        "",
    );
    assert!(
        text.contains("`localhost:9000` is no http or https URL"),
        "{text}"
    );
}

#[test]
fn an_endpoint_with_a_path_is_used_with_and_without_a_slash_at_its_end() {
    for slash in ["", "/"] {
        let fake = Fake::answering(EMPTY);
        let config = MountConfig {
            endpoint_url: Some(format!("{}/gw/s3{slash}", fake.url())),
            ..anywhere()
        };
        assert_eq!(said(&config, &[], ""), "connected");
        let requests = fake.requests();
        assert!(requests[0].starts_with("GET /gw/s3/data/?"), "{requests:?}");
    }
}

#[test]
fn a_profile_in_the_environment_that_does_not_exist_is_named() {
    let config = MountConfig {
        credentials: Credentials::Chain { profile: None },
        ..anywhere()
    };
    let text = said(
        &config,
        &[("AWS_PROFILE", "nope")],
        "[profile other]\nregion = x\n",
    );
    assert!(
        text.contains("AWS_PROFILE names the profile nope, which does not exist: `aws configure"),
        "{text}"
    );
}

#[test]
fn keys_in_the_environment_need_no_profile() {
    let server = server();
    let config = MountConfig {
        credentials: Credentials::Chain { profile: None },
        ..config(&server)
    };
    let variables = [
        ("AWS_PROFILE", "nope"),
        ("AWS_ACCESS_KEY_ID", server.access_key_id()),
        ("AWS_SECRET_ACCESS_KEY", server.secret_access_key()),
    ];
    assert_eq!(said(&config, &variables, ""), "connected");
}

#[test]
fn keys_of_the_environment_that_are_refused_are_an_error_at_once() {
    let server = server();
    let config = MountConfig {
        credentials: Credentials::Chain { profile: None },
        ..config(&server)
    };
    let variables = [
        ("AWS_ACCESS_KEY_ID", "unknown"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let text = said(&config, &variables, "");
    assert!(
        text.contains("the credentials are refused (InvalidAccessKeyId: ")
            && text.contains("; check the access key and its secret, or renew"),
        "{text}"
    );
    assert_eq!(server.log().requests().len(), 1);
}

#[test]
fn a_host_name_that_does_not_resolve_is_named() {
    let config = MountConfig {
        endpoint_url: Some("http://storage.invalid:9000".into()),
        ..anywhere()
    };
    let text = said(&config, &[], "");
    assert!(
        text.contains("the host name data.storage.invalid does not resolve"),
        "{text}"
    );
    let remedy = "; if the server has no host name for each bucket, set force_path_style";
    assert!(text.ends_with(remedy), "{text}");
    let config = MountConfig {
        force_path_style: true,
        ..config
    };
    let text = said(&config, &[], "");
    assert!(
        text.contains("the host name storage.invalid does not resolve"),
        "{text}"
    );
    assert!(!text.contains("force_path_style"), "{text}");
}

/// Server with a certificate for `localhost` that no authority has signed.
struct Tls {
    folder: TempDir,
    child: Child,
    port: String,
}

impl Tls {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        certify(folder.path(), "localhost");
        let mut child = Command::new("openssl")
            .args("s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -www".split(' '))
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.map(Result::unwrap).find_map(|line| {
            let address = line.strip_prefix("ACCEPT ")?;
            Some(address.rsplit(':').next()?.to_owned())
        });
        Self {
            folder,
            child,
            port: port.unwrap(),
        }
    }

    fn certificate(&self) -> std::path::PathBuf {
        self.folder.path().join("cert.pem")
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_certificate_that_is_not_accepted_is_told_as_one_with_what_helps() {
    let server = Tls::start();
    let at = |host: &str| MountConfig {
        endpoint_url: Some(format!("https://{host}:{}", server.port)),
        ..anywhere()
    };
    let connect =
        |host: &str, file: &Path| said(&at(host), &[("SSL_CERT_FILE", file.to_str().unwrap())], "");
    let none = server.folder.path().join("none.pem");
    fs::write(&none, "").unwrap();
    let text = connect("localhost", &none);
    assert!(
        text.contains("the certificate of localhost is not accepted"),
        "{text}"
    );
    assert!(text.contains("the file that SSL_CERT_FILE names"), "{text}");
    // The advice helps; what answers there is no S3.
    let text = connect("localhost", &server.certificate());
    assert!(text.contains("does not answer as S3 does"), "{text}");
    let text = connect("127.0.0.1", &server.certificate());
    assert!(
        text.contains("the certificate of 127.0.0.1 is not accepted"),
        "{text}"
    );
}

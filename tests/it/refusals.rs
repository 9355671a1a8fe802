//! Wrong buckets, endpoints and credentials: each is an error before the body runs.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use s3_local::{BucketOptions, Policy};
use stub::{CloudBucketMount, Error, ErrorKind, Secret};
use stub_test_support::{Clean, folder};

use crate::act::{act, output, tell, told};
use crate::bucket::{self, BUCKET, keys, volume};

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn runs() -> io::Result<usize> {
    Ok(std::fs::read_dir("/stub-it/data")?.count())
}

/// Returns the call's reason for rejecting a volume.
fn says(volume: CloudBucketMount) -> String {
    bucket::choose(volume);
    reason(&runs().unwrap_err())
}

fn reason(error: &Error) -> String {
    let ErrorKind::Volume { reason, .. } = &error.kind else {
        panic!("{error:?}")
    };
    let expected = format!("`it::refusals::runs` failed to mount volume `/stub-it/data`: {reason}");
    assert_eq!(error.to_string(), expected);
    assert!(reason.lines().count() <= 2, "{reason}");
    reason.clone()
}

#[track_caller]
fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in {text:?}");
    }
}

#[test]
fn a_bucket_that_does_not_exist() {
    let _clean = Clean::start();
    let server = bucket::server();
    let text = says(bucket::of(&server, "absent"));
    let expected = format!(
        "failed to open bucket absent at {}: it does not exist\n\
         check the name, and the account and endpoint it belongs to",
        server.endpoint_url()
    );
    assert_eq!(text, expected);
}

#[test]
fn keys_that_are_wrong() {
    let _clean = Clean::start();
    let server = bucket::server();
    let wrong_secret = keys(server.access_key_id(), "a-wrong-secret");
    let text = says(bucket::at(&server, BUCKET).secret(wrong_secret));
    assert_has(
        &text,
        &[
            "bucket data",
            "the credentials are refused",
            "SignatureDoesNotMatch",
            "check the access key",
        ],
    );
    assert!(!text.contains("a-wrong-secret"), "{text}");
    let text = says(bucket::at(&server, BUCKET).secret(keys("AKIANOBODY", "a-wrong-secret")));
    assert_has(
        &text,
        &[
            "the credentials are refused",
            "InvalidAccessKeyId",
            "check the access key",
        ],
    );
    assert!(!text.contains("a-wrong-secret"), "{text}");
}

#[test]
fn keys_that_are_not_there() {
    let _clean = Clean::start();
    let server = bucket::server();
    let text = says(bucket::at(&server, BUCKET).secret(Secret::from_dict([("TOKEN", "hunter2")])));
    assert_eq!(
        text,
        "the secret has no AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY; it has TOKEN"
    );
    let text = says(bucket::at(&server, BUCKET).secret(Secret::from_env(["STUB_IT_MISSING"])));
    assert_eq!(
        text,
        "failed to load the secret: not set in the environment: STUB_IT_MISSING"
    );
    assert_eq!(
        server.log().total(),
        0,
        "noticed before the bucket is asked"
    );
}

#[test]
fn listing_that_is_denied() {
    let _clean = Clean::start();
    let server = bucket::server_with(Policy::new().allow("s3:GetObject", "data/*"));
    let text = says(bucket::limited(&server));
    assert_has(
        &text,
        &[
            "listing is denied",
            "AccessDenied",
            "allow `s3:ListBucket` on `arn:aws:s3:::data` to these credentials",
        ],
    );
}

#[test]
fn a_private_bucket_asked_anonymously() {
    let _clean = Clean::start();
    let server = bucket::server();
    let text = says(bucket::at(&server, BUCKET).anonymous(true));
    assert_has(&text, &["listing is denied", "AccessDenied"]);
}

#[test]
fn an_endpoint_where_nothing_listens() {
    let _clean = Clean::start();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}");
    let text = says(somewhere(&url));
    assert_has(
        &text,
        &[
            &url,
            "the endpoint does not answer",
            "check its URL",
            "onnection refused",
        ],
    );
    let url = "http://stub-it.invalid";
    assert_has(
        &says(somewhere(url)),
        &[url, "the endpoint does not answer", "check its URL"],
    );
}

#[test]
fn an_endpoint_that_is_not_s3() {
    let _clean = Clean::start();
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 19\r\nConnection: close\r\n\r\n<html>hello</html>\n",
        "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 10\r\nConnection: close\r\n\r\n<h1>no</h1",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "220 mail.example.org ESMTP ready\r\n",
    ] {
        let url = answering(answer);
        let text = says(somewhere(&url));
        assert_has(
            &text,
            &[
                &url,
                "the endpoint does not answer as S3 does",
                "check its URL",
            ],
        );
    }
}

fn somewhere(url: &str) -> CloudBucketMount {
    let volume = CloudBucketMount::new(BUCKET).bucket_endpoint_url(url);
    let volume = volume.force_path_style(true).secret(keys("id", "secret"));
    volume.retry_timeout(Duration::from_secs(1))
}

/// Starts a server that sends the same response to every client, as long as the tests run.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The request's end doesn't matter to such a server.
            let _ = stream.read(&mut [0; 8192]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn a_region_that_is_wrong_and_one_that_is_found() {
    let _clean = Clean::start();
    let server = bucket::server();
    server.create_bucket_with("far-away", BucketOptions::new().region("eu-central-1"));
    let text = says(bucket::of(&server, "far-away").region("us-west-2"));
    assert_has(
        &text,
        &[
            "it is in region eu-central-1, not us-west-2",
            "give that region, or none and it is found",
        ],
    );
    bucket::choose(bucket::of(&server, "far-away"));
    assert_eq!(runs().unwrap(), 0);
}

#[test]
fn names_prefixes_and_urls_that_are_something_else() {
    let _clean = Clean::start();
    let server = bucket::server();
    let of = |bucket: &str| says(bucket::of(&server, bucket));
    assert_eq!(
        of("arn:aws:s3:::data"),
        "`arn:aws:s3:::data` is an ARN, not a bucket name\nwrite `data`"
    );
    assert_has(
        &of("s3://data"),
        &["`s3://data` is a URL, not a bucket name\nwrite `data`"],
    );
    assert_has(&of("s3://data/in"), &["write `data`", "`in/`"]);
    assert_has(&of("data/in"), &["write `data`", "`in/`"]);
    assert_has(&of("da ta"), &["`da ta` is not a bucket name"]);
    assert_has(&of(""), &["bucket name is empty"]);
    let prefixed = says(bucket::of(&server, BUCKET).key_prefix("in"));
    assert_eq!(prefixed, "key prefix `in` does not end in `/`\nwrite `in/`");
    let without_scheme = CloudBucketMount::new(BUCKET).bucket_endpoint_url("localhost:9000");
    assert_has(
        &says(without_scheme),
        &["localhost:9000", "it has no scheme"],
    );
    assert_eq!(
        server.log().total(),
        0,
        "noticed before the bucket is asked"
    );
}

#[test]
fn credentials_that_nothing_provides() {
    let _clean = Clean::start();
    let (server, home) = (bucket::server(), folder());
    let mut act = act("refusals::no_credentials_act");
    act.env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", home.path())
        .env("TMPDIR", std::env::temp_dir())
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let (good, text) = output(tell(&mut act, &server));
    assert!(good, "{text}");
    assert_eq!(
        server.log().total(),
        0,
        "nothing was asked without credentials"
    );
}

#[test]
#[ignore = "run by another test"]
fn no_credentials_act() {
    let text = says(told(false));
    assert_has(
        &text,
        &[
            "bucket data",
            "no credentials were found",
            "give the mount a secret",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            "configure a profile",
            "anonymous",
        ],
    );
}

/// Runs this program as a task of a cluster, with this ticket; returns its exit status and output.
fn task(ticket: &str) -> (Option<i32>, String) {
    let mut task = Command::new(std::env::current_exe().unwrap())
        .env("STUB_PROCESS", "task:0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    task.stdin
        .take()
        .unwrap()
        .write_all(ticket.as_bytes())
        .unwrap();
    let output = task.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn a_task_of_another_build_or_without_a_ticket_does_nothing_and_says_why() {
    let _clean = Clean::start();
    let ticket = |version: u32| {
        format!(
            r#"{{"version":{version},"call":"0","spool":{{"Folder":"/nonexistent"}},"submission":0,"program":"00","key":"Spool"}}"#
        )
    };
    for (ticket, words) in [
        (ticket(1), "of another build than the one that called"),
        (ticket(99), "the call has version 99"),
        (String::new(), "without a ticket"),
        ("{}".to_owned(), "without a ticket"),
    ] {
        let (status, text) = task(&ticket);
        assert_eq!(status, Some(78), "{text}");
        assert!(text.contains(words), "{text}");
    }
}

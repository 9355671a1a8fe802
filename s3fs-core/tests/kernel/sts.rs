//! Small STS, which checks and records its requests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use s3_local::Policy;
use s3_local::S3Local;

use crate::mounted::BUCKET;

/// ARN of the role that may be assumed.
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

/// Key of the role's sessions.
const KEY: [&str; 3] = ["ASIAROLE", "role-secret", "role-token"];

/// Request, by the names of its parameters, with the ID of its key as `Key`.
pub(crate) type Parameters = BTreeMap<String, String>;

/// Service on loopback, which answers as long as the tests run.
pub(crate) struct Sts {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Parameters>>>,
}

impl Sts {
    /// Starts a service whose sessions are valid for no time, so that each is renewed.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<_>>>::default();
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, seen) = (stream.unwrap(), Arc::clone(&seen));
                thread::spawn(move || answer(stream, &seen));
            }
        });
        Self { address, requests }
    }

    /// Returns the service's URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the requests until now.
    pub(crate) fn requests(&self) -> Vec<Parameters> {
        self.requests.lock().unwrap().clone()
    }
}

/// Adds the key of the role's sessions to a server.
pub(crate) fn with_role(builder: s3_local::Builder) -> s3_local::Builder {
    let [id, secret, token] = KEY;
    builder.temporary_key(id, secret, token, Policy::read_write(BUCKET))
}

/// Starts a server with the bucket, which knows the role's sessions.
pub(crate) fn server() -> s3_local::Server {
    let server = with_role(S3Local::builder()).start();
    server.create_bucket(BUCKET);
    server
}

fn answer(stream: TcpStream, seen: &Mutex<Vec<Parameters>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some(request) = read(&mut reader) {
        let refused = request.get("RoleArn").is_none_or(|role| role != ROLE);
        let action = request["Action"].clone();
        seen.lock().unwrap().push(request);
        let (status, body) = if refused {
            ("403 Forbidden", refusal())
        } else {
            ("200 OK", session(&action))
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads a request; `None` at the end of the connection.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Parameters> {
    let (mut length, mut key) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        match &*name.to_ascii_lowercase() {
            "" => break,
            "content-length" => length = value.parse().unwrap(),
            "authorization" => {
                let (_, id) = value.split_once("Credential=").unwrap();
                id.split('/').next().unwrap().clone_into(&mut key);
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).unwrap();
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let mut parameters: Parameters = pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    parameters.insert("Key".into(), key);
    Some(parameters)
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

fn session(action: &str) -> String {
    let [id, secret, token] = KEY;
    format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId>\
         <Arn>arn:aws:sts::123456789012:assumed-role/reader/s</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
         <SessionToken>{token}</SessionToken><Expiration>2020-01-01T00:00:00Z</Expiration>\
         </Credentials></{action}Result></{action}Response>"
    )
}

fn refusal() -> String {
    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
     <Message>User: me is not authorized to perform: sts:AssumeRole</Message></Error>\
     </ErrorResponse>"
        .into()
}

//! Networks of companies: proxies, and certificates of their own authorities.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use s3_local::Server;
use s3fs_core::{Credentials, MountConfig};

use crate::environment::{anywhere, said};
use crate::mounted::{SOON, config, server};
use crate::tls::{Gateway, content_length, forwarded, head, header};

/// Host that only a proxy can reach.
const HOST: &str = "s3.corp.example";

/// Header of the user `me` with the password `p@ss:word`.
const BASIC: &str = "Basic bWU6cEBzczp3b3Jk";

/// Proxy that connects every host to one server. It runs as long as the tests run.
struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts a proxy that demands this header, if any.
    fn start(upstream: SocketAddr, demanded: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, log) = (stream.unwrap(), Arc::clone(&log));
                thread::spawn(move || serve(stream, upstream, demanded, &log));
            }
        });
        Self { address, seen }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns and clears the methods and targets of requests until now.
    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn serve(
    mut client: TcpStream,
    upstream: SocketAddr,
    demanded: Option<&str>,
    seen: &Mutex<Vec<String>>,
) {
    let Some(head) = head(&mut client) else {
        return;
    };
    let line = head.lines().next().unwrap();
    let (target, _) = line.rsplit_once(' ').unwrap();
    seen.lock().unwrap().push(target.to_owned());
    if demanded.is_some() && header(&head, "proxy-authorization") != demanded {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        client.write_all(refusal).unwrap();
        return;
    }
    if !target.starts_with("CONNECT ") {
        let mut body = vec![0; content_length(&head)];
        io::Read::read_exact(&mut client, &mut body).unwrap();
        let head = head.replacen(&format!("http://{HOST}"), "", 1);
        let answer = forwarded(&head, &body, &upstream.to_string());
        client.write_all(&answer).unwrap();
        return;
    }
    let Ok(server) = TcpStream::connect(upstream) else {
        let failure = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n";
        client.write_all(failure).unwrap();
        return;
    };
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
    let pairs = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || copy(pairs.0, pairs.1));
    copy(server, client);
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// Bucket behind TLS, which only a proxy can reach.
struct Behind {
    server: Server,
    gateway: Gateway,
}

impl Behind {
    fn start() -> Self {
        let server = server();
        let gateway = Gateway::start(HOST, &server.endpoint_url());
        Self { server, gateway }
    }

    fn config(&self, scheme: &str) -> MountConfig {
        MountConfig {
            endpoint_url: Some(format!("{scheme}://{HOST}")),
            force_path_style: true,
            retry_timeout: SOON,
            ..config(&self.server)
        }
    }

    fn proxy(&self, demanded: Option<&'static str>) -> Proxy {
        Proxy::start(self.gateway.address, demanded)
    }

    fn certificate(&self) -> String {
        self.gateway.certificate().to_str().unwrap().to_owned()
    }
}

#[test]
fn a_bucket_is_reached_through_a_proxy_with_a_password() {
    let behind = Behind::start();
    let proxy = behind.proxy(Some(BASIC));
    let url = proxy.url().replace("//", "//me:p%40ss:word@");
    let certificate = behind.certificate();
    let variables = [("HTTPS_PROXY", &*url), ("AWS_CA_BUNDLE", &*certificate)];
    let config = behind.config("https");
    assert_eq!(said(&config, &variables, ""), "connected");
    assert_eq!(proxy.seen(), [format!("CONNECT {HOST}:443")]);

    // Without TLS, the proxy sees the request itself.
    let address = behind.server.endpoint_url().replace("http://", "");
    let proxy = Proxy::start(address.parse().unwrap(), Some(BASIC));
    let url = proxy.url().replace("//", "//me:p%40ss:word@");
    let variables = [("http_proxy", &*url)];
    assert_eq!(said(&behind.config("http"), &variables, ""), "connected");
    let seen = proxy.seen();
    let start = format!("GET http://{HOST}/data/?");
    assert!(seen[0].starts_with(&start), "{seen:?}");
}

#[test]
fn a_proxy_that_refuses_is_named_without_its_password() {
    let behind = Behind::start();
    for (scheme, variable) in [("https", "HTTPS_PROXY"), ("http", "HTTP_PROXY")] {
        let proxy = behind.proxy(Some(BASIC));
        let url = proxy.url().replace("//", "//me:secret@");
        let text = said(&behind.config(scheme), &[(variable, &url)], "");
        let named = format!("the proxy {} of {variable}", proxy.url());
        let refusal = format!(": {named} refuses its user and password (HTTP 407); ");
        assert!(text.contains(&refusal), "{text}");
        assert!(text.contains("`http://USER:PASSWORD@HOST:PORT`"), "{text}");
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(proxy.seen().len(), 1, "it is not asked again");
    }
}

#[test]
fn a_proxy_that_does_not_answer_or_is_none_is_named() {
    let behind = Behind::start();
    let config = behind.config("https");
    let connect = |url: &str| said(&config, &[("HTTPS_PROXY", url)], "");
    let text = connect("http://me:secret@127.0.0.1:1");
    let named = "through the proxy http://127.0.0.1:1 of HTTPS_PROXY: ";
    assert!(text.contains(named), "{text}");
    let remedy =
        "that the proxy http://127.0.0.1:1 of HTTPS_PROXY reaches it, and whether NO_PROXY has";
    assert!(text.contains(remedy), "{text}");
    assert!(!text.contains("secret"), "{text}");
    let text = connect("http://proxy.invalid:3128");
    let named = "the host name of the proxy does not resolve: ";
    assert!(text.contains(named), "{text}");
    assert!(text.contains("http://proxy.invalid:3128"), "{text}");
    let text = connect("socks5://me:secret@127.0.0.1:1");
    let named = "the proxy socks5://127.0.0.1:1 of HTTPS_PROXY is no http or https URL";
    assert!(text.contains(named), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn this_machine_and_hosts_of_no_proxy_are_reached_directly() {
    let server = server();
    let proxy = Proxy::start("127.0.0.1:1".parse().unwrap(), None);
    let url = proxy.url();
    let both = [("HTTP_PROXY", &*url), ("HTTPS_PROXY", &*url)];
    assert_eq!(said(&config(&server), &both, ""), "connected");
    let elsewhere = MountConfig {
        endpoint_url: Some("https://storage.invalid".into()),
        ..anywhere()
    };
    let variables = [both[0], both[1], ("NO_PROXY", ".invalid:443")];
    let text = said(&elsewhere, &variables, "");
    let direct = "the host name data.storage.invalid does not resolve";
    assert!(text.contains(direct), "{text}");
    assert_eq!(proxy.seen(), [""; 0]);
    let text = said(&elsewhere, &both, "");
    let refusal = format!("the proxy {url} of HTTPS_PROXY: it refuses or fails to connect");
    assert!(text.contains(&refusal), "{text}");
    let path_style = "whether NO_PROXY has to name it; if the server has no host name for each";
    assert!(text.contains(path_style), "{text}");
    let seen = proxy.seen();
    assert_eq!(seen[0], "CONNECT data.storage.invalid:443", "{seen:?}");
}

#[test]
fn only_the_authorities_of_the_file_are_trusted_wherever_it_is_named() {
    let behind = Behind::start();
    let (proxy, certificate) = (behind.proxy(None), behind.certificate());
    let other = behind.gateway.other_certificate(HOST);
    let other = other.to_str().unwrap();
    let config = behind.config("https");
    let connect = |variables: &[(&str, &str)], file: &str| {
        let url = proxy.url();
        let proxied = [variables, &[("HTTPS_PROXY", &*url)]].concat();
        said(&config, &proxied, file)
    };
    let profile = format!("[default]\nca_bundle = {certificate}\n");
    assert_eq!(connect(&[], &profile), "connected");
    let system = ("SSL_CERT_FILE", &*certificate);
    assert_eq!(connect(&[system], ""), "connected");

    let refused = format!("the certificate of {HOST} is not accepted");
    let text = connect(&[system, ("AWS_CA_BUNDLE", other)], &profile);
    assert!(text.contains(&refused), "{text}");
    assert!(text.contains("in that of AWS_CA_BUNDLE"), "{text}");
    let text = connect(&[("AWS_CA_BUNDLE", "/none.pem")], &profile);
    let missing = "failed to read the certificates of `/none.pem`, named by AWS_CA_BUNDLE: No such";
    assert!(text.contains(missing), "{text}");
    let text = connect(&[], "[default]\nca_bundle = /dev/null\n");
    let empty = "`/dev/null`, named by `ca_bundle` of profile default, has no certificate";
    assert!(text.contains(empty), "{text}");
}

#[test]
fn credentials_of_a_role_are_asked_for_through_the_proxy() {
    let proxy = Proxy::start("127.0.0.1:1".parse().unwrap(), Some(BASIC));
    let url = proxy.url();
    let config = MountConfig {
        credentials: Credentials::Chain {
            profile: Some("role".into()),
        },
        region: Some("eu-west-1".into()),
        ..anywhere()
    };
    let file = "[profile base]\naws_access_key_id = A\naws_secret_access_key = s\n\
                [profile role]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n";
    let text = said(&config, &[("HTTPS_PROXY", &url)], file);
    let named = format!("the proxy {url} of HTTPS_PROXY refuses its user and password");
    assert!(text.contains(&named), "{text}");
    let seen = proxy.seen();
    assert_eq!(
        seen[0], "CONNECT sts.eu-west-1.amazonaws.com:443",
        "{seen:?}"
    );
}

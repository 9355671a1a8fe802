//! Server with prepared answers, which records its requests.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Server that is no S3. It answers as long as the tests run.
pub(crate) struct Fake {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Answers every request with this body.
    pub(crate) fn answering(body: &'static str) -> Self {
        Self::answering_with(move |_| body.to_owned())
    }

    /// Answers every request with the body made for its number, counted from 0.
    pub(crate) fn answering_with(body: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        let next = AtomicUsize::new(0);
        let body = Arc::new(move || body(next.fetch_add(1, Ordering::Relaxed)));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, seen) = (stream.unwrap(), Arc::clone(&seen));
                let body = Arc::clone(&body);
                thread::spawn(move || answer(stream, &*body, &seen));
            }
        });
        Self { address, requests }
    }

    /// Returns the server's URL, without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns and clears the first lines of all requests until now.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

/// Answers the requests of a connection. Each is assumed to be as short as a listing's.
fn answer(mut stream: TcpStream, body: &dyn Fn() -> String, seen: &Mutex<Vec<String>>) {
    let mut request = [0; 16384];
    while let Ok(length @ 1..) = stream.read(&mut request) {
        let text = String::from_utf8_lossy(&request[..length]);
        let line = text.lines().next().unwrap_or_default();
        seen.lock().unwrap().push(line.to_owned());
        let body = body();
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

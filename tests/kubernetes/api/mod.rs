//! API server: `requests` answers, `schema` and `rules` refuse what the API would, `faults` injects
//! failures.

mod faults;
mod query;
mod requests;
mod rules;
mod schema;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use crate::cluster::Cluster;
pub(crate) use faults::Faults;
pub(crate) use requests::{NAMESPACE, create};

/// Bearer token of authorised clients.
pub(crate) const TOKEN: &str = "the-token-of-a-user";

/// Server of a cluster's API. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(cluster: Arc<Cluster>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build();
            let serving = async {
                tokio::select! {
                    () = serve(listener, cluster) => {}
                    _ = stopped => {}
                }
            };
            let runtime = runtime.unwrap();
            runtime.block_on(serving);
            runtime.shutdown_background();
        });
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: TcpListener, cluster: Arc<Cluster>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let cluster = Arc::clone(&cluster);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&cluster, request));
            let connection = hyper::server::conn::http1::Builder::new();
            // A client may go at any time.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Answers a request; an error closes the connection without an answer.
async fn answer(
    cluster: &Cluster,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let lost = || io::Error::other("the answer is lost");
    if cluster.faults.is_silent() {
        while cluster.faults.is_silent() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        return Err(lost());
    }
    let is_create = head.method == "POST" && head.uri.path().ends_with("/jobs");
    let loses = is_create && cluster.faults.loses_answer();
    let (code, text) = requests::answer(cluster, &head, &body);
    if loses {
        return Err(lost());
    }
    let response = Response::builder()
        .status(code)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(text)));
    response.map_err(io::Error::other)
}

//! HTTP connections, and limits on the requests sent and the bodies received over them.

mod authorities;
mod bypass;
mod https;
mod proxy;
mod routed;

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::SharedHttpClient;
use aws_types::os_shim_internal::Env;
use http::Uri;
use tokio::sync::Semaphore;

use crate::store::Throttles;
use proxy::Proxies;
use routed::Routed;

pub(super) use authorities::{Authorities, AuthoritiesError};
pub(super) use proxy::{NotAProxy, ProxyRefused, THROUGH_PROXY};

/// Memory for file contents for each body received at once, in bytes: each has a buffer of some hundred
/// kilobytes that no budget includes, beside its part.
const MEMORY_OF_BODY: u64 = (4 << 20) / 3;

/// Divisor of the limit of descriptors: the share for bodies. Uploads, other requests, idle connections, files of
/// a cache and stages have some, too.
const SHARE_OF_DESCRIPTORS: usize = 4;

/// Range of the maximum number of bodies received at once.
const BODIES: RangeInclusive<usize> = 32..=MOST_BODIES;
const MOST_BODIES: usize = 512;

/// HTTP connections, shared by all mounts of a process.
#[derive(Clone, Debug)]
pub struct HttpClient {
    /// Clients by the file of the authorities that they trust; `None` for the system's.
    clients: Arc<Mutex<HashMap<Option<String>, SharedHttpClient>>>,
    proxies: Arc<Proxies>,
    pub(super) bodies: Arc<Semaphore>,
    pub(super) throttles: Throttles,
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::with_bodies(*BODIES.start())
    }
}

/// Returns the maximum number of bodies received at once by a process with `memory` bytes for file
/// contents, and this limit of descriptors.
pub fn bodies(memory: u64, descriptors: usize) -> usize {
    let bodies = usize::try_from(memory / MEMORY_OF_BODY).unwrap_or(usize::MAX);
    bodies
        .min(descriptors / SHARE_OF_DESCRIPTORS)
        .clamp(*BODIES.start(), *BODIES.end())
}

impl HttpClient {
    /// Creates the client of a process that receives at most `bodies` bodies at once.
    pub fn with_bodies(bodies: usize) -> Self {
        Self {
            clients: Arc::default(),
            proxies: Arc::new(Proxies::from_env(&Env::real())),
            bodies: Arc::new(Semaphore::new(bodies)),
            throttles: Throttles::default(),
        }
    }

    /// Returns the client that trusts these authorities. A file is read once.
    ///
    /// # Errors
    /// Returns an error if the file is missing or has no certificate.
    pub(super) fn trusting(
        &self,
        authorities: &Authorities,
    ) -> Result<SharedHttpClient, AuthoritiesError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let name = authorities.file().map(str::to_owned);
        if let Some(client) = clients.get(&name) {
            return Ok(client.clone());
        }
        let client = Routed::new(&self.proxies, authorities.certificates()?);
        let client = SharedHttpClient::new(client);
        clients.insert(name, client.clone());
        Ok(client)
    }

    /// Returns the proxy of requests to a URL, for messages.
    pub(super) fn proxy_of(&self, url: &str) -> Option<String> {
        let uri: Uri = url.parse().ok()?;
        self.proxies.of(&uri).map(ToString::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_memory_is_for_more_bodies() {
        let bodies = |memory| bodies(memory, 1 << 20);
        assert_eq!(bodies(16 << 20), 32);
        assert_eq!(bodies(128 << 20), 96);
        assert_eq!(bodies(512 << 20), 384);
        assert_eq!(bodies(u64::MAX), MOST_BODIES);
    }

    #[test]
    fn few_descriptors_are_for_few_bodies() {
        assert_eq!(bodies(4 << 30, 1024), 256);
        assert_eq!(bodies(128 << 20, 1024), 96);
        assert_eq!(bodies(4 << 30, 64), 32);
    }
}

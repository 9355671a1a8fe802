//! Configuration and start of a server.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use s3s::service::S3ServiceBuilder;

use crate::access::{Access, AccessKey, KeyRing};
use crate::api::{Api, Etags, Renames};
use crate::catalog::Catalog;
use crate::http::Front;
use crate::server::Parts;
use crate::storage::{Folder, OpenError, Storage};
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::{Error, Knobs, Policy, RequestLog, Server, random};

/// Entry point of this crate: `S3Local::builder()`.
#[derive(Clone, Copy, Debug)]
pub struct S3Local;

impl S3Local {
    /// Returns a builder for a server in memory, on any free port, in the region `us-east-1`.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// Configuration of a server.
///
/// ```
/// use s3_local::{Policy, S3Local};
///
/// let server = S3Local::builder()
///     .region("eu-west-1")
///     .access_key("reader", "a secret", Policy::read_only("data"))
///     .start();
/// assert!(server.endpoint_url().starts_with("http://127.0.0.1:"));
/// ```
#[derive(Clone)]
pub struct Builder {
    folder: Option<PathBuf>,
    port: u16,
    region: String,
    threads: usize,
    etags: Etags,
    #[cfg(feature = "tls")]
    is_https: bool,
    root: Option<(String, String)>,
    keys: BTreeMap<String, AccessKey>,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            folder: None,
            port: 0,
            region: "us-east-1".to_owned(),
            threads: 0,
            etags: Etags::default(),
            #[cfg(feature = "tls")]
            is_https: false,
            root: None,
            keys: BTreeMap::new(),
        }
    }
}

// Without the secrets.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("folder", &self.folder)
            .field("port", &self.port)
            .field("region", &self.region)
            .field("access_keys", &self.keys.keys())
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Keeps objects in memory; this is the default.
    #[must_use]
    pub fn in_memory(self) -> Builder {
        Builder {
            folder: None,
            ..self
        }
    }

    /// Keeps objects in files of a folder, which is created if it does not exist. Another server started
    /// on the folder finds them again.
    #[must_use]
    pub fn on_folder(self, folder: impl Into<PathBuf>) -> Builder {
        Builder {
            folder: Some(folder.into()),
            ..self
        }
    }

    /// Listens on this port of 127.0.0.1 instead of any free one.
    #[must_use]
    pub fn port(self, port: u16) -> Builder {
        Builder { port, ..self }
    }

    /// Sets the region of buckets that are created without one.
    #[must_use]
    pub fn region(self, region: impl Into<String>) -> Builder {
        Builder {
            region: region.into(),
            ..self
        }
    }

    /// Sets the number of server threads; the default is the number of processors.
    #[must_use]
    pub fn threads(self, threads: usize) -> Builder {
        Builder { threads, ..self }
    }

    /// Sets the source of objects' `ETag`s.
    #[must_use]
    pub fn etags(self, etags: Etags) -> Builder {
        Builder { etags, ..self }
    }

    /// Serves HTTPS instead of HTTP, with a certificate for `127.0.0.1` and `localhost` that is made when the server
    /// starts. Clients trust it by [`Server::certificate`].
    ///
    /// ```
    /// use s3_local::S3Local;
    ///
    /// let server = S3Local::builder().https().start();
    /// assert!(server.endpoint_url().starts_with("https://127.0.0.1:"));
    /// let file = std::env::temp_dir().join("s3-local-certificate.pem");
    /// std::fs::write(&file, server.certificate().unwrap_or_default())?;
    /// // AWS_CA_BUNDLE names the file to clients.
    /// # std::fs::remove_file(&file)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn https(self) -> Builder {
        Builder {
            is_https: true,
            ..self
        }
    }

    /// Sets the access key that may do everything; the default is a generated one.
    #[must_use]
    pub fn root_key(self, id: impl Into<String>, secret: impl Into<String>) -> Builder {
        Builder {
            root: Some((id.into(), secret.into())),
            ..self
        }
    }

    /// Adds an access key that may do what its policy allows.
    #[must_use]
    pub fn access_key(
        self,
        id: impl Into<String>,
        secret: impl Into<String>,
        policy: Policy,
    ) -> Builder {
        self.with_key(id.into(), secret.into(), None, policy)
    }

    /// Adds an access key of temporary credentials; requests without their session token are refused.
    #[must_use]
    pub fn temporary_key(
        self,
        id: impl Into<String>,
        secret: impl Into<String>,
        session_token: impl Into<String>,
        policy: Policy,
    ) -> Builder {
        self.with_key(id.into(), secret.into(), Some(session_token.into()), policy)
    }

    fn with_key(
        mut self,
        id: String,
        secret: String,
        token: Option<String>,
        policy: Policy,
    ) -> Builder {
        let session_token = token.map(Into::into);
        self.keys.insert(
            id,
            AccessKey {
                secret: secret.into(),
                session_token,
                policy,
                session: None,
            },
        );
        self
    }

    /// Starts the server; [`try_start`](Builder::try_start) returns an error instead of panicking.
    ///
    /// # Panics
    ///
    /// If the server can't start, with the reason.
    #[track_caller]
    pub fn start(self) -> Server {
        match self.try_start() {
            Ok(server) => server,
            Err(error) => panic!("{}", crate::server::with_sources(&error)),
        }
    }

    /// Starts the server, which serves on threads of its own until it is dropped.
    ///
    /// May be called with or without an async runtime around.
    ///
    /// # Errors
    ///
    /// If the port is taken, the folder can't be used, or a policy names an unknown action.
    pub fn try_start(self) -> Result<Server, Error> {
        self.check_policies()?;
        #[cfg(feature = "tls")]
        let tls = self.is_https.then(Tls::new).transpose()?;
        #[cfg(not(feature = "tls"))]
        let tls = None;
        let (storage, catalog) = self.open_storage()?;
        let (id, secret) = self.root.unwrap_or_else(|| {
            (
                format!("AKIA{}", random::hex_string(8).to_uppercase()),
                random::hex_string(20),
            )
        });
        let policy = Policy::allow_all();
        let root = AccessKey {
            secret: secret.as_str().into(),
            session_token: None,
            policy,
            session: None,
        };
        let keys = self.keys.into_iter().chain([(id.clone(), root)]);
        let keys = Arc::new(KeyRing::new(keys));

        let access = Access::new(Arc::clone(&keys), Arc::clone(&catalog));
        let knobs = Arc::new(Knobs::default());
        let api = Api {
            knobs: Arc::clone(&knobs),
            catalog: Arc::clone(&catalog),
            storage: storage.clone(),
            access: access.clone(),
            etags: self.etags,
            region: self.region.clone(),
            sessions: Arc::clone(&keys.sessions),
        };
        let renames = Renames::new(Arc::clone(&catalog), access.clone());
        let mut service = S3ServiceBuilder::new(api);
        service.set_auth(KeyRing::clone(&keys));
        service.set_access(access);
        service.set_route(renames);
        let log = Arc::new(RequestLog::default());
        let front = Front {
            service: service.build(),
            catalog: Arc::clone(&catalog),
            knobs: Arc::clone(&knobs),
            log: Arc::clone(&log),
            request_ids: AtomicU64::new(1),
            keys: Arc::clone(&keys),
        };
        let port = self.port;
        let listen = |source| Error::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let (etags, region) = (self.etags, self.region);
        let parts = Parts {
            catalog,
            storage,
            knobs,
            log,
            keys,
            etags,
            region,
            root: (id, secret.into()),
        };
        Server::start(parts, front, listener, tls, self.threads)
    }

    fn check_policies(&self) -> Result<(), Error> {
        for (access_key, key) in &self.keys {
            if let Some(action) = key.policy.unknown_action() {
                let (access_key, action) = (access_key.clone(), action.to_owned());
                return Err(Error::UnknownAction { access_key, action });
            }
        }
        Ok(())
    }

    fn open_storage(&self) -> Result<(Storage, Arc<Catalog>), Error> {
        let Some(path) = self.folder.clone() else {
            return Ok((Storage::Memory, Arc::new(Catalog::in_memory())));
        };
        match Folder::open(&path) {
            Ok((folder, catalog)) => Ok((Storage::Folder(Arc::new(folder)), Arc::new(catalog))),
            Err(OpenError::InUse) => Err(Error::FolderInUse { path }),
            Err(OpenError::Io(source)) => Err(Error::Folder { path, source }),
        }
    }
}

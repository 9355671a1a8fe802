//! Sessions of directory buckets: temporary keys, which sign most requests.
//!
//! A session is created with the keys of the mount, is used until shortly before it expires, and is
//! dropped when the bucket refuses it.

mod cache;
mod refusals;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, ProvideCredentials};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::create_session::CreateSessionError;
use aws_sdk_s3::types::{ServerSideEncryption, SessionMode};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio::time::Instant;

use super::identity::Flight;
use crate::config::{Access, MountConfig};
use crate::object::{BucketKind, BucketName, Encryption};
pub(super) use cache::SessionCache;

/// Beginning of the text of a refusal to create a session.
pub(super) const NO_SESSION: &str = "CreateSession";

/// Lifetime of a session, as Amazon documents it.
const LIFETIME: Duration = Duration::from_mins(5);

/// Requests that the sessions of a mount are for.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) bucket: BucketName,
    pub(super) mode: SessionMode,
    /// Encryption of the objects that are written, which no request but a copy may change; the bucket's
    /// own when absent.
    pub(super) encryption: Option<Encryption>,
}

impl Scope {
    /// Returns the scope of a mount's sessions; `None` if its bucket has none.
    pub(super) fn of(config: &MountConfig) -> Option<Self> {
        let (mode, encryption) = match config.access {
            Access::ReadOnly => (SessionMode::ReadOnly, None),
            Access::ReadWrite { .. } => (SessionMode::ReadWrite, config.uploads.encryption.clone()),
        };
        (config.bucket.kind() == BucketKind::Directory).then(|| Self {
            bucket: config.bucket.clone(),
            mode,
            encryption,
        })
    }
}

/// Sessions of a bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Sessions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Client that signs with the keys of the mount.
    client: Client,
    scope: Scope,
    current: RwLock<Option<Session>>,
    creating: Flight<Result<Session, NoSession>>,
}

#[derive(Clone, Debug)]
struct Session {
    keys: Credentials,
    /// Time from which another session is created.
    renewed: Instant,
    ends: Instant,
}

/// Failure to create a session.
#[derive(Clone, Debug, thiserror::Error)]
#[error("failed to create a session of the bucket")]
pub(super) struct NoSession(Arc<SdkError<CreateSessionError, HttpResponse>>);

impl NoSession {
    /// Returns the error of the request.
    pub(super) fn error(&self) -> &SdkError<CreateSessionError, HttpResponse> {
        &self.0
    }
}

impl Sessions {
    /// Creates the sessions of a bucket; nothing is sent yet.
    pub(super) fn new(client: Client, scope: Scope) -> Self {
        Self(Arc::new(Shared {
            client,
            scope,
            current: RwLock::default(),
            creating: Flight::default(),
        }))
    }

    fn current(&self) -> Option<Session> {
        let current = self.0.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, session: Option<Session>) {
        let current = self.0.current.write();
        *current.unwrap_or_else(PoisonError::into_inner) = session;
    }

    /// Drops a session that was refused.
    fn on_refused(&self, token: &str) {
        let is_current = |session: &Session| session.keys.session_token() == Some(token);
        if self.current().as_ref().is_some_and(is_current) {
            tracing::debug!("the session of the bucket was refused: creating another");
            self.replace(None);
        }
    }

    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let now = Instant::now();
        let current = self.current();
        if let Some(session) = current.as_ref().filter(|session| now < session.renewed) {
            return Ok(session.keys.clone());
        }
        let sessions = self.clone();
        let create = async move { sessions.create().await };
        let created = self.0.creating.join(create).await;
        let created = created
            .ok_or_else(|| CredentialsError::unhandled("the creation of a session was aborted"))?;
        match (created, current) {
            (Ok(session), _) => Ok(session.keys),
            // The last session is good for a moment.
            (Err(_), Some(last)) if now < last.ends => Ok(last.keys),
            (Err(error), _) => Err(CredentialsError::provider_error(error)),
        }
    }

    async fn create(&self) -> Result<Session, NoSession> {
        let scope = &self.0.scope;
        let encryption = scope.encryption.as_ref();
        let algorithm = |it: &Encryption| ServerSideEncryption::from(it.algorithm.as_str());
        let answer = self
            .0
            .client
            .create_session()
            .bucket(scope.bucket.as_str())
            .session_mode(scope.mode.clone())
            .set_server_side_encryption(encryption.map(algorithm))
            .set_ssekms_key_id(encryption.and_then(|it| it.key_id.clone()))
            .set_bucket_key_enabled(encryption.and_then(|it| it.bucket_key))
            .send()
            .await;
        let answer = answer.map_err(|error| NoSession(Arc::new(error)))?;
        let missing = || {
            let words = "the answer to CreateSession has no credentials";
            NoSession(Arc::new(SdkError::construction_failure(words)))
        };
        let created = answer.credentials.ok_or_else(missing)?;
        let lifetime = lifetime(created.expiration.try_into().ok(), SystemTime::now());
        let now = Instant::now();
        let session = Session {
            keys: Credentials::new(
                created.access_key_id,
                created.secret_access_key,
                Some(created.session_token),
                None,
                "s3express",
            ),
            renewed: now + lifetime * 9 / 10,
            ends: now + lifetime,
        };
        self.replace(Some(session.clone()));
        Ok(session)
    }
}

/// Returns how long a session is used. A clock that is wrong here says nothing: the bucket refuses the
/// session when it has ended.
fn lifetime(expires: Option<SystemTime>, now: SystemTime) -> Duration {
    let left = expires.and_then(|expires| expires.duration_since(now).ok());
    left.filter(|left| *left <= LIFETIME).unwrap_or(LIFETIME)
}

impl ProvideCredentials for Sessions {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(self.load())
    }
}

#[cfg(test)]
mod tests;

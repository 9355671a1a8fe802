//! `CreateSession` of directory buckets, and the encryption that a session says.

use s3s::auth::Credentials;
use s3s::dto::{CreateSessionInput, CreateSessionOutput, SessionCredentials, Timestamp};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Api;
use super::convert::encryption_of;
use crate::access::{SessionMode, SessionScope};
use crate::catalog::{Encryption, Headers, Refusal, is_directory};

/// Encryption of a directory bucket that has no other.
const DEFAULT: &str = "AES256";

impl Api {
    pub(super) fn create_session(
        &self,
        request: S3Request<CreateSessionInput>,
    ) -> S3Result<S3Response<CreateSessionOutput>> {
        let mut input = request.input;
        if !is_directory(&input.bucket) {
            return Err(s3_error!(
                MethodNotAllowed,
                "The specified method is not allowed against this resource."
            ));
        }
        let settings = self.catalog.settings(&input.bucket);
        settings.ok_or(Refusal::NoSuchBucket)?;
        let mode = input.session_mode;
        let scope = SessionScope {
            encryption: encryption_of!(input),
            bucket: input.bucket,
            mode: match mode.as_ref().map(s3s::dto::SessionMode::as_str) {
                Some(s3s::dto::SessionMode::READ_ONLY) => SessionMode::ReadOnly,
                _ => SessionMode::ReadWrite,
            },
        };
        let session = self.sessions.create(scope, self.knobs.session_lifetime());
        Ok(S3Response::new(CreateSessionOutput {
            credentials: SessionCredentials {
                access_key_id: session.id,
                expiration: Timestamp::from(session.expires),
                secret_access_key: session.secret,
                session_token: session.token,
            },
            ..CreateSessionOutput::default()
        }))
    }

    /// Gives an object of a directory bucket the encryption of the session.
    ///
    /// Source: "Specifying server-side encryption with AWS KMS for new object uploads in directory
    /// buckets", in the User Guide of Amazon S3.
    ///
    /// # Errors
    /// The request says another one.
    pub(super) fn encrypt(
        &self,
        credentials: Option<&Credentials>,
        headers: &mut Headers,
    ) -> S3Result<()> {
        let key = credentials.and_then(|it| self.sessions.key(&it.access_key));
        let Some(scope) = key.as_ref().and_then(|key| key.session.as_ref()) else {
            return Ok(());
        };
        let of_session = scope.encryption.as_ref();
        if let Some(said) = headers.encryption.take()
            && !is_same(&said, of_session)
        {
            let message = "The encryption settings of the request differ from the session's";
            return Err(s3_error!(InvalidRequest, "{message}"));
        }
        headers.encryption = of_session.cloned();
        Ok(())
    }
}

/// Returns whether a request says the encryption of its session.
fn is_same(said: &Encryption, of_session: Option<&Encryption>) -> bool {
    of_session.map_or(said.algorithm == DEFAULT, |it| it == said)
}

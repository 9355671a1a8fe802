//! `CreateSession` of directory buckets.

use s3s::dto::{CreateSessionInput, CreateSessionOutput, SessionCredentials, Timestamp};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Api;
use crate::access::{SessionMode, SessionScope};
use crate::catalog::{Refusal, is_directory};

impl Api {
    pub(super) fn create_session(
        &self,
        request: S3Request<CreateSessionInput>,
    ) -> S3Result<S3Response<CreateSessionOutput>> {
        let input = request.input;
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
}

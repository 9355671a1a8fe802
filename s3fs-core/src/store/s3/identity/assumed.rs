//! Roles that are assumed with other credentials.

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_sdk_s3::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};

use aws_smithy_types::error::ErrorMetadata;

use crate::config::{AssumedRole, RoleArn};
use crate::object::{causes, chain_in_one_line};

/// Default name of a role's session.
pub(super) const SESSION: &str = "stub-mount";

/// Beginning of the text of [`NotAssumed`].
pub(in crate::store::s3) const NOT_ASSUMED: &str = "failed to assume role";

/// Failure to assume a role, with the answer of STS.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{NOT_ASSUMED} {role}: {reason}")]
pub(in crate::store::s3) struct NotAssumed {
    role: RoleArn,
    reason: String,
    is_answered: bool,
}

impl NotAssumed {
    pub(super) fn new(role: &RoleArn, cause: &CredentialsError) -> Self {
        let answer = answer(cause);
        Self {
            role: role.clone(),
            is_answered: answer.is_some(),
            reason: answer.unwrap_or_else(|| chain_in_one_line(cause)),
        }
    }

    /// Returns whether STS has refused, so that other keys may help.
    pub(super) fn is_answered(&self) -> bool {
        self.is_answered
    }
}

/// Provider that assumes a role.
#[derive(Debug)]
pub(super) struct Assumed {
    role: RoleArn,
    provider: AssumeRoleProvider,
}

impl Assumed {
    /// Creates the provider, which asks STS with the credentials of `base`.
    pub(super) async fn new(
        role: &AssumedRole,
        base: SharedCredentialsProvider,
        sdk: &SdkConfig,
    ) -> Self {
        let session = role.session_name.as_ref();
        let session = session.map_or(SESSION, |name| name.as_str());
        let mut builder = AssumeRoleProvider::builder(role.arn.as_str())
            .session_name(session)
            .configure(sdk);
        if let Some(id) = &role.external_id {
            builder = builder.external_id(id);
        }
        Self {
            role: role.arn.clone(),
            provider: builder.build_from_provider(base).await,
        }
    }

    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let assumed = self.provider.provide_credentials().await;
        assumed
            .map_err(|error| CredentialsError::provider_error(NotAssumed::new(&self.role, &error)))
    }
}

impl ProvideCredentials for Assumed {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(self.load())
    }
}

/// Returns the code and message of STS, if it has answered.
fn answer(error: &CredentialsError) -> Option<String> {
    causes(error).find_map(|cause| {
        let answer = cause.downcast_ref::<ErrorMetadata>()?;
        Some(format!("{}: {}", answer.code()?, answer.message()?))
    })
}

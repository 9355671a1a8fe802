//! Roles that are assumed with the identity token of a machine or a job.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_sdk_s3::config::{Credentials, ProvideCredentials};
use aws_types::os_shim_internal::Env;
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::assumed::{NotAssumed, SESSION};
use crate::config::{RoleArn, SessionName};

/// Variable with the path of a file with the token, which others renew.
const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

/// Variable with the token of a job on Modal.
const MODAL_TOKEN: &str = "MODAL_IDENTITY_TOKEN";

/// Provider that assumes a role with a token.
#[derive(Debug)]
pub(super) struct Token {
    role: RoleArn,
    session: String,
    config: ProviderConfig,
}

impl Token {
    /// Creates the provider; the token is read each time that the role is assumed.
    pub(super) fn new(
        role: &RoleArn,
        session: Option<&SessionName>,
        config: ProviderConfig,
    ) -> Self {
        Self {
            role: role.clone(),
            session: session.map_or(SESSION, SessionName::as_str).to_owned(),
            config,
        }
    }

    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let failed = |error| CredentialsError::provider_error(NotAssumed::new(&self.role, &error));
        let (path, _in_memory) = path(&Env::real()).map_err(failed)?;
        let provider = WebIdentityTokenCredentialsProvider::builder()
            .configure(&self.config)
            .static_configuration(StaticConfiguration {
                web_identity_token_file: path,
                role_arn: self.role.to_string(),
                session_name: self.session.clone(),
            })
            .build();
        provider.provide_credentials().await.map_err(failed)
    }
}

/// Returns the path of the token, and the file in memory that it may be in: the SDK takes tokens
/// from files alone.
fn path(env: &Env) -> Result<(PathBuf, Option<File>), CredentialsError> {
    if let Ok(path) = env.get(TOKEN_FILE) {
        return Ok((path.into(), None));
    }
    let Ok(token) = env.get(MODAL_TOKEN) else {
        let words = format!("there is no identity token: set {TOKEN_FILE} or {MODAL_TOKEN}");
        return Err(CredentialsError::not_loaded(words));
    };
    let file = in_memory(&token).map_err(CredentialsError::provider_error)?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok((path.into(), Some(file)))
}

fn in_memory(token: &str) -> std::io::Result<File> {
    let mut file = File::from(memfd_create("token", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(token.as_bytes())?;
    Ok(file)
}

impl ProvideCredentials for Token {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(self.load())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_from_the_file_or_the_variable() {
        let both = Env::from_slice(&[(TOKEN_FILE, "/token"), (MODAL_TOKEN, "t")]);
        assert_eq!(path(&both).unwrap().0, PathBuf::from("/token"));
        let (of_modal, _file) = path(&Env::from_slice(&[(MODAL_TOKEN, "the token")])).unwrap();
        for _ in 0..2 {
            assert_eq!(std::fs::read_to_string(&of_modal).unwrap(), "the token");
        }
        let error = path(&Env::from_slice(&[])).unwrap_err();
        let text = crate::object::chain_in_one_line(&error);
        assert!(
            text.contains(TOKEN_FILE) && text.contains(MODAL_TOKEN),
            "{text}"
        );
    }
}

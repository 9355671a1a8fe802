//! The keys of a profile of the AWS configuration files.

use std::thread;

use s3fs_core::{ProfileKeys, profile_credentials};
use tokio::runtime::Builder;

use super::error::SecretError;

/// Variables with keys, by name.
pub(super) type Variables = Vec<(&'static str, String)>;

/// Asks the profile, on a thread of its own: the caller may be async code, which must not block on
/// async code.
pub(super) fn get(profile: &str) -> Result<Variables, SecretError> {
    let asked = thread::scope(|scope| scope.spawn(|| ask(profile)).join());
    let keys = asked.unwrap_or_else(|_| Err("asking for it panicked".to_owned()));
    keys.map(variables)
        .map_err(|reason| SecretError::Profile { reason })
}

fn ask(profile: &str) -> Result<ProfileKeys, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("can't ask for it: {error}"))?;
    runtime
        .block_on(profile_credentials(Some(profile)))
        .map_err(|error| error.to_string())
}

fn variables(keys: ProfileKeys) -> Variables {
    let always = [
        ("AWS_ACCESS_KEY_ID", Some(keys.access_key_id)),
        ("AWS_SECRET_ACCESS_KEY", Some(keys.secret_access_key)),
        ("AWS_SESSION_TOKEN", keys.session_token),
        ("AWS_REGION", keys.region),
    ];
    let there = always
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    there.collect()
}

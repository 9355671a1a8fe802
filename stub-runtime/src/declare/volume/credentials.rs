//! Credentials and region of a volume, from its secret, profile or `anonymous`.

use std::time::SystemTime;

use s3fs_core::{Credentials, chain};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::VolumeError;
use super::endpoint::Service;
use super::options::VolumeOptions;
use crate::declare::secret::Secret;

/// Names of a secret's entries with the two keys of a bucket.
const AWS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
const GOOGLE: [&str; 2] = ["GOOGLE_ACCESS_KEY_ID", "GOOGLE_ACCESS_KEY_SECRET"];

/// Name of a secret's entry with the time at which its keys expire.
const EXPIRY: &str = "AWS_CREDENTIAL_EXPIRATION";

/// Returns the credentials of a volume and, if it is known, the region.
pub(super) fn of(
    options: &VolumeOptions,
    service: Service,
) -> Result<(Credentials, Option<String>), VolumeError> {
    let region = options.region.clone();
    if region.as_deref() == Some("") {
        return Err(VolumeError::EmptyRegion);
    }
    let is_anonymous = options.anonymous.unwrap_or(false);
    if let Some(credentials) = options.role.web_identity()? {
        let other = match (&options.secret, &options.profile, is_anonymous) {
            (Some(_), ..) => Some("secret"),
            (_, Some(_), _) => Some("profile"),
            (.., true) => Some("anonymous"),
            _ => None,
        };
        return match other {
            Some(other) => Err(VolumeError::Conflict("oidc_auth_role_arn", other)),
            None => Ok((credentials, region)),
        };
    }
    match (&options.secret, &options.profile, is_anonymous) {
        (Some(_), Some(_), _) => Err(VolumeError::Conflict("secret", "profile")),
        (Some(_), _, true) => Err(VolumeError::Conflict("secret", "anonymous")),
        (_, Some(_), true) => Err(VolumeError::Conflict("profile", "anonymous")),
        (None, None, true) if options.requester_pays == Some(true) => {
            Err(VolumeError::Conflict("requester_pays", "anonymous"))
        }
        (None, None, true) => Ok((Credentials::Anonymous, region)),
        (None, profile, false) => Ok((
            Credentials::Chain {
                profile: profile.clone(),
            },
            region,
        )),
        (Some(secret), None, false) => {
            let secret = secret
                .as_ref()
                .as_ref()
                .map_err(|error| VolumeError::Secret(chain(error)))?;
            let region = region.or_else(|| filled(secret, "AWS_REGION").map(str::to_owned));
            Ok((keys(secret, service)?, region))
        }
    }
}

/// Returns the keys of a secret.
pub(super) fn keys(secret: &Secret, service: Service) -> Result<Credentials, VolumeError> {
    let wanted = if service == Service::Google && GOOGLE.iter().any(|k| secret.get(k).is_some()) {
        GOOGLE
    } else {
        AWS
    };
    match wanted.map(|name| filled(secret, name)) {
        [Some(id), Some(key)] => Ok(Credentials::Static {
            access_key_id: id.to_owned(),
            secret_access_key: key.to_owned(),
            session_token: filled(secret, "AWS_SESSION_TOKEN").map(str::to_owned),
        }),
        _ => Err(VolumeError::MissingKeys {
            missing: wanted
                .into_iter()
                .filter(|name| filled(secret, name).is_none())
                .collect(),
            present: secret.names().map(str::to_owned).collect(),
        }),
    }
}

/// Returns the time at which the keys of a secret expire, if the secret says so. Programs print the
/// zero time of their language for keys that don't expire: times until 1970 stand for none.
pub(super) fn expiry(secret: &Secret) -> Result<Option<SystemTime>, VolumeError> {
    let given = filled(secret, EXPIRY);
    let parsed = given.map(|text| OffsetDateTime::parse(text, &Rfc3339));
    match parsed.transpose() {
        Ok(time) => Ok(time
            .map(SystemTime::from)
            .filter(|time| *time > SystemTime::UNIX_EPOCH)),
        Err(_) => Err(VolumeError::Expiry(EXPIRY)),
    }
}

/// Returns an entry of a secret unless it is empty: an unset variable of a shell script or a CI job
/// becomes empty.
fn filled<'a>(secret: &'a Secret, name: &str) -> Option<&'a str> {
    secret.get(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::time::Duration;

    use super::*;

    #[test]
    fn the_zero_time_of_a_language_is_no_expiry() {
        let expiry_of = |time: &str| expiry(&Secret::from_dict([(EXPIRY, time)])).unwrap();
        for zero in [
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00Z",
            "1970-01-01T01:00:00+01:00",
        ] {
            assert_eq!(expiry_of(zero), None, "{zero}");
        }
        let first = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        assert_eq!(expiry_of("1970-01-01T00:00:01Z"), Some(first));
    }
}

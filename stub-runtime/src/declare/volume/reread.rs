//! Keys of a volume's secret, read again from their file, program or function.

use s3fs_core::{Credentials, KeySource, MountConfig, ReadKeySource, ReadKeys, chain};

use super::credentials;
use super::endpoint::{self, Service};
use crate::declare::secret::{Secret, SecretFunction, source};

/// Reader of the file, program or function of a volume's secret.
#[derive(Debug)]
pub(crate) struct SecretReader {
    service: Service,
    function: Option<SecretFunction>,
}

impl SecretReader {
    /// Creates a reader that takes the same names from the secret as the first read did.
    pub(crate) fn of(mount: &MountConfig) -> Self {
        Self::with(mount, None)
    }

    /// Creates a reader that calls this function of the process.
    pub(super) fn with(mount: &MountConfig, function: Option<SecretFunction>) -> Self {
        let url = mount.endpoint_url.as_deref();
        let service = url.and_then(|url| endpoint::check(url, mount.bucket.as_str()).ok());
        Self {
            service: service.unwrap_or(Service::S3),
            function,
        }
    }
}

impl ReadKeySource for SecretReader {
    fn read(&self, place: &KeySource) -> Result<ReadKeys, String> {
        let secret = match &self.function {
            Some(function) => Secret::of_function(function.clone()),
            None => source::read_again(place),
        };
        let secret = secret.map_err(|error| chain(&error))?;
        let expires = credentials::expiry(&secret).map_err(|error| chain(&error))?;
        let keys = credentials::keys(&secret, self.service).map_err(|error| chain(&error))?;
        match keys {
            Credentials::Static {
                access_key_id,
                secret_access_key,
                session_token,
            } => Ok(ReadKeys {
                access_key_id,
                secret_access_key,
                session_token,
                expires,
            }),
            _ => Err("a secret gives keys alone".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs;

    use s3fs_core::BucketName;

    use super::*;

    #[test]
    fn the_keys_of_the_volumes_service_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.env");
        let text = "AWS_ACCESS_KEY_ID=aws\nAWS_SECRET_ACCESS_KEY=a\n\
                    GOOGLE_ACCESS_KEY_ID=google\nGOOGLE_ACCESS_KEY_SECRET=g\n";
        fs::write(&path, text).unwrap();
        for (url, expected) in [
            (None, "aws"),
            (Some("https://minio.example.org"), "aws"),
            (Some("https://storage.googleapis.com"), "google"),
        ] {
            let mut mount = MountConfig::new(BucketName::new("data").unwrap());
            mount.endpoint_url = url.map(str::to_owned);
            let read = SecretReader::of(&mount).read(&KeySource::File(path.clone()));
            assert_eq!(read.unwrap().access_key_id, expected, "{url:?}");
        }
    }
}

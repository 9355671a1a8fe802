//! Keys of a volume's secret, read again from their file or program.

use s3fs_core::{Credentials, KeySource, ReadKeySource, ReadKeys, chain};

use super::credentials;
use super::endpoint::Service;
use crate::declare::secret::source;

/// Reader of the files and programs of secrets.
#[derive(Debug)]
pub(crate) struct SecretReader;

impl ReadKeySource for SecretReader {
    fn read(&self, place: &KeySource) -> Result<ReadKeys, String> {
        let secret = source::read(place).map_err(|error| chain(&error))?;
        // Google's names go first, as for its endpoint.
        let keys = credentials::keys(&secret, Service::Google).map_err(|error| chain(&error))?;
        match keys {
            Credentials::Static {
                access_key_id,
                secret_access_key,
                session_token,
            } => Ok(ReadKeys {
                access_key_id,
                secret_access_key,
                session_token,
            }),
            _ => Err("a secret gives keys alone".to_owned()),
        }
    }
}

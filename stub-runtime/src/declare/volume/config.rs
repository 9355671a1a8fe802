//! Conversion of a volume's options to a mount's configuration: all the checks, in one place, without I/O.

use std::sync::Arc;

use s3fs_core::{
    Access, BucketName, CacheConfig, LEAST_BUDGET, MountConfig, Ownership, Prefix, StageConfig,
};

use super::freshness::freshness;
use super::options::VolumeOptions;
use super::{
    CloudBucketMount, FolderOptions, SecretReader, VolumeError, credentials, endpoint, uploads,
};
use crate::declare::secret::Secret;

/// Default maximum size of a cache in bytes.
const CACHE_SIZE: u64 = 10 << 30;

impl CloudBucketMount {
    /// Checks all options, and converts them to the configuration of a mount.
    ///
    /// # Errors
    /// The error names the option and the remedy; it never shows a secret.
    pub fn into_config(self) -> Result<MountConfig, VolumeError> {
        config(self)
    }
}

fn config(volume: CloudBucketMount) -> Result<MountConfig, VolumeError> {
    let options = volume.options;
    let mut config = MountConfig::new(BucketName::new(volume.bucket)?);
    config.prefix = Prefix::new(options.key_prefix.clone().unwrap_or_default())?;
    let service = match &options.endpoint_url {
        Some(url) => endpoint::check(url, config.bucket.as_str())?,
        None => endpoint::Service::S3,
    };
    let (credentials, region) = credentials::of(&options, service)?;
    config.credentials = credentials;
    let secret = options.secret.as_deref().and_then(|s| s.as_ref().ok());
    config.key_source = secret.and_then(Secret::source);
    if let (Some(secret), Some(_)) = (secret, &config.key_source) {
        config.keys_expire = credentials::expiry(secret)?;
    }
    let function = secret.and_then(Secret::function).cloned();
    config.region = region;
    config.endpoints = options.endpoints;
    config.role = options.role.assumed()?;
    if config.role.is_some() && options.anonymous == Some(true) {
        return Err(VolumeError::Conflict("role_arn", "anonymous"));
    }
    config.access = access(&options);
    config.ownership = ownership(&options)?;
    config.cache = cache(options.cache)?;
    config.warm = options.warm.unwrap_or_default();
    if !config.warm.is_empty() && config.cache.is_none() {
        return Err(VolumeError::WarmWithoutCache);
    }
    config.stage = stage(options.stage)?;
    config.freshness = freshness(options.immutable, options.metadata_ttl);
    config.memory = memory(options.memory)?;
    config.waits_on_close = options.wait_on_close.unwrap_or(false);
    if let Some(timeout) = options.retry_timeout {
        config.retry_timeout = timeout;
    }
    config.rescue = crate::host::config::rescue_folder();
    config.endpoint_url = options.endpoint_url;
    config.key_reader = Some(Arc::new(SecretReader::with(&config, function)));
    config.force_path_style = options.force_path_style.unwrap_or(false);
    config.requester_pays = options.requester_pays.unwrap_or(false);
    if let Some(owner) = &options.expected_bucket_owner {
        uploads::check_owner(owner)?;
    }
    config.expected_bucket_owner = options.expected_bucket_owner;
    config.uploads = options.uploads.into_settings()?;
    Ok(config)
}

fn access(options: &VolumeOptions) -> Access {
    if options.read_only.unwrap_or(false) {
        Access::ReadOnly
    } else {
        Access::ReadWrite {
            delete: options.allow_delete.unwrap_or(true),
            overwrite: options.allow_overwrite.unwrap_or(true),
        }
    }
}

fn cache(given: FolderOptions) -> Result<Option<CacheConfig>, VolumeError> {
    let Some((dir, size)) = given.paired("cache", CACHE_SIZE)? else {
        return Ok(None);
    };
    if !dir.is_absolute() {
        return Err(VolumeError::CachePath { dir });
    }
    if size == 0 {
        return Err(VolumeError::EmptyCache { dir });
    }
    Ok(Some(CacheConfig { dir, size }))
}

fn stage(given: FolderOptions) -> Result<Option<StageConfig>, VolumeError> {
    match given.paired("stage", u64::MAX)? {
        Some((dir, _)) if !dir.is_absolute() => Err(VolumeError::StagePath { dir }),
        given => Ok(given.map(|(dir, size)| StageConfig { dir, size })),
    }
}

fn memory(given: Option<u64>) -> Result<Option<u64>, VolumeError> {
    match given {
        Some(bytes) if bytes < LEAST_BUDGET => Err(VolumeError::LittleMemory { bytes }),
        given => Ok(given),
    }
}

fn ownership(options: &VolumeOptions) -> Result<Ownership, VolumeError> {
    let usual = Ownership::default();
    let bits = |option, given: Option<u32>, usual| match given {
        Some(mode) => permission_bits(option, mode),
        None => Ok(usual),
    };
    Ok(Ownership {
        uid: options.uid.or(usual.uid),
        gid: options.gid.or(usual.gid),
        file_mode: bits("file_mode", options.file_mode, usual.file_mode)?,
        dir_mode: bits("dir_mode", options.dir_mode, usual.dir_mode)?,
    })
}

/// Checks permission bits. Only `rwxrwxrwx` are allowed: the mount is `nosuid`, and the kind of a
/// file can't be chosen.
fn permission_bits(option: &'static str, mode: u32) -> Result<u16, VolumeError> {
    match u16::try_from(mode) {
        Ok(bits) if bits <= 0o777 => Ok(bits),
        _ => Err(VolumeError::Mode { option, mode }),
    }
}

//! Conversion of a volume's options to a mount's configuration: all the checks, in one place, without I/O.

use std::path::PathBuf;

use s3fs_core::{Access, BucketName, CacheConfig, MountConfig, Ownership, Prefix, StageConfig};

use super::{CloudBucketMount, VolumeError, credentials, endpoint};

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
    let bucket = BucketName::new(volume.bucket.as_str())?;
    let mut config = MountConfig::new(bucket);
    config.prefix = Prefix::new(volume.key_prefix.as_str())?;
    let service = match &volume.bucket_endpoint_url {
        Some(url) => endpoint::check(url, config.bucket.as_str())?,
        None => endpoint::Service::S3,
    };
    let (credentials, region) = credentials::of(&volume, service)?;
    config.credentials = credentials;
    config.region = region;
    config.endpoints = volume.endpoints;
    config.role = volume.role.assumed()?;
    if config.role.is_some() && volume.anonymous {
        return Err(VolumeError::Conflict("role_arn", "anonymous"));
    }
    config.access = access(&volume);
    config.ownership = ownership(&volume)?;
    config.cache = cache(volume.cache)?;
    config.stage = stage(volume.stage)?;
    config.waits_on_close = volume.wait_on_close;
    if let Some(timeout) = volume.retry_timeout {
        config.retry_timeout = timeout;
    }
    config.rescue = crate::host::config::rescue_folder();
    config.endpoint_url = volume.bucket_endpoint_url;
    config.force_path_style = volume.force_path_style;
    config.requester_pays = volume.requester_pays;
    Ok(config)
}

fn access(volume: &CloudBucketMount) -> Access {
    if volume.read_only {
        Access::ReadOnly
    } else {
        Access::ReadWrite {
            delete: volume.allow_delete,
            overwrite: volume.allow_overwrite,
        }
    }
}

fn cache(given: Option<(PathBuf, u64)>) -> Result<Option<CacheConfig>, VolumeError> {
    let Some((dir, size)) = given else {
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

fn stage(given: Option<(PathBuf, u64)>) -> Result<Option<StageConfig>, VolumeError> {
    match given {
        Some((dir, _)) if !dir.is_absolute() => Err(VolumeError::StagePath { dir }),
        given => Ok(given.map(|(dir, size)| StageConfig { dir, size })),
    }
}

fn ownership(volume: &CloudBucketMount) -> Result<Ownership, VolumeError> {
    Ok(Ownership {
        uid: volume.uid,
        gid: volume.gid,
        file_mode: permission_bits("file_mode", volume.file_mode)?,
        dir_mode: permission_bits("dir_mode", volume.dir_mode)?,
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

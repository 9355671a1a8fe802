//! Table `[buckets.NAME]`: defaults for volumes of a bucket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use s3fs_core::EndpointOptions;
use serde::{Deserialize, Deserializer, de};

use super::units::{Size, Time};
use crate::declare::volume::{
    FolderOptions, MetadataTtl, RoleOptions, UploadOptions, VolumeOptions, check_owner,
};

/// Defaults for volumes of a bucket.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BucketTable {
    endpoint_url: Option<String>,
    region: Option<String>,
    force_path_style: Option<bool>,
    requester_pays: Option<bool>,
    #[serde(deserialize_with = "owner")]
    expected_bucket_owner: Option<String>,
    anonymous: Option<bool>,
    profile: Option<String>,
    pub(super) secret: Option<String>,
    role_arn: Option<String>,
    role_session_name: Option<String>,
    external_id: Option<String>,
    oidc_auth_role_arn: Option<String>,
    dual_stack: Option<bool>,
    fips: Option<bool>,
    accelerate: Option<bool>,
    prefix: Option<String>,
    read_only: Option<bool>,
    allow_delete: Option<bool>,
    allow_overwrite: Option<bool>,
    cache: Option<PathBuf>,
    cache_size: Option<Size>,
    stage: Option<PathBuf>,
    stage_size: Option<Size>,
    memory: Option<Size>,
    immutable: Option<bool>,
    metadata_ttl: Option<MetadataTtl>,
    wait_on_close: Option<bool>,
    retry_timeout: Option<Time>,
    #[serde(deserialize_with = "checked::sse")]
    sse: Option<String>,
    #[serde(deserialize_with = "checked::sse_kms_key_id")]
    sse_kms_key_id: Option<String>,
    bucket_key: Option<bool>,
    #[serde(deserialize_with = "checked::storage_class")]
    storage_class: Option<String>,
    #[serde(deserialize_with = "checked::acl")]
    acl: Option<String>,
    #[serde(deserialize_with = "tags")]
    tags: Option<Vec<(String, String)>>,
    #[serde(deserialize_with = "checked::checksum")]
    checksum: Option<String>,
}

impl BucketTable {
    /// Returns the options but the secret. Relative paths begin at this folder.
    pub(super) fn options(&self, folder: &Path) -> VolumeOptions {
        let sized = |dir: &Option<PathBuf>, size: Option<Size>| {
            FolderOptions::new(dir.clone(), size.map(|size| size.0)).below(folder)
        };
        VolumeOptions {
            endpoint_url: self.endpoint_url.clone(),
            region: self.region.clone(),
            force_path_style: self.force_path_style,
            requester_pays: self.requester_pays,
            expected_bucket_owner: self.expected_bucket_owner.clone(),
            anonymous: self.anonymous,
            profile: self.profile.clone(),
            role: RoleOptions {
                arn: self.role_arn.clone(),
                session_name: self.role_session_name.clone(),
                external_id: self.external_id.clone(),
                oidc_arn: self.oidc_auth_role_arn.clone(),
            },
            endpoints: EndpointOptions {
                dual_stack: self.dual_stack,
                fips: self.fips,
                accelerate: self.accelerate,
            },
            key_prefix: self.prefix.clone(),
            read_only: self.read_only,
            allow_delete: self.allow_delete,
            allow_overwrite: self.allow_overwrite,
            cache: sized(&self.cache, self.cache_size),
            stage: sized(&self.stage, self.stage_size),
            memory: self.memory.map(|size| size.0),
            immutable: self.immutable,
            metadata_ttl: self.metadata_ttl,
            wait_on_close: self.wait_on_close,
            retry_timeout: self.retry_timeout.map(|time| time.0),
            uploads: UploadOptions {
                sse: self.sse.clone(),
                sse_kms_key_id: self.sse_kms_key_id.clone(),
                bucket_key: self.bucket_key,
                storage_class: self.storage_class.clone(),
                acl: self.acl.clone(),
                tags: self.tags.clone(),
                checksum: self.checksum.clone(),
            },
            ..VolumeOptions::default()
        }
    }
}

/// Values that are checked alone, so that an error has their line.
mod checked {
    use super::{Deserialize, Deserializer, UploadOptions, de};

    macro_rules! checked {
        ($($option:ident)+) => {$(
            pub(super) fn $option<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<String>, D::Error> {
                let text = Some(String::deserialize(deserializer)?);
                let options = UploadOptions {
                    $option: text.clone(),
                    ..UploadOptions::default()
                };
                options.check_each().map_err(de::Error::custom)?;
                Ok(text)
            }
        )+};
    }

    checked! { sse sse_kms_key_id storage_class acl checksum }
}

fn owner<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let account = String::deserialize(deserializer)?;
    check_owner(&account).map_err(de::Error::custom)?;
    Ok(Some(account))
}

fn tags<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<(String, String)>>, D::Error> {
    let tags = BTreeMap::<String, String>::deserialize(deserializer)?;
    let options = UploadOptions {
        tags: Some(tags.into_iter().collect()),
        ..UploadOptions::default()
    };
    options.check_each().map_err(de::Error::custom)?;
    Ok(options.tags)
}

//! State of a bucket in memory, and its rules.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use crate::object::{ByteRange, ETag, Headers, Key, ObjectMeta, Properties, Tags};
use crate::store::{
    CopiedHeaders, Described, PartNumber, PartTag, Precondition, StoreError, StoreErrorKind,
    UploadId,
};

/// Content type that S3 returns for objects stored without one.
const UNKNOWN_TYPE: &str = "binary/octet-stream";

#[derive(Debug, Default)]
pub(super) struct MemoryState {
    pub(super) objects: BTreeMap<String, Object>,
    /// Folders that were left without a key, on a server that keeps them.
    pub(super) folders: BTreeSet<String>,
    pub(super) uploads: BTreeMap<u64, Upload>,
    pub(super) begun: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) bytes: Bytes,
    pub(super) meta: ObjectMeta,
    pub(super) headers: Headers,
}

#[derive(Debug)]
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) headers: Headers,
    pub(super) parts: BTreeMap<u16, Object>,
}

impl MemoryState {
    pub(super) fn object(&self, operation: &'static str, key: &Key) -> Result<&Object, StoreError> {
        let missing = || failed(operation, key, StoreErrorKind::NoSuchKey);
        self.objects.get(key.as_str()).ok_or_else(missing)
    }

    /// Returns the object, which must have this version.
    pub(super) fn version(
        &self,
        operation: &'static str,
        key: &Key,
        etag: &ETag,
    ) -> Result<&Object, StoreError> {
        let object = self.object(operation, key)?;
        if object.meta.etag != *etag {
            return Err(failed(operation, key, StoreErrorKind::PreconditionFailed));
        }
        Ok(object)
    }

    pub(super) fn store(
        &mut self,
        operation: &'static str,
        key: &Key,
        object: Object,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        match precondition {
            Precondition::Absent if self.objects.contains_key(key.as_str()) => {
                return Err(failed(operation, key, StoreErrorKind::PreconditionFailed));
            }
            Precondition::Is(etag) => {
                self.version(operation, key, etag)?;
            }
            Precondition::None | Precondition::Absent => {}
        }
        let etag = object.meta.etag.clone();
        self.objects.insert(key.as_str().to_owned(), object);
        Ok(etag)
    }

    pub(super) fn upload(
        &self,
        operation: &'static str,
        key: &Key,
        upload: &UploadId,
    ) -> Result<u64, StoreError> {
        let id = upload.0.parse().unwrap_or(0);
        match self.uploads.get(&id) {
            Some(upload) if upload.key == key.as_str() => Ok(id),
            _ => Err(failed(operation, key, StoreErrorKind::NoSuchUpload)),
        }
    }

    pub(super) fn part(
        &mut self,
        operation: &'static str,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        part: Object,
    ) -> Result<PartTag, StoreError> {
        let id = self.upload(operation, key, upload)?;
        let etag = part.meta.etag.clone();
        if let Some(upload) = self.uploads.get_mut(&id) {
            upload.parts.insert(number.0, part);
        }
        Ok(PartTag {
            number,
            etag,
            checksum: None,
        })
    }
}

impl Object {
    /// Creates an object. As with S3, equal bytes have equal ETags, whatever their headers.
    pub(super) fn new(bytes: Bytes, headers: &Headers) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let meta = ObjectMeta {
            size: bytes.len() as u64,
            modified: SystemTime::now(),
            etag: ETag::new(&format!("{:016x}", hasher.finish())),
        };
        let mut headers = headers.clone();
        headers
            .content_type
            .get_or_insert_with(|| UNKNOWN_TYPE.to_owned());
        Self {
            bytes,
            meta,
            headers,
        }
    }

    /// Returns the attributes and headers, with the number of the tags.
    pub(super) fn described(&self) -> Described {
        let mut properties = self.properties();
        properties.tags = match &properties.tags {
            Tags::Read(tags) if !tags.is_empty() => Tags::Counted(tags.len() as u32),
            _ => Tags::Unshown,
        };
        Described {
            meta: self.meta.clone(),
            headers: Headers {
                properties: Some(Arc::new(properties)),
                ..self.headers.clone()
            },
        }
    }

    pub(super) fn properties(&self) -> Properties {
        self.headers
            .properties
            .as_deref()
            .cloned()
            .unwrap_or_default()
    }

    pub(super) fn slice(&self, range: ByteRange) -> Bytes {
        self.bytes
            .slice(range.start() as usize..range.end() as usize)
    }
}

/// Returns the headers of a copy, by S3's rules: the storage class and the encryption are only those
/// that the request names.
pub(super) fn copied_headers(from: &Object, headers: CopiedHeaders<'_>) -> Headers {
    let properties = match headers {
        CopiedHeaders::Source => return from.headers.clone(),
        CopiedHeaders::Other(headers) => return headers.clone(),
        CopiedHeaders::Known(known) => {
            let known = known.cloned().unwrap_or_default();
            Properties {
                storage_class: known.storage_class,
                encryption: known.encryption,
                ..from.properties()
            }
        }
        CopiedHeaders::Changed(headers) => Properties {
            tags: from.properties().tags,
            ..headers.properties.as_deref().cloned().unwrap_or_default()
        },
    };
    Headers {
        properties: Some(Arc::new(properties)),
        ..headers.replacing().unwrap_or(&from.headers).clone()
    }
}

pub(super) fn failed(operation: &'static str, key: &Key, kind: StoreErrorKind) -> StoreError {
    StoreError::new(operation, format!("s3://memory/{key}"), kind)
}

pub(super) fn refused(operation: &'static str, key: &Key, code: &str) -> StoreError {
    failed(operation, key, StoreErrorKind::Other(code.to_owned()))
}

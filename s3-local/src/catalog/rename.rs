//! Rename of an object of a directory bucket.

use super::{Catalog, Object, ReadCondition, Record, Refusal, WriteCondition};

/// Keys and conditions of a rename.
#[derive(Debug)]
pub(crate) struct Renaming<'a> {
    pub(crate) source: &'a str,
    pub(crate) on_source: ReadCondition,
    pub(crate) key: &'a str,
    pub(crate) on_target: WriteCondition,
}

impl Catalog {
    /// Renames an object, which keeps its version; an object of the new key is replaced.
    pub(crate) fn rename_object(
        &self,
        bucket: &str,
        renaming: &Renaming<'_>,
    ) -> Result<(), Refusal> {
        self.change(|locked| {
            let objects = &locked.state.bucket(bucket)?.objects;
            let source = objects.get(renaming.source.as_bytes());
            let source = source.ok_or(Refusal::NoSuchKey)?;
            renaming.on_source.check(source)?;
            let target = objects.get(renaming.key.as_bytes());
            renaming.on_target.check(target.map(AsRef::as_ref))?;
            let object = Object::clone(source);
            locked.commit(Record::PutObject {
                bucket: bucket.to_owned(),
                key: renaming.key.into(),
                object,
            })?;
            if renaming.source == renaming.key {
                return Ok(());
            }
            locked.commit(Record::DeleteObject {
                bucket: bucket.to_owned(),
                key: renaming.source.into(),
            })
        })
    }
}

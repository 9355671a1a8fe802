//! Store of a call's inputs and values in transit: a folder that the nodes share, or a prefix of a bucket.

mod bucket;
mod folder;
mod location;
mod place;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) use bucket::Bucket;
pub(super) use folder::{Alone, Folder, LOCK};
pub(crate) use location::Location;
pub(super) use place::{Place, failed};

use super::error::ClusterError;
use super::format::{decode, encode};
use super::seal::SealKey;

/// The objects of one call, encrypted with its key.
#[derive(Debug)]
pub(crate) struct Spool {
    place: Box<dyn Place>,
    key: SealKey,
}

impl Spool {
    /// Opens the spool of a call.
    ///
    /// # Errors
    /// The bucket can't be reached.
    pub(crate) fn open(
        location: &Location,
        call: &str,
        key: SealKey,
    ) -> Result<Self, ClusterError> {
        let place: Box<dyn Place> = match location {
            Location::Folder(root) => Box::new(Folder::new(root.join(call))),
            Location::Bucket(config) => Box::new(Bucket::connect(config, call)?),
        };
        Ok(Self { place, key })
    }

    /// Prepares the folder when the call begins.
    pub(crate) fn begin(&self) -> Result<(), ClusterError> {
        self.place.begin()
    }

    /// Announces objects that others will write, with names that begin with this, which ends in a `/`.
    pub(crate) fn expect(&self, begin: &str) -> Result<(), ClusterError> {
        self.place.expect(begin)
    }

    /// Encrypts an object, to be [written](Self::put_sealed).
    pub(crate) fn seal<T: Serialize>(
        &self,
        name: String,
        value: &T,
    ) -> Result<(String, Vec<u8>), ClusterError> {
        let sealed = self.key.seal(&name, &encode(value));
        match sealed {
            Ok(sealed) => Ok((name, sealed)),
            Err(reason) => Err(ClusterError::Spool {
                operation: "seal",
                object: name,
                reason,
            }),
        }
    }

    /// Writes encrypted objects.
    pub(crate) fn put_sealed(&self, objects: Vec<(String, Vec<u8>)>) -> Result<(), ClusterError> {
        self.place.put(objects)
    }

    /// Writes encrypted objects so that each is seen after those before it.
    pub(crate) fn put_in_order(&self, objects: Vec<(String, Vec<u8>)>) -> Result<(), ClusterError> {
        self.place.put_in_order(objects)
    }

    /// Writes one object.
    pub(crate) fn put<T: Serialize>(&self, name: &str, value: &T) -> Result<(), ClusterError> {
        self.put_sealed(vec![self.seal(name.to_owned(), value)?])
    }

    /// Reads one object; nothing if it is not there.
    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ClusterError> {
        let found = self.get_all(&[name.to_owned()])?;
        Ok(found.into_iter().next().flatten())
    }

    /// Reads objects; nothing for one that is not there.
    pub(crate) fn get_all<T: DeserializeOwned>(
        &self,
        names: &[String],
    ) -> Result<Vec<Option<T>>, ClusterError> {
        let sealed = self.place.get(names)?.into_iter().zip(names);
        let opened = sealed.map(|(sealed, name)| {
            let Some(sealed) = sealed else {
                return Ok(None);
            };
            let plain = self.key.open(name, &sealed);
            let plain = plain.ok_or_else(|| ClusterError::Malformed {
                object: name.clone(),
                reason: "it was not written by this call".to_owned(),
            })?;
            decode(name, &plain).map(Some)
        });
        opened.collect()
    }

    /// Lists the names that begin with this, which ends in a `/`.
    pub(crate) fn list(&self, begin: &str) -> Result<Vec<String>, ClusterError> {
        self.place.list(begin)
    }

    /// Removes all objects of the call.
    pub(crate) fn remove(&self) -> Result<(), ClusterError> {
        self.place.remove_all()
    }
}

//! Operations on the objects of a spool, wherever it is.

use std::fmt::Debug;
use std::path::Path;

use crate::cluster::error::ClusterError;

/// Folder of one call, or of the programs: objects by their names, such as `out/1/2`.
pub(in crate::cluster) trait Place: Debug + Send + Sync {
    /// Prepares the folder when the call begins.
    fn begin(&self) -> Result<(), ClusterError> {
        Ok(())
    }

    /// Announces objects that others will write, with names that begin with this, which ends in a
    /// `/`. Otherwise, a machine that was told that they are missing may believe that for long.
    fn expect(&self, _begin: &str) -> Result<(), ClusterError> {
        Ok(())
    }

    /// Writes objects, each of them completely or not at all.
    fn put(&self, objects: Vec<(String, Vec<u8>)>) -> Result<(), ClusterError>;

    /// Writes objects so that each is seen after those before it.
    fn put_in_order(&self, objects: Vec<(String, Vec<u8>)>) -> Result<(), ClusterError> {
        objects
            .into_iter()
            .try_for_each(|object| self.put(vec![object]))
    }

    /// Reads objects, in the order of their names; nothing for one that is not there.
    fn get(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>, ClusterError>;

    /// Lists the names that begin with this, which ends in a `/`.
    fn list(&self, begin: &str) -> Result<Vec<String>, ClusterError>;

    /// Removes everything, and the folder.
    fn remove_all(&self) -> Result<(), ClusterError>;
}

/// Makes the error for a failed operation on a file.
pub(in crate::cluster) fn failed(
    operation: &'static str,
    object: &Path,
) -> impl FnOnce(std::io::Error) -> ClusterError {
    let object = object.display().to_string();
    move |error| ClusterError::Spool {
        operation,
        object,
        reason: error.to_string(),
    }
}

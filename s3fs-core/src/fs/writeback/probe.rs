//! Check whether the bucket takes files, before the first one is stored.

use crate::fs::FsError;
use crate::fs::open_files::OpenFile;
use crate::fs::writeback::Writeback;
use crate::fs::writeback::error_mode::{ChangeKind, Standing};
use crate::object::{Headers, Key};
use crate::store::{StoreError, StoreErrorKind};
use crate::write::FindDestination;

impl Writeback {
    /// Checks whether the bucket takes files, unless that is known: by the upload that the file has,
    /// or by one that is aborted, which changes nothing.
    pub(super) async fn probe(&self, file: &OpenFile) -> Result<(), FsError> {
        let (error_mode, changes) = (&self.error_mode, ChangeKind::of(&file.place));
        let is_known = || error_mode.standing(changes) != Standing::Unknown;
        if is_known() {
            return Ok(());
        }
        let _alone = error_mode.lock_probe().await;
        if is_known() {
            return Ok(());
        }
        let Some(to) = file.place.destination() else {
            return Ok(());
        };
        if !is_answerable(to.key.as_str()) {
            // Storing the file shows it.
            return Ok(());
        }
        let tried = match file.writer.upload_begun().await {
            Some(begun) => begun,
            None => self.try_upload(&to.key, &to.headers).await,
        };
        // Where uploads are unsupported, storing the file shows it instead.
        let is_refused = |error: &StoreError| !matches!(error.kind, StoreErrorKind::Unsupported(_));
        let refusal = tried.err().filter(is_refused);
        error_mode.note(changes, refusal.is_none());
        refusal.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Starts an upload, and aborts it.
    async fn try_upload(&self, key: &Key, headers: &Headers) -> Result<(), StoreError> {
        let id = self.core.store.create_upload(key, headers).await?;
        let (store, key) = (self.core.store.clone(), key.clone());
        let aborting = async move {
            if let Err(error) = store.abort_upload(&key, &id).await {
                tracing::warn!(%error, "failed to abort an upload: its parts stay until a lifecycle rule removes them");
            }
        };
        self.core
            .endings
            .spawn_on(aborting, &tokio::runtime::Handle::current());
        Ok(())
    }
}

/// Returns whether an answer about an upload can name the key. XML can't represent some characters:
/// an upload of such a key would start, and could not be aborted.
fn is_answerable(key: &str) -> bool {
    let is_xml =
        |c: char| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || "\t\n\r".contains(c);
    key.chars().all(is_xml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_upload_is_begun_that_no_answer_can_name() {
        for key in ["d/a name", "d/\t\n", "ä/<&>\u{7f}"] {
            assert!(is_answerable(key), "{key:?}");
        }
        for key in ["d/x\u{1}y", "\u{1b}[0m", "\u{ffff}"] {
            assert!(!is_answerable(key), "{key:?}");
        }
    }
}

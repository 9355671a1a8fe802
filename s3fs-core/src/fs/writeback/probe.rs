//! Check whether the bucket takes files, before the first one is stored.

use crate::fs::FsError;
use crate::fs::open_files::OpenFile;
use crate::fs::writeback::Writeback;
use crate::fs::writeback::error_mode::{ChangeKind, Standing};
use crate::store::StoreErrorKind;
use crate::write::Place;

impl Writeback {
    /// Checks whether the bucket takes files, unless that is known. It starts an upload of the
    /// file's key and aborts it, which changes nothing.
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
        let id = match self.core.store.create_upload(&to.key, &to.headers).await {
            Ok(id) => id,
            Err(error) if matches!(error.kind, StoreErrorKind::Unsupported(_)) => {
                // Storing the file shows it instead.
                error_mode.note(changes, true);
                return Ok(());
            }
            Err(error) => {
                error_mode.note(changes, false);
                return Err(error.into());
            }
        };
        error_mode.note(changes, true);
        let store = self.core.store.clone();
        let aborting = async move {
            if let Err(error) = store.abort_upload(&to.key, &id).await {
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

//! Archived objects: the command that restores one, and their one message in the log.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use super::S3Store;
use crate::object::{Key, Shown};
use crate::store::StoreErrorKind;

/// Maximum number of objects that are remembered as logged.
const LOGGED: usize = 10_000;

/// Storage class whose objects come back for good when they are restored.
const TIERING: &str = "INTELLIGENT_TIERING";

/// Hashes of the archived objects that the log names.
#[derive(Debug, Default)]
pub(super) struct Archives(Mutex<HashSet<u64>>);

impl Archives {
    /// Returns whether an object is new, and notes it.
    pub(super) fn is_new(&self, key: &Key) -> bool {
        let mut hasher = DefaultHasher::new();
        key.as_str().hash(&mut hasher);
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logged.len() < LOGGED && logged.insert(hasher.finish())
    }
}

impl S3Store {
    /// Returns the same kind, with the command that restores the object if it is archived.
    pub(super) fn with_restore(&self, kind: StoreErrorKind, key: &Key) -> StoreErrorKind {
        match kind {
            StoreErrorKind::Archived { storage_class, .. } => StoreErrorKind::Archived {
                restore: self.restore_command(storage_class.as_deref(), key),
                storage_class,
            },
            kind => kind,
        }
    }

    fn restore_command(&self, class: Option<&str>, key: &Key) -> String {
        let request = if class == Some(TIERING) {
            "{}"
        } else {
            "Days=7"
        };
        let (bucket, key) = (&self.bucket, quoted(&Shown(key.as_str()).to_string()));
        let endpoint = self
            .endpoint_url()
            .map(|url| format!(" --endpoint-url {url}"));
        let endpoint = endpoint.unwrap_or_default();
        format!(
            "aws s3api restore-object --bucket {bucket} --key {key} --restore-request '{request}'{endpoint}"
        )
    }
}

/// Returns an argument as a shell takes it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use s3_local::PutOptions;

    use super::*;
    use crate::store::served::{connected, server};
    use crate::store::warning::seen::Warnings;
    use crate::store::{Condition, Store};

    #[tokio::test]
    async fn an_archived_object_is_logged_once_with_the_command_that_restores_it() {
        let server = server();
        let class = PutOptions::new().storage_class("DEEP_ARCHIVE");
        server.put_with("data", "old film", "bytes", class);
        let endpoint = server.endpoint_url();
        let store = connected(&server, |_| {}).await;
        let (warnings, _guard) = Warnings::begin();
        let key = Key::new("old film");
        let expected = format!(
            "GetObject s3://data/old film: the object is archived in DEEP_ARCHIVE: restore it with \
             `aws s3api restore-object --bucket data --key 'old film' --restore-request 'Days=7' \
             --endpoint-url {endpoint}`"
        );
        for _ in 0..3 {
            let error = store.get(&key, None, Condition::Any).await.unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(warnings.texts(), [expected]);
        assert_eq!(store.head(&key).await.unwrap().meta.size, 5);
    }

    #[test]
    fn a_key_is_one_argument() {
        assert_eq!(quoted("a/b-c.txt"), "a/b-c.txt");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn each_object_is_new_once() {
        let archives = Archives::default();
        let keys = [Key::new("a"), Key::new("b")];
        assert!(keys.iter().all(|key| archives.is_new(key)));
        assert!(!keys.iter().any(|key| archives.is_new(key)));
    }
}

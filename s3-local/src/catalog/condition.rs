//! Conditional requests, decided on an object's `ETag` and time.

use super::{Object, Refusal};

/// The value of an `If-Match` or `If-None-Match` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EtagCondition {
    /// `*`
    Any,
    /// `ETag` without the quotes.
    Is(String),
}

impl EtagCondition {
    fn matches(&self, object: &Object) -> bool {
        match self {
            EtagCondition::Any => true,
            EtagCondition::Is(etag) => *etag == object.etag,
        }
    }
}

/// The conditions of a request that writes or deletes.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteCondition {
    pub(crate) if_match: Option<EtagCondition>,
    pub(crate) if_none_match: Option<EtagCondition>,
}

impl WriteCondition {
    /// Checks whether the key's current object allows the write.
    pub(crate) fn check(&self, current: Option<&Object>) -> Result<(), Refusal> {
        match (&self.if_match, current) {
            (Some(_), None) => return Err(Refusal::NoSuchKey),
            (Some(condition), Some(object)) if !condition.matches(object) => {
                return Err(Refusal::PreconditionFailed);
            }
            _ => {}
        }
        match (&self.if_none_match, current) {
            (Some(condition), Some(object)) if condition.matches(object) => {
                Err(Refusal::PreconditionFailed)
            }
            _ => Ok(()),
        }
    }
}

/// The conditions of a request that reads; times are seconds since 1970.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_field_names, reason = "the names of the headers")]
pub(crate) struct ReadCondition {
    pub(crate) if_match: Option<EtagCondition>,
    pub(crate) if_none_match: Option<EtagCondition>,
    pub(crate) if_modified_since: Option<i64>,
    pub(crate) if_unmodified_since: Option<i64>,
}

impl ReadCondition {
    /// Checks whether the object is to be sent. An `ETag` condition overrules the time condition of its
    /// pair.
    pub(crate) fn check(&self, object: &Object) -> Result<(), Refusal> {
        let unmet = match (&self.if_match, self.if_unmodified_since) {
            (Some(condition), _) => !condition.matches(object),
            (None, Some(since)) => object.modified > since,
            (None, None) => false,
        };
        if unmet {
            return Err(Refusal::PreconditionFailed);
        }
        let unchanged = match (&self.if_none_match, self.if_modified_since) {
            (Some(condition), _) => condition.matches(object),
            (None, Some(since)) => object.modified <= since,
            (None, None) => false,
        };
        if unchanged {
            let (etag, modified) = (object.etag.clone(), object.modified);
            return Err(Refusal::NotModified { etag, modified });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::catalog::Headers;
    use crate::content::Content;

    fn object(etag: &str, modified: i64) -> Object {
        Object {
            content: Content::default(),
            size: 0,
            etag: etag.to_owned(),
            modified,
            headers: Headers::default(),
            checksum: None,
            parts: 1,
        }
    }

    fn is(etag: &str) -> EtagCondition {
        EtagCondition::Is(etag.to_owned())
    }

    #[test]
    fn a_write_that_requires_absence_fails_on_an_existing_key() {
        let condition = WriteCondition {
            if_none_match: Some(EtagCondition::Any),
            ..WriteCondition::default()
        };
        condition.check(None).unwrap();
        let refused = condition.check(Some(&object("a", 0)));
        assert!(matches!(refused, Err(Refusal::PreconditionFailed)));
    }

    #[test]
    fn a_write_that_requires_an_etag_needs_the_object() {
        let condition = WriteCondition {
            if_match: Some(is("a")),
            ..WriteCondition::default()
        };
        condition.check(Some(&object("a", 0))).unwrap();
        assert!(matches!(condition.check(None), Err(Refusal::NoSuchKey)));
        let refused = condition.check(Some(&object("b", 0)));
        assert!(matches!(refused, Err(Refusal::PreconditionFailed)));
    }

    #[test]
    fn an_etag_condition_overrules_the_time_condition_of_its_pair() {
        let stale = ReadCondition {
            if_match: Some(is("a")),
            if_unmodified_since: Some(5),
            ..ReadCondition::default()
        };
        stale.check(&object("a", 10)).unwrap();
        let fresh = ReadCondition {
            if_none_match: Some(is("b")),
            if_modified_since: Some(20),
            ..ReadCondition::default()
        };
        fresh.check(&object("a", 10)).unwrap();
    }

    #[test]
    fn an_unchanged_object_is_not_sent_again() {
        let by_time = ReadCondition {
            if_modified_since: Some(10),
            ..ReadCondition::default()
        };
        assert!(matches!(
            by_time.check(&object("a", 10)),
            Err(Refusal::NotModified { .. })
        ));
        by_time.check(&object("a", 11)).unwrap();
        let by_etag = ReadCondition {
            if_none_match: Some(is("a")),
            ..ReadCondition::default()
        };
        assert!(matches!(
            by_etag.check(&object("a", 10)),
            Err(Refusal::NotModified { .. })
        ));
    }
}

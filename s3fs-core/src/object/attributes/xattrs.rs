//! Extended attributes as text, as s3fs-fuse writes them: a percent-encoded JSON object of names
//! and values in base64.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Characters that are percent-encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');

/// Parses attributes; `None` if they have another format.
pub(super) fn read(text: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let json = percent_decode_str(text).decode_utf8().ok()?;
    let values: BTreeMap<String, String> = serde_json::from_str(&json).ok()?;
    let decoded = |(name, value)| Some((name, BASE64.decode(value).ok()?));
    values.into_iter().map(decoded).collect()
}

/// Formats attributes; `None` if there are none.
pub(super) fn write(xattrs: &BTreeMap<String, Vec<u8>>) -> Option<String> {
    if xattrs.is_empty() {
        return None;
    }
    let encoded = xattrs.iter();
    let encoded = encoded.map(|(name, value)| (name.clone(), BASE64.encode(value).into()));
    let json = serde_json::Value::Object(encoded.collect());
    Some(utf8_percent_encode(&json.to_string(), ENCODED).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_json_of_base64_in_percent_signs() {
        let text = "%7B%22user.a%22%3A%22YWJj%22%2C%22user.b%22%3A%22%22%7D";
        let xattrs = BTreeMap::from([
            ("user.a".to_owned(), b"abc".to_vec()),
            ("user.b".to_owned(), Vec::new()),
        ]);
        assert_eq!(read(text).as_ref(), Some(&xattrs));
        assert_eq!(write(&xattrs).as_deref(), Some(text));
        assert_eq!(write(&BTreeMap::new()), None);
    }

    #[test]
    fn padding_may_be_left_away() {
        let xattrs = BTreeMap::from([("n".to_owned(), b"a".to_vec())]);
        for text in [r#"{"n":"YQ=="}"#, r#"{"n":"YQ"}"#, r#" { "n" : "YQ" } "#] {
            assert_eq!(read(text).as_ref(), Some(&xattrs), "{text}");
        }
    }

    #[test]
    fn what_is_in_another_form_is_none() {
        for text in ["", "%", "{", "[]", "%FF", r#"{"n":"?"}"#, r#"{"n":1}"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

//! Content types of objects by the suffixes of their names.

use super::Key;

/// Content type of folder markers.
const FOLDER: &str = "application/x-directory";

/// Content type of other names without a known suffix.
const UNKNOWN: &str = "application/octet-stream";

/// Returns the `Content-Type` to store an object with, by the suffix of its key.
///
/// ```
/// use s3fs_core::object::{Key, content_type};
/// assert_eq!(content_type(&Key::new("site/index.html")), "text/html");
/// assert_eq!(content_type(&Key::new("site/")), "application/x-directory");
/// assert_eq!(content_type(&Key::new("site/data")), "application/octet-stream");
/// ```
pub fn content_type(key: &Key) -> &'static str {
    if key.as_str().ends_with('/') {
        return FOLDER;
    }
    let guess = mime_guess::from_path(key.as_str());
    guess.first_raw().unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_the_last_name_counts() {
        for (key, expected) in [
            ("a.json", "application/json"),
            ("dir.html/a", UNKNOWN),
            ("dir.html/a.PNG", "image/png"),
            ("a.tar.gz", "application/gzip"),
            ("a.wasm", "application/wasm"),
            ("a.unheard-of", UNKNOWN),
            (".txt", UNKNOWN),
            ("", UNKNOWN),
            ("a.html/", FOLDER),
        ] {
            assert_eq!(content_type(&Key::new(key)), expected, "{key}");
        }
    }
}

//! Parameters of a request's query.

use percent_encoding::percent_decode_str;

/// Returns the value of the first query parameter with this name, decoded.
pub(crate) fn query_parameter(query: &str, name: &str) -> Option<String> {
    let (_, value) = pairs(query).find(|&(found, _)| found == name)?;
    percent_decode_str(&value.replace('+', " "))
        .decode_utf8()
        .ok()
        .map(Into::into)
}

/// Returns whether the query has a parameter with this name.
pub(crate) fn has_parameter(query: &str, name: &str) -> bool {
    pairs(query).any(|(found, _)| found == name)
}

/// Returns the names and values of the query, as they are encoded.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        assert_eq!(
            query_parameter("a&prefix=x%2F+y", "prefix").as_deref(),
            Some("x/ y")
        );
        assert_eq!(query_parameter("a&prefix", "prefix").as_deref(), Some(""));
        assert_eq!(query_parameter("a=prefix", "prefix"), None);
        assert!(has_parameter("a&b=1", "a") && !has_parameter("", ""));
    }
}

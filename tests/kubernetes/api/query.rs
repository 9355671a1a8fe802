//! Query parameters of a request.

use std::collections::BTreeMap;

use super::requests::Refusal;

/// Parses the parameters of a request; an unknown one is an error.
pub(super) fn query(text: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let known = ["labelSelector", "fieldSelector", "limit", "continue"];
        if !known.contains(&name) {
            return Err((400, "BadRequest", format!("unknown parameter {name}")));
        }
        Ok((name.to_owned(), decoded(value)))
    });
    pairs.collect()
}

/// Decodes percent-encoded text.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let hex = (first == b'%').then(|| std::str::from_utf8(&after[..2]).unwrap());
        if let Some(hex) = hex {
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(if first == b'+' { b' ' } else { first });
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

//! Records as one HTML file that sends no requests to any network.

use std::cmp::Reverse;
use std::io;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::atomic;
use super::record::Record;

const TEMPLATE: &str = include_str!("page.html");
/// Style of the page, which has no other.
const STYLE: &str = concat!(
    include_str!("uplot/uPlot.min.css"),
    include_str!("page.css")
);

/// Script of the page, which runs no other.
const SCRIPT: &str = concat!(
    "/*\n",
    include_str!("uplot/LICENSE"),
    "*/\n",
    include_str!("uplot/uPlot.iife.min.js"),
    include_str!("units.js"),
    include_str!("dom.js"),
    include_str!("plot.js"),
    include_str!("series.js"),
    include_str!("timeline.js"),
    include_str!("tables.js"),
    include_str!("page.js"),
);

/// Maximum size, in bytes, of the records on a page; older ones are left out. A browser must still open it.
const MOST: usize = 32 << 20;

/// Record as the page gets it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    record: &'a Record,
    cost: Option<f64>,
}

/// Writes the page of these records, completely or not at all.
pub(crate) fn write_page(path: &Path, records: &[Record]) -> io::Result<()> {
    // Errors may hold anything: it is its owner's to show it to others.
    atomic::write(path, 0o600, page(records).as_bytes())
}

/// Returns the page of these records, the newest first.
pub(crate) fn page(records: &[Record]) -> String {
    let data = embedded(records, MOST);
    // The data comes last: whatever it says, nothing is looked for in it.
    TEMPLATE
        .replacen("{policy}", &policy(), 1)
        .replacen("{style}", STYLE, 1)
        .replacen("{script}", SCRIPT, 1)
        .replacen("{data}", &data, 1)
}

/// Returns the page's content security policy: it may run its own script, have its own style, and
/// nothing else.
fn policy() -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE),
    )
}

/// Returns `{"records": […], "omitted": 0}`, to be embedded in an HTML element.
fn embedded(records: &[Record], most: usize) -> String {
    let mut newest: Vec<_> = records.iter().collect();
    newest.sort_by_key(|record| Reverse(record.begun()));
    let mut texts = Vec::new();
    let mut length = 0;
    for record in newest {
        let cost = record.usage().map(|usage| usage.cost());
        let Ok(json) = serde_json::to_string(&Shown { record, cost }) else {
            continue;
        };
        let text = escaped(&json);
        length += text.len();
        if length > most && !texts.is_empty() {
            break;
        }
        texts.push(text);
    }
    let omitted = records.len() - texts.len();
    format!(r#"{{"records":[{}],"omitted":{omitted}}}"#, texts.join(","))
}

/// Escapes JSON so that nothing in it ends its HTML element, or looks like another.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => text.push_str("\\u003c"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::record::tests::begun;
    use super::*;

    const HOSTILE: &str = "</script><!--<script>{data}\u{2028}\u{2029}";

    fn data(page: &str) -> Value {
        let (_, rest) = page
            .split_once(r#"<script type="application/json" id="data">"#)
            .unwrap();
        let (json, _) = rest.split_once("</script>").unwrap();
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn whatever_a_record_says_stays_in_its_element() {
        let (record, _) = begun(HOSTILE, "2025-01-02T03:04:05Z");
        let page = page(&[record]);
        assert_eq!(data(&page)["records"][0]["name"], HOSTILE);
        assert!(!page.contains(['\u{2028}', '\u{2029}']));
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.contains("<!--"));
    }

    #[test]
    fn the_newest_come_first_and_the_oldest_go_if_there_are_too_many() {
        let times = [
            "2025-01-02T00:00:00Z",
            "2025-01-04T00:00:00Z",
            "2025-01-03T00:00:00Z",
        ];
        let records = times.map(|time| begun("f", time).0);
        let begun = |data: &Value| -> Vec<String> {
            let records = data["records"].as_array().unwrap();
            let begun = records
                .iter()
                .map(|record| record["begun"].as_str().unwrap());
            begun.map(|time| time[8..10].to_owned()).collect()
        };
        let all = data(&page(&records));
        assert_eq!(
            (begun(&all), &all["omitted"]),
            (vec!["04".into(), "03".into(), "02".into()], &0.into())
        );

        let one = serde_json::to_string(&records[0]).unwrap().len();
        let some: Value = serde_json::from_str(&embedded(&records, one * 5 / 2)).unwrap();
        assert_eq!(
            (begun(&some), &some["omitted"]),
            (vec!["04".into(), "03".into()], &1.into())
        );
        let least: Value = serde_json::from_str(&embedded(&records, 0)).unwrap();
        assert_eq!(begun(&least), ["04"]);
        assert_eq!(data(&page(&[]))["records"], Value::Array(Vec::new()));
    }

    #[test]
    fn the_page_names_nothing_outside_itself() {
        let page = page(&[]);
        for (index, _) in page.match_indices("://") {
            let around = &page[index.saturating_sub(4)..];
            // The name of a language, and the origin of a library in its first comment.
            let names = [
                "http://www.w3.org/2000/svg",
                "https://github.com/leeoniya/uPlot (v",
            ];
            let is_name = names.iter().any(|name| around.contains(name));
            assert!(is_name, "{}", &around[..40]);
        }
        for name in [
            "src=",
            "href=",
            "url(",
            "@import",
            "innerHTML",
            "{policy}",
            "{style}",
            "{script}",
            "{data}",
        ] {
            assert!(!page.contains(name), "{name}");
        }
    }

    #[test]
    fn a_page_is_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        write_page(&path, &[]).unwrap();
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.starts_with("<!doctype html>") && written.trim_end().ends_with("</html>"));
    }
}

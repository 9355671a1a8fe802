//! Tests of the page in a browser.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;

use s3fs_core::{Pending, Usage};

use super::page::{page, write_page};
use super::record::tests::{begun, tried};
use super::record::{Record, Tried};

/// Names of the browser in distributions.
const BROWSERS: [&str; 3] = ["chromium-headless-shell", "chromium", "google-chrome"];

/// Flags for a browser without a window, that sends nothing to a network.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-US",
    "--virtual-time-budget=5000",
];

const HOSTILE: &str = "</script><img src=x onerror=document.body.dataset.error=1>";

/// The same text, as a browser writes it in the document.
const HOSTILE_TEXT: &str = "&lt;/script&gt;&lt;img src=x onerror=document.body.dataset.error=1&gt;";

/// Returns a browser that can be used here. Returns `None`, and prints the reason, if there is
/// none; with `CI=true` there must be one.
fn browser() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(find_browser).as_deref()
}

#[allow(clippy::print_stdout, reason = "says why nothing was tested")]
fn find_browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let files = BROWSERS
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = files
        .filter(|file| file.is_file())
        .find(|file| can_open(file));
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(
        found.is_some() || !in_ci,
        "none of {BROWSERS:?} is installed and works"
    );
    if found.is_none() {
        println!("skipped: none of {BROWSERS:?} is installed and works");
    }
    found
}

/// Returns whether a browser opens files of this process: one from a snap has temporary folders of its own.
fn can_open(browser: &Path) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    fs::write(&path, "<p>opened</p>").unwrap();
    let output = opened(browser, &path, &["--dump-dom"]);
    String::from_utf8_lossy(&output.stdout).contains("<p>opened</p>")
}

/// Returns the output of a browser, with some flags more, about a page after its script has run.
fn opened(browser: &Path, page: &Path, flags: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new("timeout")
        .args([OsStr::new("120"), browser.as_os_str()])
        .args(FLAGS)
        .arg(format!(
            "--user-data-dir={}",
            home.path().join("data").display()
        ))
        .args(flags)
        .arg(format!("file://{}", page.display()))
        .env("HOME", home.path())
        .env("TMPDIR", home.path())
        .env("TZ", "UTC")
        .output()
        .unwrap()
}

/// Returns the document that the page's script has made.
fn document(browser: &Path, page: &Path) -> String {
    let output = opened(browser, page, &["--dump-dom"]);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaints}", output.status);
    let document = String::from_utf8(output.stdout).unwrap();
    // The rest is the page's own data and script, which would answer for what was made of them.
    let (made, _) = document.split_once("<script").unwrap();
    assert!(!made.contains("data-error"), "{made}");
    made.to_owned()
}

fn shown(records: &[Record]) -> Option<String> {
    let browser = browser()?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    write_page(&path, records).unwrap();
    Some(document(browser, &path))
}

/// Makes the record of a call of ten inputs in two sandboxes: the last fails twice, the others succeed.
fn ten(name: &str, time: &str) -> Record {
    let (mut record, beginning) = begun(name, time);
    let after = |seconds| beginning + Duration::from_secs_f64(seconds);
    let sandboxes = [0.0, 0.1].map(|at| record.sandbox_began(after(at)));
    for sandbox in sandboxes {
        record.sandbox_ready(sandbox, after(0.3));
    }
    for (input, sandbox) in (0..9).zip(sandboxes.iter().cycle()) {
        let from = 0.3 + f64::from(input);
        record.attempt(Tried {
            sandbox: Some(*sandbox),
            ..tried(u64::try_from(input).unwrap(), beginning, from, from + 1.9)
        });
        let usage = Usage {
            lists: 1,
            gets: 1200 * u64::try_from(input).unwrap(),
            bytes_read: 3 << 30,
            bytes_written: 5 << 10,
            ..Usage::default()
        };
        record.sample(
            after(from),
            usage,
            Pending {
                files: 1,
                bytes: 1 << 20,
            },
        );
    }
    for number in [1, 2] {
        record.attempt(Tried {
            number,
            error: Some(format!("{HOSTILE} {number}")),
            is_retried: number == 1,
            ..tried(9, beginning, 11.0, 12.0)
        });
    }
    record.end(after(12.5), Some(format!("the call: {HOSTILE}")));
    record
}

fn count(document: &str, part: &str) -> usize {
    document.matches(part).count()
}

#[test]
fn a_record_is_drawn_and_what_is_hostile_stays_text() {
    let name = format!("demo::ten {HOSTILE}");
    let Some(document) = shown(&[ten(&name, "2025-01-02T03:04:05Z")]) else {
        return;
    };
    assert_eq!(count(&document, r#"class="attempt done""#), 9);
    assert_eq!(count(&document, r#"class="attempt retried""#), 1);
    assert_eq!(count(&document, r#"class="attempt failed""#), 1);
    assert_eq!(count(&document, r#"class="starting""#), 1 + 2);

    let (_, failed) = document.split_once(r#"<table class="failed">"#).unwrap();
    let (_, rows) = failed.split_once("<tbody>").unwrap();
    let (rows, _) = rows.split_once("</tbody>").unwrap();
    let row = format!(
        r#"<tr><td class="number">9</td><td class="number">2</td><td class="number">12 s</td><td class="number">1 s</td><td><pre>{HOSTILE_TEXT} 2</pre></td></tr>"#
    );
    assert_eq!(rows, row);

    assert!(!document.contains("<img"), "{document}");
    assert!(document.contains(&format!("<title>demo::ten {HOSTILE_TEXT}</title>")));
    assert!(document.contains(&format!("the call: {HOSTILE_TEXT}</pre>")));

    // Inputs, bytes, requests, what is pending: a line for each series that isn't 0 all the time.
    assert_eq!(count(&document, "<canvas "), 4);
    assert_eq!(count(&document, r#"<tr class="u-series "#), 3 + 2 + 2 + 1);
    assert!(!document.contains("NaN") && !document.contains("undefined"));
    for fact in [
        "12.5 s",
        "9,600 GET",
        "3 GiB",
        "5 KiB",
        "$0.0038",
        r#"title="2025-01-02T03:04:05Z""#,
    ] {
        assert!(document.contains(fact), "{fact}");
    }
}

/// Returns the number of pixels of a colour that a picture of the page has.
fn pixels(browser: &Path, page: &Path, flag: &str, colour: [u8; 3]) -> usize {
    let picture = page.with_extension("png");
    let screenshot = format!("--screenshot={}", picture.display());
    let output = opened(
        browser,
        page,
        &[&screenshot, "--window-size=1240,1600", flag],
    );
    let picture = image::open(&picture).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let picture = picture.into_rgb8();
    picture.pixels().filter(|pixel| pixel.0 == colour).count()
}

#[test]
fn lines_have_the_colours_of_the_readers_theme() {
    let Some(browser) = browser() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    write_page(&path, &[ten("demo", "2025-01-02T03:04:05Z")]).unwrap();
    // Colours of LIST and of what is pending, whose legends have at most 100 pixels each.
    let (light, dark) = ([0x8b, 0x5f, 0xb0], [0xb4, 0x91, 0xd6]);
    for (flag, there, absent) in [
        ("--blink-settings=preferredColorScheme=1", light, dark),
        ("--blink-settings=preferredColorScheme=0", dark, light),
    ] {
        let lines = pixels(browser, &path, flag, there);
        assert!(lines > 300, "{flag}: {lines}");
        assert_eq!(pixels(browser, &path, flag, absent), 0, "{flag}");
    }
}

#[test]
fn of_many_records_there_is_an_index_and_the_newest_is_open() {
    let days = ["02", "04", "03"];
    let records = days.map(|day| ten("nightly", &format!("2025-01-{day}T03:04:05Z")));
    let Some(document) = shown(&records) else {
        return;
    };
    assert_eq!(
        count(
            &document,
            r#"<button type="button" class="link">nightly</button>"#
        ),
        3
    );
    assert_eq!(count(&document, r#"<details class="record""#), 3);
    assert_eq!(count(&document, r#"<details class="record" open="">"#), 1);
    assert_eq!(count(&document, r#"class="attempt "#), 11);
    let index = |day: &str| document.find(&format!("2025-01-{day}")).unwrap();
    assert!(index("04") < index("03") && index("03") < index("02"));
}

#[test]
fn what_is_empty_unended_or_large_is_drawn_as_well() {
    let (empty, _) = begun("empty", "2025-01-02T03:04:05Z");
    let Some(document) = shown(&[empty]) else {
        return;
    };
    assert!(document.contains("not ended") && document.contains("Nothing has run."));

    let (mut instant, beginning) = begun("instant", "2025-01-02T03:04:05Z");
    let one = Tried {
        input: None,
        ..tried(0, beginning, 0.0, 0.0)
    };
    instant.attempt(one);
    let usage = Usage {
        puts: 1,
        ..Usage::default()
    };
    instant.sample(beginning, usage, Pending::default());
    instant.end(beginning, None);
    let document = shown(&[instant]).unwrap();
    assert_eq!(count(&document, r#"class="attempt done""#), 1);
    assert!(!document.contains("NaN") && !document.contains("Infinity"));

    let (mut large, beginning) = begun(&"very::long::".repeat(100), "2025-01-02T03:04:05Z");
    for input in 0..6000_u32 {
        let from = f64::from(input);
        let sandbox = (input % 20 == 0).then(|| large.sandbox_began(beginning));
        large.attempt(Tried {
            sandbox,
            error: (input >= 4700).then(|| "no".to_owned()),
            ..tried(input.into(), beginning, from, from + 1.0)
        });
    }
    let document = shown(&[large]).unwrap();
    assert_eq!(count(&document, r#"class="attempt "#), 6000);
    assert_eq!(count(&document, "<pre>no</pre>"), 200);
    assert!(document.contains("And 1,100 more."));
}

#[test]
fn a_fault_of_the_page_is_seen_by_these_tests() {
    let Some(browser) = browser() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    let (record, _) = begun("f", "2025-01-02T03:04:05Z");
    fs::write(&path, page(&[record]).replace("\"totals\":", "\"else\":")).unwrap();
    let seen = std::panic::catch_unwind(|| document(browser, &path));
    let message = seen.unwrap_err();
    assert!(
        message
            .downcast_ref::<String>()
            .unwrap()
            .contains("data-error")
    );
}

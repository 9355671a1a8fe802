//! Both versions of listing.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::EncodingType;
use s3_local::Server;

use crate::fixture::{assert_refused, client, server};

fn filled(keys: &[&str]) -> (Server, Client) {
    let server = server();
    for key in keys {
        server.put("data", key, "x");
    }
    let client = client(&server);
    (server, client)
}

#[tokio::test]
async fn pages_of_keys_and_prefixes_follow_each_other() {
    let (_server, client) = filled(&["a", "a/1", "a/2", "b", "c/1", "c/x/y", "d"]);
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let list = client
            .list_objects_v2()
            .bucket("data")
            .delimiter("/")
            .max_keys(2);
        let page = list.set_continuation_token(token).send().await.unwrap();
        assert!(page.key_count().unwrap() <= 2);
        let keys = page.contents().iter().filter_map(|object| object.key());
        let prefixes = page
            .common_prefixes()
            .iter()
            .filter_map(|prefix| prefix.prefix());
        assert_eq!(
            keys.clone().count() + prefixes.clone().count(),
            2 - usize::from(seen.len() == 4)
        );
        let mut entries: Vec<String> = keys.chain(prefixes).map(str::to_owned).collect();
        entries.sort();
        seen.extend(entries);
        token = page.next_continuation_token().map(str::to_owned);
        assert_eq!(page.is_truncated(), Some(token.is_some()));
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["a", "a/", "b", "c/", "d"]);
}

#[tokio::test]
async fn a_listing_is_in_the_order_of_bytes_and_echoes_its_query() {
    // Ordered by UTF-16, as some systems do, the last two would be exchanged.
    let (_server, client) = filled(&["p/\u{ff61}", "p/\u{1f600}", "p/B", "p/a", "q"]);
    let list = client
        .list_objects_v2()
        .bucket("data")
        .prefix("p/")
        .start_after("p/B");
    let page = list.send().await.unwrap();
    let keys: Vec<_> = page
        .contents()
        .iter()
        .filter_map(|object| object.key())
        .collect();
    assert_eq!(keys, ["p/a", "p/\u{ff61}", "p/\u{1f600}"]);
    assert_eq!(page.prefix(), Some("p/"));
    assert_eq!(page.start_after(), Some("p/B"));
    assert_eq!(page.name(), Some("data"));
    assert_eq!(page.max_keys(), Some(1000));
    assert_eq!(page.contents()[0].size(), Some(1));
    assert_eq!(
        page.contents()[0].e_tag(),
        Some("\"9dd4e461268c8034f5c8564e155c67a6\"")
    );
}

#[tokio::test]
async fn keys_that_xml_cannot_hold_come_encoded() {
    let (_server, client) = filled(&["a b/\u{1}", "a b/\u{fffe}+%"]);
    let list = client.list_objects_v2().bucket("data").prefix("a b/");
    let page = list
        .delimiter(" /")
        .encoding_type(EncodingType::Url)
        .send()
        .await
        .unwrap();
    assert_eq!(page.encoding_type(), Some(&EncodingType::Url));
    let keys: Vec<_> = page
        .contents()
        .iter()
        .filter_map(|object| object.key())
        .collect();
    assert_eq!(keys, ["a+b/%01", "a+b/%EF%BF%BE%2B%25"]);
    assert_eq!(page.prefix(), Some("a+b/"));
    assert_eq!(page.delimiter(), Some("+/"));
    let list = client.list_objects_v2().bucket("data").delimiter("/");
    let page = list.encoding_type(EncodingType::Url).send().await.unwrap();
    assert_eq!(page.common_prefixes()[0].prefix(), Some("a+b/"));
}

#[tokio::test]
async fn more_than_a_page_can_hold_is_truncated() {
    let server = server();
    for number in 0..1001 {
        server.put("data", &format!("{number:04}"), "");
    }
    let client = client(&server);
    let page = client
        .list_objects_v2()
        .bucket("data")
        .max_keys(5000)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (page.contents().len(), page.key_count()),
        (1000, Some(1000))
    );
    let token = page.next_continuation_token().unwrap();
    let list = client
        .list_objects_v2()
        .bucket("data")
        .continuation_token(token);
    let page = list.send().await.unwrap();
    assert_eq!(page.contents().len(), 1);
    assert_eq!(page.is_truncated(), Some(false));
    let none = client
        .list_objects_v2()
        .bucket("data")
        .max_keys(0)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (none.key_count(), none.is_truncated()),
        (Some(0), Some(false))
    );
}

#[tokio::test]
async fn a_token_that_was_never_given_out_is_refused() {
    let (_server, client) = filled(&[]);
    let list = client
        .list_objects_v2()
        .bucket("data")
        .continuation_token("???");
    assert_refused(list.send().await, 400, "InvalidArgument");
}

#[tokio::test]
async fn the_first_version_pages_by_markers() {
    let (_server, client) = filled(&["a", "a/1", "a/2", "b"]);
    let page = client
        .list_objects()
        .bucket("data")
        .delimiter("/")
        .max_keys(2)
        .send()
        .await
        .unwrap();
    assert_eq!(page.next_marker(), Some("a/"));
    assert_eq!(page.common_prefixes().len(), 1);
    let page = client
        .list_objects()
        .bucket("data")
        .delimiter("/")
        .marker("a/")
        .send()
        .await
        .unwrap();
    let keys: Vec<_> = page
        .contents()
        .iter()
        .filter_map(|object| object.key())
        .collect();
    assert_eq!(keys, ["b"]);
    assert_eq!(page.is_truncated(), Some(false));
}

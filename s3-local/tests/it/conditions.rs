//! Conditional requests.

use aws_sdk_s3::primitives::{ByteStream, DateTime};

use crate::fixture::{assert_refused, assert_status, client, read, server};

#[tokio::test]
async fn a_write_may_require_absence_or_an_etag() {
    let server = server();
    let client = client(&server);
    let put = |body: &'static [u8]| {
        client
            .put_object()
            .bucket("data")
            .key("k")
            .body(ByteStream::from_static(body))
    };
    assert_refused(put(b"0").if_match("\"x\"").send().await, 404, "NoSuchKey");
    let first = put(b"1").if_none_match("*").send().await.unwrap();
    assert_refused(
        put(b"2").if_none_match("*").send().await,
        412,
        "PreconditionFailed",
    );
    assert_refused(
        put(b"2").if_match("\"x\"").send().await,
        412,
        "PreconditionFailed",
    );
    assert_eq!(read(&client, "k").await, b"1");
    put(b"3")
        .if_match(first.e_tag().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(read(&client, "k").await, b"3");
}

#[tokio::test]
async fn of_many_writers_that_require_absence_one_succeeds() {
    let server = server();
    let client = client(&server);
    let put = |number: u8| {
        let body = ByteStream::from(vec![number; 10_000]);
        let put = client
            .put_object()
            .bucket("data")
            .key("k")
            .if_none_match("*")
            .body(body);
        tokio::spawn(async move { put.send().await.is_ok() })
    };
    let tasks: Vec<_> = (0..16).map(put).collect();
    let mut succeeded = 0;
    for task in tasks {
        succeeded += usize::from(task.await.unwrap());
    }
    assert_eq!(succeeded, 1);
}

#[tokio::test]
async fn a_delete_may_require_an_etag() {
    let server = server();
    let client = client(&server);
    let etag = server.put("data", "k", "x");
    let delete = || client.delete_object().bucket("data").key("k");
    assert_refused(
        delete().if_match("\"other\"").send().await,
        412,
        "PreconditionFailed",
    );
    delete()
        .if_match(format!("\"{etag}\""))
        .send()
        .await
        .unwrap();
    assert!(server.keys("data").is_empty());
}

#[tokio::test]
async fn a_read_may_require_an_etag_or_a_change() {
    let server = server();
    let client = client(&server);
    let etag = format!("\"{}\"", server.put("data", "k", "x"));
    let get = || client.get_object().bucket("data").key("k");
    get().if_match(&etag).send().await.unwrap();
    assert_refused(
        get().if_match("\"other\"").send().await,
        412,
        "PreconditionFailed",
    );
    get().if_none_match("\"other\"").send().await.unwrap();

    let unchanged = get().if_none_match(&etag).send().await.unwrap_err();
    let raw = unchanged.raw_response().unwrap();
    assert_eq!(raw.status().as_u16(), 304);
    assert_eq!(raw.headers().get("etag"), Some(etag.as_str()));
    assert!(raw.headers().get("last-modified").is_some());

    let head = client
        .head_object()
        .bucket("data")
        .key("k")
        .send()
        .await
        .unwrap();
    let modified = *head.last_modified().unwrap();
    let earlier = DateTime::from_secs(modified.secs() - 1);
    get().if_modified_since(earlier).send().await.unwrap();
    assert_status(get().if_modified_since(modified).send().await, 304);
    get().if_unmodified_since(modified).send().await.unwrap();
    let changed = get().if_unmodified_since(earlier).send().await;
    assert_refused(changed, 412, "PreconditionFailed");
    let head = client
        .head_object()
        .bucket("data")
        .key("k")
        .if_match("\"other\"")
        .send()
        .await;
    assert_status(head, 412);
}

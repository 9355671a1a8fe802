use std::sync::Arc;

use s3_local::{Operation, Server};

use super::{Expected, ReadMemory, Reader};
use crate::budget::Budget;
use crate::object::{ByteRange, Key};
use crate::store::Store;
use crate::store::served::{BUCKET, connected, server};

/// Length of a request of the kernel, in bytes.
const REQUEST: u64 = 128 << 10;

/// Requests of a block.
const BLOCK: u64 = 8;

/// Opens a file of 64 MiB, which is too large for its budget to be fetched whole.
async fn opened(server: &Server, content: &[u8]) -> Arc<Reader> {
    server.put(BUCKET, "file", content.to_vec());
    let store: Arc<dyn Store> = Arc::new(connected(server, |_| {}).await);
    let (key, size) = (Key::new("file"), Expected::Size(64 << 20));
    let supply = ReadMemory::new(Budget::new(16 << 20), 96).supply();
    let opened = Reader::open(store, key, size, supply).await;
    opened.unwrap().0
}

/// Reads requests of a block in an order; returns the number of GETs.
async fn read(
    server: &Server,
    (reader, content): (&Reader, &[u8]),
    block: u64,
    order: [u64; BLOCK as usize],
) -> u64 {
    let before = server.log().count(Operation::GetObject);
    for request in order {
        let start = block + request * REQUEST;
        let bytes = reader.read(ByteRange::at(start, REQUEST).unwrap()).await;
        let expected = &content[start as usize..][..REQUEST as usize];
        assert!(bytes.unwrap() == expected, "{start}");
    }
    server.log().count(Operation::GetObject) - before
}

#[tokio::test]
async fn a_block_is_fetched_once_if_its_requests_change_their_order() {
    let server = server();
    let content = stub_test_support::noise(64 << 20);
    let reader = opened(&server, &content).await;
    let file = (&*reader, content.as_slice());
    let in_order = [0, 1, 2, 3, 4, 5, 6, 7];
    // A length is learned from two blocks.
    for block in [40 << 20, 10 << 20, 50 << 20] {
        read(&server, file, block + 4096, in_order).await;
    }
    assert_eq!(read(&server, file, (20 << 20) + 4096, in_order).await, 1);
    let (swapped, mixed) = ([1, 0, 2, 3, 4, 5, 6, 7], [2, 1, 0, 4, 3, 7, 5, 6]);
    let gets = read(&server, file, (60 << 20) + 4096, swapped).await;
    assert!(gets <= 2, "{gets} requests of a swapped block");
    let gets = read(&server, file, (30 << 20) + 4096, mixed).await;
    assert!(gets <= 3, "{gets} requests of a mixed block");
}

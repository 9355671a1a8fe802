//! Failed requests, uploads that vanish, and what remains after them.

use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::{FIRST_PART, Somewhere, bucket, object, read, target, try_read};
use crate::object::Key;
use crate::store::disturbed::Operation;
use crate::store::faulty::{Fault, Faults};
use crate::store::memory::MemoryStore;
use crate::store::{Store, UploadId};
use crate::write::rescue::Missing;
use crate::write::{FindDestination, Stages, WriteError, Writer};

const PART: usize = FIRST_PART as usize;

struct Setting {
    memory: MemoryStore,
    faults: Arc<Faults>,
    at: Arc<Somewhere>,
    writer: Writer,
}

fn setting(budget: u64) -> Setting {
    let memory = bucket();
    let (store, faults) = Faults::over(memory.clone());
    let at = Somewhere::new("f", false);
    let place: Arc<dyn FindDestination> = at.clone();
    let writer = Writer::create(target(store, budget, &Stages::default()), place);
    Setting {
        memory,
        faults,
        at,
        writer,
    }
}

/// Gives the file stored metadata that tells it from others.
fn written_at(setting: &Setting, time: &str) {
    setting.at.change(|to| {
        to.headers.metadata.insert("mtime".into(), time.into());
    });
}

/// Aborts the first upload, as another client may.
async fn abort_upload(memory: &MemoryStore) {
    let id = UploadId("1".into());
    memory.abort_upload(&Key::new("f"), &id).await.unwrap();
}

/// Writes `parts` full parts and one byte, and waits until the parts were sent.
async fn stream(setting: &Setting, parts: usize) {
    let bytes = vec![1; parts * PART + 1];
    setting.writer.write(0, &bytes).await.unwrap();
    while setting.memory.open_uploads() == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_an_upload_had_that_vanished_is_lost_and_the_rest_is_not() {
    let setting = setting(1 << 20);
    stream(&setting, 3).await;
    abort_upload(&setting.memory).await;
    let lost = setting.writer.store().await;
    assert!(matches!(lost, Err(WriteError::Lost)));
    let read = |at, length| try_read(&setting.memory, &setting.writer, at, length);
    assert_eq!(read(0, FIRST_PART).await.unwrap(), [1; PART], "it was kept");
    assert_eq!(read(3 * FIRST_PART, 1).await.unwrap(), [1], "not sent yet");
    let in_between = super::read(&setting.writer, FIRST_PART, 1).await;
    assert!(matches!(in_between, Err(WriteError::Lost)));
    let written = vec![2; 2 * PART];
    setting.writer.write(FIRST_PART, &written).await.unwrap();
    setting.writer.store().await.unwrap();
    let expected = [&[1; PART][..], &written, &[1]].concat();
    assert_eq!(setting.memory.objects()["f"], expected);
}

#[tokio::test]
async fn a_file_that_is_emptied_has_lost_nothing() {
    let setting = setting(0);
    stream(&setting, 3).await;
    abort_upload(&setting.memory).await;
    setting.writer.store().await.unwrap_err();
    setting.writer.resize(0).await.unwrap();
    setting.writer.store().await.unwrap();
    assert_eq!(setting.memory.objects()["f"], "");
}

#[tokio::test]
async fn an_upload_that_was_completed_without_an_answer_is_found_to_be() {
    let setting = setting(1 << 20);
    written_at(&setting, "2");
    stream(&setting, 2).await;
    let lost = Fault::AnswerLost;
    setting.faults.next(Operation::Complete, lost);
    setting.writer.store().await.unwrap_err();
    let stored = setting.writer.store().await.unwrap();
    let object = object(&setting.memory, &Key::new("f")).await;
    assert_eq!((stored.etag, stored.size), (object.etag, object.size));
}

#[tokio::test]
async fn an_upload_that_vanished_is_not_taken_for_an_older_object_that_looks_like_it() {
    for lost in [false, true] {
        let older = setting(1 << 20);
        written_at(&older, "1");
        stream(&older, 2).await;
        older.writer.store().await.unwrap();
        let (store, faults) = Faults::over(older.memory.clone());
        let at = Somewhere::new("f", false);
        let place: Arc<dyn FindDestination> = at.clone();
        let writer = Writer::create(target(store, 1 << 20, &Stages::default()), place);
        let newer = Setting {
            writer,
            at,
            faults,
            memory: older.memory.clone(),
        };
        // Where an answer may have been lost, the metadata tells the two apart.
        written_at(&newer, if lost { "2" } else { "1" });
        stream(&newer, 2).await;
        // All parts are sent before the upload vanishes.
        let fault = if lost {
            Fault::NotReached
        } else {
            Fault::Refused
        };
        newer.faults.next(Operation::Complete, fault);
        newer.writer.store().await.unwrap_err();
        assert_eq!(newer.memory.open_uploads(), 1);
        let id = UploadId("2".into());
        let key = Key::new("f");
        newer.memory.abort_upload(&key, &id).await.unwrap();
        assert_eq!(newer.memory.open_uploads(), 0);
        let stored = newer.writer.store().await;
        assert!(matches!(stored, Err(WriteError::Lost)), "{lost}");
    }
}

#[tokio::test]
async fn what_failed_is_saved_with_the_upload_that_has_the_rest() {
    let setting = setting(1 << 20);
    stream(&setting, 3).await;
    setting.faults.next(Operation::Complete, Fault::Refused);
    setting.writer.store().await.unwrap_err();
    let file = tempfile::tempfile().unwrap();
    let rescued = setting.writer.rescue(&file).await.unwrap();
    assert_eq!(rescued.missing, [Missing::Sent(FIRST_PART..3 * FIRST_PART)]);
    assert_eq!(rescued.upload, Some((Key::new("f"), UploadId("1".into()))));
    let mut bytes = vec![9; 3 * PART + 1];
    file.read_exact_at(&mut bytes, 0).unwrap();
    let expected = [&[1; PART][..], &[0; 2 * PART], &[1]].concat();
    assert_eq!(bytes, expected);
    drop(setting.writer);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(setting.memory.open_uploads(), 1, "for whoever completes it");
}

#[tokio::test]
async fn a_part_that_failed_is_saved_from_here() {
    let setting = setting(0);
    setting.faults.next(Operation::UploadPart, Fault::Refused);
    stream(&setting, 2).await;
    setting.writer.store().await.unwrap_err();
    let file = tempfile::tempfile().unwrap();
    let rescued = setting.writer.rescue(&file).await.unwrap();
    assert_eq!(rescued.missing, [Missing::Sent(FIRST_PART..2 * FIRST_PART)]);
    let mut byte = [0];
    file.read_exact_at(&mut byte, 0).unwrap();
    assert_eq!(byte, [1], "the part that was refused");
}

#[tokio::test]
async fn headers_may_be_older_than_the_end_of_an_upload() {
    let setting = setting(1 << 20);
    stream(&setting, 2).await;
    let text = Some("text/plain".to_owned());
    setting
        .at
        .change(|to| to.headers.content_type = text.clone());
    let stored = setting.writer.store().await.unwrap();
    assert_eq!(stored.headers.content_type, None);
    setting.writer.touch().await;
    let stored = setting.writer.store().await.unwrap();
    assert_eq!(stored.headers.content_type, text);
}

#[tokio::test]
async fn an_upload_of_a_renamed_file_replaces_nothing_on_its_way() {
    let setting = setting(1 << 20);
    stream(&setting, 2).await;
    setting.at.change(|to| to.key = Key::new("g"));
    setting.memory.insert("f", "somebody else's");
    setting.writer.store().await.unwrap_err();
    setting.memory.remove("f");
    setting.writer.store().await.unwrap();
    let objects = setting.memory.objects();
    assert_eq!(objects.keys().collect::<Vec<_>>(), ["g"]);
    assert_eq!(objects["g"], vec![1; 2 * PART + 1]);
}

#[tokio::test]
async fn what_is_copied_may_be_renamed_while_it_is_copied() {
    let setting = setting(1 << 20);
    let bytes = vec![7; 9000];
    setting.memory.insert("old", bytes.clone());
    let old = object(&setting.memory, &Key::new("old")).await;
    let source = Arc::new(old.clone());
    setting.writer.copy_range(0, source, 0, 9000).await.unwrap();
    setting.faults.next(Operation::CopyPart, Fault::Refused);
    let more = [1; 2 * PART];
    setting.writer.write(9000, &more).await.unwrap();
    setting.writer.store().await.unwrap_err();
    setting.memory.remove("old");
    setting.memory.insert("new", bytes.clone());
    let new = object(&setting.memory, &Key::new("new")).await;
    setting.writer.moved(&old, new).await;
    setting.writer.store().await.unwrap();
    assert_eq!(setting.memory.objects()["f"], [&bytes[..], &more].concat());
}

#[tokio::test]
async fn what_is_written_after_a_failure_is_sent_though_its_part_was() {
    for budget in [0, 1 << 20] {
        let setting = setting(budget);
        stream(&setting, 2).await;
        setting.faults.next(Operation::Complete, Fault::Refused);
        setting.writer.store().await.unwrap_err();
        let at = 2 * FIRST_PART;
        setting.writer.write(at, &[2; PART]).await.unwrap();
        setting.writer.store().await.unwrap();
        let expected = [[1; PART], [1; PART], [2; PART]].concat();
        assert_eq!(setting.memory.objects()["f"], expected);
    }
}

#[tokio::test]
async fn a_file_that_lacks_mapped_pages_is_not_stored_until_they_are_there() {
    for parts in [0, 3] {
        let setting = setting(1 << 20);
        setting.memory.insert("f", "the old one");
        let bytes = vec![1; parts * PART + 10];
        setting.writer.write(0, &bytes).await.unwrap();
        setting.writer.miss(4..6, WriteError::NoSpace).await;
        let refused = setting.writer.store().await;
        assert!(matches!(refused, Err(WriteError::Missed { .. })));
        assert_eq!(setting.memory.objects()["f"], "the old one");
        read(&setting.writer, 5, 1).await.unwrap_err();
        let file = tempfile::tempfile().unwrap();
        let rescued = setting.writer.rescue(&file).await.unwrap();
        assert!(rescued.missing.contains(&Missing::Refused(4..6)));
        setting.writer.write(4, &[2, 2]).await.unwrap();
        setting.writer.store().await.unwrap();
        let stored = &setting.memory.objects()["f"];
        assert_eq!(stored[3..7], [1, 2, 2, 1]);
    }
}

#[tokio::test]
async fn cutting_and_punching_need_no_mapped_pages() {
    let setting = setting(1 << 20);
    setting.writer.write(0, &[1; 20]).await.unwrap();
    setting.writer.miss(4..6, WriteError::NoSpace).await;
    setting.writer.miss(15..20, WriteError::NoSpace).await;
    setting.writer.punch(3, 6).await.unwrap();
    setting.writer.store().await.unwrap_err();
    setting.writer.resize(15).await.unwrap();
    setting.writer.store().await.unwrap();
    let expected = [&[1; 3][..], &[0; 6], &[1; 6]].concat();
    assert_eq!(setting.memory.objects()["f"], expected);
}

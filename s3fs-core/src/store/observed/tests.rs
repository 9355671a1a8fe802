use std::fmt::Write;
use std::sync::Mutex;

use async_trait::async_trait;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::*;
use crate::store::disturbed::{Disturbance, Disturbed};
use crate::store::memory::MemoryStore;
use crate::store::{Body, GetBody, PartNumber, Precondition, StoreErrorKind};

/// Spans and events, one line each.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    /// Records the spans and events of this thread until the guard is dropped.
    fn begin() -> (Self, DefaultGuard) {
        let seen = Self::default();
        let subscriber = tracing_subscriber::registry().with(seen.clone());
        (seen, tracing::subscriber::set_default(subscriber))
    }

    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut fields = Fields(String::new());
        attributes.record(&mut fields);
        let parent = span.parent().map_or("nothing", |parent| parent.name());
        let (name, level) = (span.name(), span.metadata().level());
        self.note(format!("{level} {name} of {parent}:{}", fields.0));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        let within = context
            .event_span(event)
            .map_or("nothing", |span| span.name());
        self.note(format!("within {within}:{}", fields.0));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.note(format!("{} ends", context.span(&id).unwrap().name()));
    }
}

/// Disturbance that logs requests and received bytes.
#[derive(Debug)]
struct Telling;

#[async_trait]
impl Disturbance for Telling {
    async fn before(&self, _: Operation) -> Result<(), StoreErrorKind> {
        tracing::info!("asked");
        Ok(())
    }

    async fn after(&self, _: Operation) -> Result<(), StoreErrorKind> {
        Ok(())
    }

    fn body(&self, body: GetBody) -> GetBody {
        body.observed(Span::none(), |piece| {
            tracing::info!(bytes = piece.len(), "came");
        })
    }
}

#[derive(Debug, Default)]
struct Uploads(Mutex<Vec<String>>);

impl UploadObserver for Uploads {
    fn begun(&self, upload: UnfinishedUpload) {
        self.0.lock().unwrap().push(format!("{} begun", upload.key));
    }

    fn ended(&self, upload: UnfinishedUpload) {
        self.0.lock().unwrap().push(format!("{} ended", upload.key));
    }
}

fn observed(uploads: &Arc<Uploads>) -> (Observed<Disturbed<MemoryStore, Telling>>, Meter) {
    let memory = MemoryStore::default();
    memory.insert("d/f", "content");
    let store = Disturbed {
        store: memory,
        disturbance: Arc::new(Telling),
    };
    let mount = tracing::info_span!("mount", bucket = "memory");
    let (meter, uploads) = (Meter::default(), Arc::clone(uploads) as Arc<_>);
    let observed = Observed::new(store, mount, meter.clone(), Some(uploads));
    (observed, meter)
}

#[tokio::test]
async fn a_request_and_its_body_are_in_a_span_of_the_mount() {
    let (seen, _guard) = Seen::begin();
    let (store, meter) = observed(&Arc::default());
    let got = store.get(&Key::new("d/f"), None, Condition::Any).await;
    let mut body = got.unwrap().body;
    assert_eq!(body.next().await.unwrap().unwrap(), "content");
    assert!(body.next().await.unwrap().is_none());
    assert_eq!(meter.read().bytes_read, 7);
    let before = [
        "INFO mount of nothing: bucket=\"memory\"",
        "DEBUG request of mount: operation=\"GET\" object=\"d/f\" number=1",
        "within request: message=asked",
        "within request: message=came bytes=7",
    ];
    assert_eq!(seen.take(), before);
    drop(body);
    assert_eq!(seen.take(), ["request ends"]);
    store.delete(&Key::new("gone")).await.unwrap();
    let again = "DEBUG request of mount: operation=\"DELETE\" object=\"gone\" number=2";
    assert_eq!(seen.take()[0], again);
}

#[tokio::test]
async fn uploads_are_told_of_and_counted() {
    // A span first used without a subscriber would stay disabled in the other test.
    let (_, _guard) = Seen::begin();
    let uploads = Arc::default();
    let (store, meter) = observed(&uploads);
    let (key, headers) = (Key::new("f"), Headers::default());
    let id = store.create_upload(&key, &headers).await.unwrap();
    let body = Body::memory("part".into());
    let tag = store.upload_part(&key, &id, PartNumber(1), body).await;
    let tags = [tag.unwrap()];
    let completing = store.complete_upload(&key, &id, &tags, &Precondition::None);
    completing.await.unwrap();
    let id = store.create_upload(&key, &headers).await.unwrap();
    store.abort_upload(&key, &id).await.unwrap();
    let told = uploads.0.lock().unwrap();
    assert_eq!(*told, ["f begun", "f ended", "f begun", "f ended"]);
    let usage = meter.read();
    assert_eq!((usage.puts, usage.deletes, usage.bytes_written), (4, 1, 4));
}

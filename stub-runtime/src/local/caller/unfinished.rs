//! Multipart uploads that a lost supervisor leaves in the buckets: begun and not ended.

use std::collections::BTreeSet;
use std::os::fd::AsFd;

use s3fs_core::{MountConfig, Shown, UnfinishedUpload};

use crate::host::config;
use crate::local::keys::Answers;
use crate::local::role::Role;
use crate::protocol::{Channel, ChannelError, Sweep, Swept, SweptVolume, UploadNote};

use super::process;

/// The volumes of a call, each with its uploads.
#[derive(Debug)]
pub(super) struct Unfinished(Vec<(MountConfig, BTreeSet<UnfinishedUpload>)>);

impl Unfinished {
    /// Creates the list of volumes, without uploads.
    pub(super) fn new(volumes: impl Iterator<Item = MountConfig>) -> Self {
        Self(volumes.map(|mount| (mount, BTreeSet::new())).collect())
    }

    /// Records the begin or the end of an upload.
    pub(super) fn note(&mut self, note: UploadNote) {
        let UploadNote {
            volume,
            upload,
            ended,
        } = note;
        if let Some((_, uploads)) = self.0.get_mut(volume) {
            if ended {
                uploads.remove(&upload);
            } else {
                uploads.insert(upload);
            }
        }
    }

    /// Aborts the uploads in a process of their own, whose time is limited. Returns a text about
    /// those that remain, as the continuation of a sentence. `answers`: functions of the volumes.
    pub(super) fn abort(self, label: &str, answers: Option<&Answers>) -> Option<String> {
        let left = self.0.into_iter().enumerate();
        let left = left.filter(|(_, (_, uploads))| !uploads.is_empty());
        let (indices, volumes): (Vec<usize>, Vec<_>) = left
            .map(|(index, (mount, uploads))| {
                let uploads = uploads.into_iter().collect();
                (index, SweptVolume { mount, uploads })
            })
            .unzip();
        if volumes.is_empty() {
            return None;
        }
        let objects = describe(&volumes);
        let answers = answers.and_then(|answers| answers.only(indices.into_iter()));
        let failures = match sweep(label, volumes, answers) {
            Ok(swept) if swept.failures.is_empty() => return None,
            Ok(swept) => swept.failures.join(", "),
            Err(error) => error.to_string(),
        };
        Some(format!(
            "unfinished uploads may stay in the bucket ({objects}), as they could not be aborted: \
             {failures}"
        ))
    }
}

fn describe(volumes: &[SweptVolume]) -> String {
    let objects = volumes.iter().flat_map(|volume| {
        let bucket = &volume.mount.bucket;
        let keys = volume.uploads.iter().map(|upload| &upload.key);
        keys.map(move |key| format!("s3://{bucket}/{}", Shown(key)))
    });
    objects.collect::<Vec<_>>().join(", ")
}

fn sweep(
    label: &str,
    volumes: Vec<SweptVolume>,
    answers: Option<Answers>,
) -> Result<Swept, ChannelError> {
    let (ours, theirs) = Channel::pair()?;
    let title = format!("stub: sweeper for {label}");
    let started = process::start(Role::Sweeper, title, theirs);
    let mut sweeper = started.map_err(|error| ChannelError::NotStarted(error.to_string()))?;
    let keys = answers.map(Answers::start).transpose();
    let keys = keys.map_err(|error| ChannelError::NotStarted(error.to_string()))?;
    let with: Vec<_> = keys.iter().map(AsFd::as_fd).collect();
    let credentials = config::credentials();
    let request = Sweep {
        volumes,
        credentials,
    };
    let swept = ours
        .send(&request, &with)
        .and_then(|()| ours.receive::<Swept>());
    drop(ours);
    // It ends by itself; there may be nobody to wait for if children are ignored.
    let _ = sweeper.wait();
    swept.map(|(swept, _)| swept)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use s3fs_core::BucketName;

    use super::*;

    fn note(volume: usize, id: &str, ended: bool) -> UploadNote {
        let upload = UnfinishedUpload {
            key: "k".into(),
            id: id.into(),
        };
        UploadNote {
            volume,
            upload,
            ended,
        }
    }

    #[test]
    fn only_what_began_and_did_not_end_is_unfinished() {
        let mount = MountConfig::new(BucketName::new("bucket").unwrap());
        let mut unfinished = Unfinished::new([mount.clone(), mount].into_iter());
        for note in [
            note(0, "a", false),
            note(1, "a", false),
            note(0, "b", false),
            note(0, "a", true),
            note(7, "c", false),
        ] {
            unfinished.note(note);
        }
        let left: Vec<Vec<&str>> = unfinished
            .0
            .iter()
            .map(|(_, uploads)| uploads.iter().map(|one| one.id.as_str()).collect())
            .collect();
        assert_eq!(left, [["b"], ["a"]]);
    }

    #[test]
    fn nothing_is_started_for_nothing() {
        let mount = MountConfig::new(BucketName::new("bucket").unwrap());
        let mut unfinished = Unfinished::new([mount].into_iter());
        unfinished.note(note(0, "a", false));
        unfinished.note(note(0, "a", true));
        assert_eq!(unfinished.abort("f", None), None);
    }
}

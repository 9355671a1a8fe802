//! `stub serve`: an S3 server for tests.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Write};
use std::path::absolute;
use std::process::ExitCode;

use anyhow::Context;
use s3_local::S3Local;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::ServeArguments;

/// Serves until SIGINT or SIGTERM.
pub(crate) fn serve(arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    let mut builder = S3Local::builder().port(arguments.port);
    if let (Some(id), Some(secret)) = (arguments.access_key_id, arguments.secret_access_key) {
        builder = builder.root_key(id, secret);
    }
    if arguments.https.is_some() {
        builder = builder.https();
    }
    if let Some(folder) = &arguments.folder {
        builder = builder.on_folder(folder);
    }
    // Before anyone can be told that it serves.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut interrupt, mut terminate) = runtime.block_on(async {
        anyhow::Ok((
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ))
    })?;
    let server = builder.try_start()?;
    for bucket in &arguments.buckets {
        if !server.buckets().contains(bucket) {
            server.try_create_bucket(bucket, s3_local::BucketOptions::default())?;
        }
    }
    let mut out = io::stdout().lock();
    // In the form that a shell understands.
    writeln!(
        out,
        "AWS_ENDPOINT_URL={}\nAWS_ACCESS_KEY_ID={}\nAWS_SECRET_ACCESS_KEY={}\nAWS_REGION={}",
        server.endpoint_url(),
        server.access_key_id(),
        server.secret_access_key(),
        server.region(),
    )?;
    if let (Some(file), Some(certificate)) = (&arguments.https, server.certificate()) {
        fs::write(file, certificate)
            .with_context(|| format!("failed to write the certificate to {}", file.display()))?;
        let file = absolute(file)?;
        writeln!(out, "AWS_CA_BUNDLE={}", quoted(&file.to_string_lossy()))?;
    }
    drop(out);
    runtime.block_on(async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    });
    Ok(ExitCode::SUCCESS)
}

/// Returns a value in quotation marks, if a shell would not take it as one word without them.
fn quoted(value: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@".contains(c);
    if value.chars().all(is_plain) {
        return value.into();
    }
    format!("'{}'", value.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_words_of_a_shell() {
        assert_eq!(quoted("/tmp/ca-1.pem"), "/tmp/ca-1.pem");
        assert_eq!(quoted("/my dir/it's.pem"), r"'/my dir/it'\''s.pem'");
    }
}

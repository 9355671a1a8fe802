//! `stub jobs calls` and `stub jobs cancel`: calls that other processes started on clusters.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;
use stub_runtime::cli::FormArguments;
use stub_runtime::engines;

/// Lists the calls that may still be running.
pub(crate) fn list(form: FormArguments) -> anyhow::Result<ExitCode> {
    let found = engines::found_calls()?;
    let mut out = io::stdout().lock();
    if form.json {
        let calls: Vec<_> = found
            .iter()
            .map(|call| {
                json!({
                    "id": call.id,
                    "label": call.label,
                    "began": call.began.to_string(),
                    "engine": call.engine,
                    "spool": call.spool,
                })
            })
            .collect();
        serde_json::to_writer_pretty(&mut out, &calls)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    for call in found {
        let began = call.began.strftime("%F %T");
        writeln!(
            out,
            "{}  {began}Z  {}  {}",
            call.id, call.engine, call.label
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Cancels a call.
pub(crate) fn cancel(id: &str) -> anyhow::Result<ExitCode> {
    engines::cancel_found(id)?;
    Ok(ExitCode::SUCCESS)
}

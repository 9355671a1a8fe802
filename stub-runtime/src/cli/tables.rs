//! Commands `list` and `mounts`: functions and volumes that the program declares.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use s3fs_core::{Access, MountConfig, Shown};
use serde_json::{Value, json};

use super::exit::CommandFailure;
use super::names;
use super::options::FormArguments;
use super::print::print;
use crate::call::Volume;
use crate::declare::Function;
use crate::local::caller::volumes;

/// A volume of a function.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) function: String,
    pub(super) path: PathBuf,
    pub(super) mount: MountConfig,
}

/// Returns all volumes of all functions.
pub(super) fn declared() -> Result<Vec<Declared>, CommandFailure> {
    let mut all = Vec::new();
    for (name, function) in names::all() {
        let volumes = volumes(function, &name)?.into_iter();
        all.extend(volumes.map(|Volume { path, mount }| Declared {
            function: name.clone(),
            path,
            mount,
        }));
    }
    Ok(all)
}

/// `list`.
pub(super) fn list(form: FormArguments) -> Result<ExitCode, CommandFailure> {
    let all = names::all();
    let text = if form.json {
        let functions: Vec<Value> = all
            .iter()
            .map(|(name, function)| describe(name, function))
            .collect();
        format!("{:#}\n", Value::from(functions))
    } else {
        let rows = all.iter().map(|(name, function)| {
            let about = function.documentation.lines().next().unwrap_or_default();
            [
                format!("{name}({})", parameters(function)),
                about.to_owned(),
            ]
        });
        table(&rows.collect::<Vec<_>>())
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn parameters(function: &Function) -> String {
    let each = function
        .parameters
        .iter()
        .map(|parameter| format!("{}: {}", parameter.name, parameter.ty));
    each.collect::<Vec<_>>().join(", ")
}

fn describe(name: &str, function: &Function) -> Value {
    let parameters: Vec<Value> = function
        .parameters
        .iter()
        .map(|parameter| json!({ "name": parameter.name, "type": parameter.ty }))
        .collect();
    let (file, line) = function.location;
    json!({
        "name": name,
        "path": function.path(),
        "file": file,
        "line": line,
        "documentation": function.documentation,
        "parameters": parameters,
        "volumes": (function.volumes)().iter().map(|(path, _)| *path).collect::<Vec<_>>(),
    })
}

/// `mounts`.
pub(super) fn mounts(form: FormArguments) -> Result<ExitCode, CommandFailure> {
    let all = declared()?;
    let text = if form.json {
        let volumes: Vec<Value> = all
            .iter()
            .map(|one| {
                json!({
                    "function": one.function,
                    "path": one.path,
                    "bucket": one.mount.bucket.to_string(),
                    "prefix": one.mount.prefix.to_string(),
                    "read_only": one.mount.access == Access::ReadOnly,
                    "endpoint_url": one.mount.endpoint_url,
                })
            })
            .collect();
        format!("{:#}\n", Value::from(volumes))
    } else {
        let rows = all.iter().map(|one| {
            let access = match one.mount.access {
                Access::ReadOnly => "read-only",
                Access::ReadWrite { .. } => "read and write",
            };
            let url = format!("s3://{}/{}", one.mount.bucket, one.mount.prefix);
            [
                one.function.clone(),
                one.path.display().to_string(),
                url,
                access.to_owned(),
            ]
        });
        table(&rows.collect::<Vec<_>>())
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// `doctor`.
pub(super) fn doctor(form: FormArguments) -> Result<ExitCode, CommandFailure> {
    let mut mounts: Vec<MountConfig> = Vec::new();
    for one in declared()? {
        // Several functions may declare the same.
        let has_same = |mount: &MountConfig| probed(mount) == probed(&one.mount);
        if !mounts.iter().any(has_same) {
            mounts.push(one.mount);
        }
    }
    let checks = crate::local::doctor(&mounts);
    let text = if form.json {
        format!("{:#}\n", json!(checks))
    } else {
        table(
            &checks
                .iter()
                .map(|check| [check.to_string()])
                .collect::<Vec<_>>(),
        )
    };
    print(&text)?;
    let is_well = checks.iter().all(|check| check.problem.is_none());
    Ok(if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Returns the parts of a mount that its probes depend on.
fn probed(mount: &MountConfig) -> impl PartialEq {
    (
        &mount.bucket,
        &mount.prefix,
        &mount.access,
        &mount.endpoint_url,
        &mount.expected_bucket_owner,
        &mount.uploads,
    )
}

/// Columns, each as wide as its widest cell.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    // Words of people, which must not change what stands beside them.
    let rows = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| Shown(cell).to_string()));
    let rows: Vec<[String; N]> = rows.collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a text can't fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![["a", "long"], ["longer", ""]].into_iter();
        let rows: Vec<_> = rows.map(|row| row.map(str::to_owned)).collect();
        assert_eq!(table(&rows), "a       long\nlonger\n");
    }
}

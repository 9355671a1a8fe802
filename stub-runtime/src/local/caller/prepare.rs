//! Preparation of a call: from an annotated function to what its calls carry.

use std::path::PathBuf;
use std::sync::Arc;

use s3fs_core::chain;

use crate::call::{Attempt, CallSpec, Error, ErrorKind, Volume, Work};
use crate::declare;
use crate::declare::{Function, Options, Settings, registry};
use crate::host::config;

/// Prepared function, with its checked options.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Specification that each of its sandboxes carries.
    pub(crate) spec: CallSpec,
    /// Checked options.
    pub(crate) options: Options,
}

/// Evaluates the function's volumes, secrets and options.
pub(super) fn plan(function: &'static Function) -> Result<Plan, Error> {
    let name: Arc<str> = registry::name(function).into();
    // Noticed here, before anything is started; a worker would run the wrong body.
    registry::find(&name).map_err(|reason| {
        Error::new(
            Attempt::first(Arc::clone(&name)),
            ErrorKind::Registry { reason },
        )
    })?;
    let options = (function.options)();
    options.check().map_err(|reason| {
        Error::new(
            Attempt::first(Arc::clone(&name)),
            ErrorKind::Options { reason },
        )
    })?;
    let secrets = (function.secrets)().and_then(declare::environment);
    let secrets = secrets.map_err(|error| {
        Error::new(
            Attempt::first(Arc::clone(&name)),
            ErrorKind::Secret {
                reason: chain(&error),
            },
        )
    })?;
    let spec = CallSpec {
        version: CallSpec::VERSION,
        name: None,
        volumes: volumes(function, &name)?,
        environment: options.env.iter().cloned().chain(secrets).collect(),
        timeout: options.timeout,
        workdir: options
            .workdir
            .clone()
            .unwrap_or_else(config::working_folder),
        network: options.network,
        isolate: options.isolate,
        limits: options.limits,
        work: Work::Function { name },
    };
    Ok(Plan { spec, options })
}

/// Returns the function's volumes, checked.
pub(crate) fn volumes(function: &Function, name: &str) -> Result<Vec<Volume>, Error> {
    let declared = (function.volumes)();
    if declared.is_empty() {
        return Ok(Vec::new());
    }
    let settings = Settings::load().map_err(|error| {
        Error::new(
            Attempt::first(name),
            ErrorKind::Options {
                reason: chain(&error),
            },
        )
    })?;
    let checked = declared.into_iter().map(|(path, volume)| {
        let path = PathBuf::from(path);
        let bucket = volume.bucket().to_owned();
        match settings.apply(volume).into_config() {
            Ok(mount) => Ok(Volume { path, mount }),
            Err(error) => Err(Error::new(
                Attempt::first(name),
                ErrorKind::Volume {
                    path,
                    bucket,
                    reason: chain(&error),
                },
            )),
        }
    });
    checked.collect()
}

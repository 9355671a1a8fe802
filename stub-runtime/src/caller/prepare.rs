//! From an annotated function to what its call carries.

use std::path::PathBuf;

use crate::config;
use crate::error::Error;
use crate::function::Function;
use crate::registry;
use crate::secret;
use crate::spec::{CallSpec, Volume, Work};

/// Evaluates the function's volumes and secrets.
pub(super) fn spec(function: &'static Function) -> Result<CallSpec, Error> {
    let name = registry::name(function);
    // Noticed here, before anything is started; a worker would run the wrong body.
    registry::find(&name).map_err(|reason| Error::Registry {
        function: name.clone(),
        reason,
    })?;
    let environment = (function.secrets)().and_then(secret::environment);
    let environment = environment.map_err(|error| Error::Secret {
        function: name.clone(),
        reason: error.to_string(),
    })?;
    Ok(CallSpec {
        version: CallSpec::VERSION,
        volumes: volumes(function, &name)?,
        environment,
        timeout: (function.timeout)(),
        workdir: config::working_folder(),
        work: Work::Function { name },
    })
}

fn volumes(function: &Function, name: &str) -> Result<Vec<Volume>, Error> {
    let declared = (function.volumes)().into_iter();
    let checked = declared.map(|(path, volume)| {
        let path = PathBuf::from(path);
        let bucket = volume.bucket().to_owned();
        match volume.into_config() {
            Ok(mount) => Ok(Volume { path, mount }),
            Err(error) => {
                let (function, reason) = (name.to_owned(), error.to_string());
                Err(Error::Volume {
                    function,
                    path,
                    bucket,
                    reason,
                })
            }
        }
    });
    checked.collect()
}

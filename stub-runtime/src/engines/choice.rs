//! Choice of the engine that runs calls.

use std::sync::{Mutex, PoisonError};

use s3fs_core::chain;

use crate::call::{Attempt, Error, ErrorKind};
use crate::declare::{Engine, EngineName, Settings};
use crate::host::config;

/// Engine chosen by the program itself, and the one chosen on its command line.
static CHOSEN: Mutex<Chosen> = Mutex::new(Chosen {
    program: None,
    command_line: None,
});

#[derive(Debug)]
struct Chosen {
    program: Option<Engine>,
    command_line: Option<EngineName>,
}

impl Engine {
    /// Selects this engine for all later calls of this program. It takes precedence over every other choice.
    pub fn select(self) {
        CHOSEN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .program = Some(self);
    }
}

/// Selects the engine of this name, as `stub.toml` configures it, for all later calls of this
/// program. A choice of the program itself takes precedence.
pub fn choose(name: EngineName) {
    let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
    chosen.command_line = Some(name);
}

/// Returns the engine of this name, as `stub.toml` configures it.
pub(super) fn named(name: EngineName, attempt: impl Fn() -> Attempt) -> Result<Engine, Error> {
    let settings = Settings::load().map_err(|error| {
        Error::new(
            attempt(),
            ErrorKind::Options {
                reason: chain(&error),
            },
        )
    })?;
    Ok(settings.engine(Some(name)))
}

/// Returns the engine for a call.
pub(super) fn current(attempt: impl Fn() -> Attempt) -> Result<Engine, Error> {
    let name = {
        let chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &chosen.program {
            return Ok(engine.clone());
        }
        chosen.command_line
    };
    let wrong = |reason: String| Error::new(attempt(), ErrorKind::Options { reason });
    let name = match (name, config::engine()) {
        (Some(name), _) => Some(name),
        (None, Some(text)) => {
            let name = text.parse();
            Some(name.map_err(|reason| wrong(format!("STUB_ENGINE: {reason}")))?)
        }
        (None, None) => None,
    };
    if name == Some(EngineName::Local) {
        return Ok(Engine::Local);
    }
    let settings = Settings::load().map_err(|error| wrong(chain(&error)))?;
    Ok(settings.engine(name))
}

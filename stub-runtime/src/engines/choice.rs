//! Which engine calls are run on.

use std::sync::{Mutex, PoisonError};

use crate::attempt::Attempt;
use crate::config;
use crate::error::Error;
use crate::options::{Engine, EngineName};
use crate::settings::Settings;

/// What was chosen, by the program itself and on its command line.
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
    /// From now on, the calls of this program are run on it, whatever else says.
    pub fn select(self) {
        CHOSEN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .program = Some(self);
    }
}

/// From now on, the calls of this program are run on the engine of this name, as `stub.toml` sets it up, unless the
/// program itself has selected one.
pub fn choose(name: EngineName) {
    let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
    chosen.command_line = Some(name);
}

/// The engine of this name, as `stub.toml` sets it up.
pub(super) fn named(name: EngineName, attempt: impl Fn() -> Attempt) -> Result<Engine, Error> {
    let settings = Settings::load().map_err(|error| Error::Options {
        attempt: attempt(),
        reason: error.to_string(),
    })?;
    Ok(settings.engine(Some(name)))
}

/// The engine of a call.
pub(super) fn current(attempt: impl Fn() -> Attempt) -> Result<Engine, Error> {
    let name = {
        let chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &chosen.program {
            return Ok(engine.clone());
        }
        chosen.command_line
    };
    let wrong = |reason: String| Error::Options {
        attempt: attempt(),
        reason,
    };
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
    let settings = Settings::load().map_err(|error| wrong(error.to_string()))?;
    Ok(settings.engine(name))
}

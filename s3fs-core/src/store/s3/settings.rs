//! Settings of the environment and of the profile that the SDK does not expose.

#![allow(
    deprecated,
    reason = "this crate of the SDK has no other names for them"
)]

use aws_config::profile::{ProfileSet, load, profile_file};
use aws_types::os_shim_internal::{Env, Fs};

/// Environment, and the profile in use.
#[derive(Debug)]
pub(super) struct Settings {
    env: Env,
    profiles: Option<ProfileSet>,
    profile: Option<String>,
}

/// Value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) value: String,
    /// Variable, or key and profile, for messages.
    pub(super) source: String,
}

impl Settings {
    /// Reads the profile files. Files with errors count as empty: the errors are reported when
    /// credentials are loaded from them.
    pub(super) async fn load(profile: Option<&str>) -> Self {
        let (fs, env) = (Fs::real(), Env::real());
        let files = profile_file::ProfileFiles::default();
        Self {
            profiles: load(&fs, &env, &files, None).await.ok(),
            env,
            profile: profile.map(str::to_owned),
        }
    }

    /// Returns the value of a key in a nested section of the profile:
    ///
    /// ```text
    /// s3 =
    ///   use_accelerate_endpoint = true
    /// ```
    pub(super) fn nested(&self, section: &str, key: &str) -> Option<String> {
        let (lines, _) = self.of_profile(section)?;
        let mut pairs = lines.lines().filter_map(|line| line.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim() == key)?;
        Some(value.trim().to_owned())
    }

    /// Returns the value of a variable, or else of a key of the profile.
    pub(super) fn get(&self, variable: &str, key: &str) -> Option<Setting> {
        let is_filled = |value: &String| !value.trim().is_empty();
        if let Some(value) = self.env.get(variable).ok().filter(is_filled) {
            return Some(Setting {
                value,
                source: variable.to_owned(),
            });
        }
        let (value, name) = self.of_profile(key)?;
        let value = value.trim();
        (!value.is_empty()).then(|| Setting {
            value: value.to_owned(),
            source: format!("`{key}` of profile {name}"),
        })
    }

    /// Returns the value of a key of the profile, and the profile's name.
    fn of_profile(&self, key: &str) -> Option<(&str, &str)> {
        let profiles = self.profiles.as_ref()?;
        let name = self.profile.as_deref();
        let name = name.unwrap_or_else(|| profiles.selected_profile());
        Some((profiles.get_profile(name)?.get(key)?, name))
    }
}

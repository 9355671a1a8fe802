//! Options in the text of a volume.

use std::collections::HashSet;
use std::path::PathBuf;

use super::units::{Flag, Mode, Size, Tag, Time};
use crate::declare::nearest::nearest;
use crate::declare::volume::{VolumeOptions, check_owner};

/// Options that a text gives to its volume.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// All options but the secret. Paths may be relative.
    pub(super) options: VolumeOptions,
    /// Name of a secret.
    pub(super) secret: Option<String>,
}

/// Setter of an option's value.
type Set = fn(&mut Given, &str) -> Result<(), String>;

/// Options, and the setters of their values.
const OPTIONS: [(&str, Set); 38] = [
    ("accelerate", |it, text| {
        put_flag(&mut it.options.endpoints.accelerate, text)
    }),
    ("acl", |it, text| put(&mut it.options.uploads.acl, text)),
    ("allow-delete", |it, text| {
        put_flag(&mut it.options.allow_delete, text)
    }),
    ("allow-overwrite", |it, text| {
        put_flag(&mut it.options.allow_overwrite, text)
    }),
    ("bucket-key", |it, text| {
        put_flag(&mut it.options.uploads.bucket_key, text)
    }),
    ("cache", |it, text| {
        put_path(&mut it.options.cache.dir, text)
    }),
    ("cache-size", |it, text| {
        put_size(&mut it.options.cache.size, text)
    }),
    ("checksum", |it, text| {
        put(&mut it.options.uploads.checksum, text)
    }),
    ("dir-mode", |it, text| {
        put_mode(&mut it.options.dir_mode, text)
    }),
    ("dual-stack", |it, text| {
        put_flag(&mut it.options.endpoints.dual_stack, text)
    }),
    ("endpoint-url", |it, text| {
        put(&mut it.options.endpoint_url, text)
    }),
    ("expected-bucket-owner", |it, text| {
        put(&mut it.options.expected_bucket_owner, text)
    }),
    ("external-id", |it, text| {
        put(&mut it.options.role.external_id, text)
    }),
    ("file-mode", |it, text| {
        put_mode(&mut it.options.file_mode, text)
    }),
    ("fips", |it, text| {
        put_flag(&mut it.options.endpoints.fips, text)
    }),
    ("force-path-style", |it, text| {
        put_flag(&mut it.options.force_path_style, text)
    }),
    ("gid", |it, text| put_number(&mut it.options.gid, text)),
    ("immutable", |it, text| {
        put_flag(&mut it.options.immutable, text)
    }),
    ("memory", |it, text| put_size(&mut it.options.memory, text)),
    ("metadata-ttl", |it, text| {
        it.options.metadata_ttl = Some(text.parse()?);
        Ok(())
    }),
    ("no-sign-request", |it, text| {
        put_flag(&mut it.options.anonymous, text)
    }),
    ("oidc-auth-role-arn", |it, text| {
        put(&mut it.options.role.oidc_arn, text)
    }),
    ("prefix", |it, text| put(&mut it.options.key_prefix, text)),
    ("profile", |it, text| put(&mut it.options.profile, text)),
    ("region", |it, text| put(&mut it.options.region, text)),
    ("requester-pays", |it, text| {
        put_flag(&mut it.options.requester_pays, text)
    }),
    ("retry-timeout", |it, text| {
        let Time(time) = text.parse()?;
        it.options.retry_timeout = Some(time);
        Ok(())
    }),
    ("role-arn", |it, text| put(&mut it.options.role.arn, text)),
    ("role-session-name", |it, text| {
        put(&mut it.options.role.session_name, text)
    }),
    ("secret", |it, text| put(&mut it.secret, text)),
    ("sse", |it, text| put(&mut it.options.uploads.sse, text)),
    ("sse-kms-key-id", |it, text| {
        put(&mut it.options.uploads.sse_kms_key_id, text)
    }),
    ("stage", |it, text| {
        put_path(&mut it.options.stage.dir, text)
    }),
    ("stage-size", |it, text| {
        put_size(&mut it.options.stage.size, text)
    }),
    ("storage-class", |it, text| {
        put(&mut it.options.uploads.storage_class, text)
    }),
    (TAG, |it, text| {
        let tag = text.parse::<Tag>()?;
        let tags = it.options.uploads.tags.get_or_insert_default();
        tags.push((tag.key, tag.value));
        Ok(())
    }),
    ("uid", |it, text| put_number(&mut it.options.uid, text)),
    ("wait-on-close", |it, text| {
        put_flag(&mut it.options.wait_on_close, text)
    }),
];

/// Switch that needs no value.
const IMMUTABLE: &str = "immutable";

/// Option that may be given more than once.
const TAG: &str = "tag";

/// Short names of options.
const SHORT: [(&str, &str); 4] = [
    ("anonymous", "no-sign-request"),
    ("endpoint", "endpoint-url"),
    ("owner", "expected-bucket-owner"),
    ("path-style", "force-path-style"),
];

/// Returns whether a text begins with an option, known or not.
pub(super) fn begins(text: &str) -> bool {
    let first = text.split(',').next().unwrap_or_default();
    if matches!(first, "ro" | "rw" | IMMUTABLE) {
        return true;
    }
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    first.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// Parses options, separated by commas. Nothing is checked that another layer of options may complete.
pub(super) fn parse(text: &str) -> Result<Given, String> {
    let mut given = Given::default();
    let mut seen = HashSet::new();
    for item in items(text) {
        let name = set(&mut given, &item)?;
        if !seen.insert(name) && name != TAG {
            return Err(format!("option `{name}` is given twice\nleave one out"));
        }
    }
    let uploads = &given.options.uploads;
    uploads.check_each().map_err(|error| error.to_string())?;
    if let Some(owner) = &given.options.expected_bucket_owner {
        check_owner(owner).map_err(|error| error.to_string())?;
    }
    Ok(given)
}

/// Sets the option of an item, and returns its full name.
fn set(given: &mut Given, item: &str) -> Result<&'static str, String> {
    if let "ro" | "rw" = item {
        given.options.read_only = Some(item == "ro");
        return Ok("ro");
    }
    if item == IMMUTABLE {
        given.options.immutable = Some(true);
        return Ok(IMMUTABLE);
    }
    let (name, value) = item.split_once('=').unwrap_or((item, ""));
    let short = SHORT.iter().find(|(short, _)| *short == name);
    let full = short.map_or(name, |(_, full)| full);
    let Some((name, set)) = OPTIONS.iter().find(|(known, _)| *known == full) else {
        return Err(unknown(name));
    };
    if value.is_empty() {
        return Err(format!("option `{name}` has no value\nwrite {name}=VALUE"));
    }
    set(given, value).map_err(|reason| format!("option `{name}`: {reason}"))?;
    Ok(name)
}

fn unknown(name: &str) -> String {
    let names = OPTIONS.iter().map(|(name, _)| *name);
    let short = SHORT.iter().map(|(short, _)| *short);
    let remedy = match nearest(name, names.chain(short).chain(["ro", "rw"])) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("a prefix that holds `:{name}=` is written as the option prefix=PREFIX"),
    };
    format!("volume has no option `{name}`\n{remedy}")
}

/// Splits a text at its commas. `\,` is a comma and `\\` a backslash; any other `\` is itself.
fn items(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut items = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = chars.next_if(|next| c == '\\' && matches!(next, ',' | '\\'));
        match (items.last_mut(), c, escaped) {
            (_, ',', None) => items.push(String::new()),
            (Some(item), c, escaped) => item.push(escaped.unwrap_or(c)),
            (None, ..) => {}
        }
    }
    items
}

impl Given {
    /// Sets the prefix of the URL itself.
    pub(super) fn set_prefix(&mut self, prefix: &str) -> Result<(), String> {
        let option = &mut self.options.key_prefix;
        match option {
            Some(_) if !prefix.is_empty() => {
                return Err(
                    "volume has two prefixes\nwrite it in the URL or as `prefix`".to_owned(),
                );
            }
            None if !prefix.is_empty() => *option = Some(prefix.to_owned()),
            _ => {}
        }
        if let Some(prefix) = option
            && !prefix.ends_with('/')
        {
            prefix.push('/');
        }
        Ok(())
    }
}

#[expect(clippy::unnecessary_wraps, reason = "setters have one type")]
fn put(option: &mut Option<String>, text: &str) -> Result<(), String> {
    *option = Some(text.to_owned());
    Ok(())
}

fn put_flag(option: &mut Option<bool>, text: &str) -> Result<(), String> {
    let Flag(yes) = text.parse()?;
    *option = Some(yes);
    Ok(())
}

fn put_path(option: &mut Option<PathBuf>, text: &str) -> Result<(), String> {
    if text == "~" || text.starts_with("~/") {
        return Err("shells expand no `~` there\nwrite the path of the home folder".to_owned());
    }
    *option = Some(PathBuf::from(text));
    Ok(())
}

fn put_size(option: &mut Option<u64>, text: &str) -> Result<(), String> {
    let Size(bytes) = text.parse()?;
    *option = Some(bytes);
    Ok(())
}

fn put_mode(option: &mut Option<u32>, text: &str) -> Result<(), String> {
    let Mode(bits) = text.parse()?;
    *option = Some(bits);
    Ok(())
}

fn put_number(option: &mut Option<u32>, text: &str) -> Result<(), String> {
    let number = text.parse().map_err(|_| "write a number".to_owned())?;
    *option = Some(number);
    Ok(())
}

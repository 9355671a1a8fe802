//! Volumes of a pod, set up by a script that runs in its mount namespace.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Returns the script that creates the volumes of a pod; `None` while a Secret is missing.
pub(super) fn setup(
    folder: &Path,
    pod: &Value,
    secrets: &BTreeMap<String, Value>,
    hides_program: bool,
) -> Option<String> {
    let mut script = vec!["mount -t tmpfs stub-it /run".to_owned()];
    let mounts = &pod["spec"]["containers"][0]["volumeMounts"];
    for mount in mounts.as_array().into_iter().flatten() {
        let volumes = pod["spec"]["volumes"].as_array().unwrap();
        let volume = volumes.iter().find(|one| one["name"] == mount["name"]);
        let (volume, to) = (volume.unwrap(), mount["mountPath"].as_str().unwrap());
        let from = match (&volume["secret"], volume["hostPath"]["path"].as_str()) {
            (Value::Null, Some(path)) => PathBuf::from(path),
            (secret, _) => {
                let data = secrets.get(secret["secretName"].as_str().unwrap())?;
                let path = folder.join(volume["name"].as_str().unwrap());
                put(
                    &path,
                    &data["data"],
                    secret["defaultMode"].as_u64().unwrap(),
                );
                path
            }
        };
        let from = from.display();
        script.push(format!("mkdir -p '{to}'; mount --bind '{from}' '{to}'"));
        if mount["readOnly"] == true {
            script.push(format!("mount -o remount,bind,ro '{to}'"));
        }
    }
    fs::create_dir_all(folder).unwrap();
    if hides_program {
        let program = std::env::current_exe().unwrap();
        script.push(format!("mount --bind /dev/null '{}'", program.display()));
    }
    Some(script.join("\n"))
}

fn put(folder: &Path, data: &Value, mode: u64) {
    fs::create_dir_all(folder).unwrap();
    for (name, value) in data.as_object().unwrap() {
        let path = folder.join(name);
        fs::write(&path, base64(value.as_str().unwrap())).unwrap();
        let mode = u32::try_from(mode).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
}

/// Decodes base64.
pub(crate) fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = LETTERS.iter().position(|one| *one == letter).unwrap();
        bits = (bits << 6) | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    bytes
}

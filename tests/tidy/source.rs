//! Source files of the workspace, and the modules that they are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::strip;

/// Crates whose modules are checked.
pub(crate) const CRATES: [&str; 6] = [
    "s3fs-core",
    "stub-runtime",
    "stub-macros",
    "s3-local",
    "stub-cli",
    "test-support",
];

/// Folders whose files nobody edits.
const NOT_OURS: [&str; 2] = [".git", "target"];

/// A module of a crate.
pub(crate) struct Module {
    /// Names from the root of the crate, which has none.
    pub(crate) path: Vec<String>,
    /// Path of its file in the workspace.
    pub(crate) file: String,
    /// Code without comments, literals and items for tests.
    pub(crate) code: String,
}

pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Files of the repository, as paths in it, that end in one of some extensions.
pub(crate) fn files(extensions: &[&str]) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = folder.join(&name);
            let extension = path.extension().and_then(|extension| extension.to_str());
            if entry.file_type().unwrap().is_dir() {
                if !NOT_OURS.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if extension.is_some_and(|extension| extensions.contains(&extension)) {
                files.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

pub(crate) fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// Modules of a crate, without those for tests.
pub(crate) fn modules(of: &str) -> Vec<Module> {
    let src = PathBuf::from(of).join("src");
    let mut modules = Vec::new();
    for root_file in ["lib.rs", "main.rs"] {
        if root().join(&src).join(root_file).exists() {
            add(&mut modules, Vec::new(), &src.join(root_file), &src);
        }
    }
    modules
}

/// Adds a module and those that it declares, whose files are in `folder`.
fn add(modules: &mut Vec<Module>, path: Vec<String>, file: &Path, folder: &Path) {
    let file = file.to_str().unwrap().to_owned();
    let code = strip::test_items(&strip::literals(&read(&file)));
    let mut before = BTreeSet::new();
    for name in declared(&code) {
        let below = folder.join(&name);
        // The second declaration of a name is of its stand-in, where a feature is off.
        let stem = if before.insert(name.clone()) {
            name.clone()
        } else {
            format!("no_{name}")
        };
        let leaf = folder.join(format!("{stem}.rs"));
        let path = [path.as_slice(), std::slice::from_ref(&name)].concat();
        if root().join(&leaf).exists() {
            add(modules, path, &leaf, &below);
        } else if root().join(below.join("mod.rs")).exists() {
            add(modules, path, &below.join("mod.rs"), &below);
        }
    }
    modules.push(Module { path, file, code });
}

/// Names of the modules that `mod name;` declares.
fn declared(code: &str) -> Vec<String> {
    let lines = code.lines().filter_map(|line| {
        let declaration = line.trim().strip_suffix(';')?;
        let (before, name) = declaration.rsplit_once(' ')?;
        let is_module = before == "mod" || (before.starts_with("pub") && before.ends_with(" mod"));
        is_module.then(|| name.to_owned())
    });
    lines.collect()
}

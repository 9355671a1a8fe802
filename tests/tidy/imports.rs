//! Modules that a module names by `crate::`, `self::` and `super::`, in `use` and elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Module;

/// Path of a module in its crate.
pub(crate) type Path = Vec<String>;

/// Modules of a crate and what each names.
pub(crate) struct Crate {
    modules: Vec<Module>,
    paths: BTreeSet<Path>,
    /// Items that a module re-exports from below it: by its path and their names, their own paths.
    exported: BTreeMap<(Path, String), Path>,
}

impl Crate {
    pub(crate) fn new(modules: Vec<Module>) -> Self {
        let paths = modules.iter().map(|module| module.path.clone()).collect();
        let mut whole = Self {
            modules,
            paths,
            exported: BTreeMap::new(),
        };
        whole.exported = whole.exports();
        whole
    }

    /// Arrows between modules, each from the one that names to the one that is named, with its file.
    pub(crate) fn arrows(&self) -> BTreeMap<(Path, Path), String> {
        let mut arrows = BTreeMap::new();
        for module in &self.modules {
            for named in named(&module.code) {
                let Some(target) = Self::absolute(&module.path, &named).map(|path| self.home(path))
                else {
                    continue;
                };
                if target != module.path {
                    let file = format!("{} names {}", module.file, named.join("::"));
                    arrows.entry((module.path.clone(), target)).or_insert(file);
                }
            }
        }
        arrows
    }

    fn exports(&self) -> BTreeMap<(Path, String), Path> {
        let mut exported = BTreeMap::new();
        for module in &self.modules {
            for (at, _) in module.code.match_indices("use ") {
                let line = module.code[..at].rfind('\n').map_or(0, |end| end + 1);
                if !module.code[line..at].trim_start().starts_with("pub") {
                    continue;
                }
                for path in trees(&module.code[at + "use ".len()..]) {
                    let Some(name) = path.last().cloned() else {
                        continue;
                    };
                    let path = Self::absolute(&module.path, &path)
                        .unwrap_or_else(|| [module.path.as_slice(), path.as_slice()].concat());
                    exported.insert((module.path.clone(), name), path);
                }
            }
        }
        exported
    }

    /// Path from the root of the crate; nothing for a path of another crate.
    fn absolute(from: &Path, named: &[String]) -> Option<Path> {
        let mut base = match named.first()?.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => from.clone(),
            _ => return None,
        };
        let mut rest = named;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "super" => drop(base.pop()),
                "crate" | "self" => {}
                _ => break,
            }
            rest = after;
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// Module in which the item of a path is, through re-exports.
    fn home(&self, path: Path) -> Path {
        let mut path = path;
        // A bound for re-exports that go around in a circle, which the compiler refuses.
        for _ in 0..8 {
            let mut module = path.clone();
            while !self.paths.contains(&module) {
                module.pop();
            }
            let Some(name) = path.get(module.len()) else {
                return module;
            };
            match self.exported.get(&(module.clone(), name.clone())) {
                Some(there) if *there != path => path.clone_from(there),
                _ => return module,
            }
        }
        path
    }
}

/// All paths in a text that begin with `crate`, `self` or `super`.
fn named(code: &str) -> Vec<Path> {
    let mut paths = Vec::new();
    for root in ["crate::", "self::", "super::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            let is_inside = before.is_some_and(|c| c.is_alphanumeric() || "_:$".contains(c));
            if !is_inside {
                paths.extend(trees(&code[at..]));
            }
        }
    }
    paths
}

/// Paths of a tree of names: `a::{b, c::d}` has two.
fn trees(text: &str) -> Vec<Path> {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let name = text[..end].to_owned();
    if name.is_empty() {
        return Vec::new();
    }
    let below = match text[end..].strip_prefix("::") {
        Some(rest) if rest.starts_with('{') => {
            group(&rest[1..]).into_iter().flat_map(trees).collect()
        }
        Some(rest) => trees(rest),
        None => Vec::new(),
    };
    if below.is_empty() {
        return vec![vec![name]];
    }
    below
        .into_iter()
        .map(|path| [vec![name.clone()], path].concat())
        .collect()
}

/// Members of a group in braces, of which the text has the end.
fn group(text: &str) -> Vec<&str> {
    let mut members = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                members.push(&text[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members
}

#[test]
fn trees_of_names_are_read() {
    let paths = trees("crate::a::{self, b::{C, d::E}, F as G};");
    let joined: Vec<_> = paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(
        joined,
        [
            "crate::a::self",
            "crate::a::b::C",
            "crate::a::b::d::E",
            "crate::a::F"
        ]
    );
    let found: Vec<_> = named("x::crate::no; pub(crate) fn f(a: super::B) {}").concat();
    assert_eq!(found, ["super", "B"]);
}

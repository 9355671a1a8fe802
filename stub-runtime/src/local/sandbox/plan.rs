//! Plan of the mount points, in order, made without I/O from what is there.
//!
//! A missing mount point is made without a change to the host. The deepest existing folder on its
//! path (its *anchor*) is replaced, in this sandbox, by a copy: a small tmpfs. Every entry of the
//! folder is bound in it, and the missing folders can be made in it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// State of a mount path before anything is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// Path as declared.
    pub(super) path: PathBuf,
    /// Deepest existing part of the path, with symbolic links resolved.
    pub(super) anchor: PathBuf,
    /// Missing parts of the path below the anchor.
    pub(super) missing: Vec<OsString>,
    /// Type of the anchor.
    pub(super) found: Anchor,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Folder,
    /// No folder: a file or the like, with the path that the user would know.
    NoFolder(PathBuf),
    DanglingLink,
    Unreachable(String),
}

/// Step towards the mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PlanStep {
    /// Replace a folder by a copy, and make these folders in it.
    Mirror {
        folder: PathBuf,
        create: Vec<PathBuf>,
    },
    /// Replace `/` by a copy, and make these folders in it.
    NewRoot { create: Vec<PathBuf> },
    /// Mount a volume.
    Mount {
        volume: usize,
        at: PathBuf,
        inside: Option<usize>,
    },
}

/// Reason for which a volume can't have its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlanError {
    pub(super) volume: usize,
    pub(super) reason: String,
}

/// Plans the mounts of all volumes: first the copies, outer ones before inner ones; then the
/// volumes, in the same order.
pub(super) fn plan(sites: &[Site]) -> Result<Vec<PlanStep>, PlanError> {
    let mut order: Vec<usize> = (0..sites.len()).collect();
    order.sort_by_key(|&index| sites[index].path.components().count());
    let mut placed: Vec<Place> = Vec::new();
    let mut copies: BTreeMap<(usize, PathBuf), Vec<PathBuf>> = BTreeMap::new();
    for volume in order {
        let site = &sites[volume];
        let refuse = |reason| PlanError { volume, reason };
        check_path(&site.path).map_err(refuse)?;
        let place = match nested(volume, site, &placed) {
            Some(place) => place,
            None => on_host(volume, site, &mut copies).map_err(refuse)?,
        };
        if let Some(twin) = placed.iter().find(|other| other.at == place.at) {
            let other = sites[twin.volume].path.display();
            return Err(refuse(format!(
                "it is the same folder as the volume `{other}`"
            )));
        }
        placed.push(place);
    }
    let copies = copies
        .into_iter()
        .map(|((_, folder), create)| match folder.parent() {
            None => PlanStep::NewRoot { create },
            Some(_) => PlanStep::Mirror { folder, create },
        });
    let mounts = placed.into_iter().map(
        |Place {
             volume, at, inside, ..
         }| PlanStep::Mount { volume, at, inside },
    );
    Ok(copies.chain(mounts).collect())
}

struct Place {
    volume: usize,
    declared: PathBuf,
    at: PathBuf,
    inside: Option<usize>,
}

fn check_path(path: &Path) -> Result<(), String> {
    let plain = path.is_absolute() && path.components().skip(1).all(is_normal);
    if !plain {
        return Err("a mount path is absolute and has no `..`".to_owned());
    }
    if path.parent().is_none() {
        return Err("nothing can be mounted at `/`; choose a folder such as `/data`".to_owned());
    }
    if path.starts_with("/proc") {
        return Err(
            "nothing can be mounted in `/proc`; choose a folder such as `/data`".to_owned(),
        );
    }
    Ok(())
}

fn is_normal(component: std::path::Component<'_>) -> bool {
    matches!(component, std::path::Component::Normal(_))
}

/// Returns the place of a volume that lies in another, by its name or by the target of its links.
/// Entries of the host there are hidden and don't count.
fn nested(volume: usize, site: &Site, placed: &[Place]) -> Option<Place> {
    let resolved = full(site);
    let (outer, at) = placed.iter().rev().find_map(|outer| {
        if let Ok(rest) = site.path.strip_prefix(&outer.declared) {
            return Some((outer, outer.at.join(rest)));
        }
        (resolved.starts_with(&outer.at) && resolved != outer.at).then(|| (outer, resolved.clone()))
    })?;
    Some(Place {
        volume,
        declared: site.path.clone(),
        at,
        inside: Some(outer.volume),
    })
}

fn on_host(
    volume: usize,
    site: &Site,
    copies: &mut BTreeMap<(usize, PathBuf), Vec<PathBuf>>,
) -> Result<Place, String> {
    match &site.found {
        Anchor::Folder => {}
        Anchor::NoFolder(file) => {
            return Err(format!(
                "`{}` is a file, not a folder; choose another path",
                file.display()
            ));
        }
        Anchor::DanglingLink => {
            let link = site.anchor.display();
            return Err(format!("`{link}` is a symbolic link that leads nowhere"));
        }
        Anchor::Unreachable(reason) => {
            return Err(format!(
                "`{}` can't be reached: {reason}",
                site.anchor.display()
            ));
        }
    }
    if !site.missing.is_empty() {
        let depth = site.anchor.components().count();
        let missing: PathBuf = site.missing.iter().collect();
        copies
            .entry((depth, site.anchor.clone()))
            .or_default()
            .push(missing);
    }
    Ok(Place {
        volume,
        declared: site.path.clone(),
        at: full(site),
        inside: None,
    })
}

fn full(site: &Site) -> PathBuf {
    let mut path = site.anchor.clone();
    path.extend(&site.missing);
    path
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

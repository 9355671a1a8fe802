//! Pictures of a comparison, one for each family of workloads.

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::picture::{self, Group};
use crate::report::Report;
use crate::workload::{Family, Workload};

/// Results to draw.
#[derive(Default)]
pub struct Album(Vec<(Family, Group)>);

impl Album {
    /// Adds the results of a workload.
    pub fn add(&mut self, workload: Workload, report: &Report) {
        let group = Group {
            name: workload.to_string(),
            bars: report.slowness(),
        };
        self.0.push((workload.family(), group));
    }

    /// Writes a picture of each family that has results.
    pub fn write(&self, folder: &Path, profile: &str) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        for family in Family::ALL {
            let of_family = self.0.iter().filter(|(of, _)| *of == family);
            let groups: Vec<_> = of_family
                .map(|(_, group)| group)
                .filter(|group| !group.bars.is_empty())
                .collect();
            if groups.is_empty() {
                continue;
            }
            let file = folder.join(format!("{profile}-{}.svg", family.name()));
            let drawn = picture::draw(family.title(), &groups);
            fs::write(&file, drawn).with_context(|| file.display().to_string())?;
        }
        Ok(())
    }
}

//! Document with tables written by the benchmark, between two comments: `<!-- measured: NAME -->` and
//! `<!-- /measured -->`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

const END: &str = "<!-- /measured -->";

/// Document with a section for measurements.
pub struct Document {
    file: PathBuf,
    begin: String,
}

impl Document {
    /// Opens the document. Fails early, before hours of measuring, if it has no section of this name.
    pub fn open(file: &Path, name: &str) -> anyhow::Result<Self> {
        let document = Self {
            file: file.to_owned(),
            begin: format!("<!-- measured: {name} -->"),
        };
        document.parts()?;
        Ok(document)
    }

    /// Replaces the section's text.
    pub fn write(&self, text: &str) -> anyhow::Result<()> {
        let (before, after) = self.parts()?;
        let text = text.trim();
        let whole = format!("{before}{}\n{text}\n{END}{after}", self.begin);
        fs::write(&self.file, whole).context(self.name())
    }

    /// Returns the text before and after the section.
    fn parts(&self) -> anyhow::Result<(String, String)> {
        let text = fs::read_to_string(&self.file).with_context(|| self.name())?;
        let parts = text.split_once(&self.begin).and_then(|(before, rest)| {
            let (_, after) = rest.split_once(END)?;
            Some((before.to_owned(), after.to_owned()))
        });
        let missing = || format!("{} has no `{}` … `{END}`", self.name(), self.begin);
        parts.with_context(missing)
    }

    fn name(&self) -> String {
        self.file.display().to_string()
    }
}

//! A file that appears only when it is whole: a half one could be taken for it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// What is written beside the file until it is finished; dropped before, it leaves nothing. Its owner alone can read it.
pub struct WholeFile {
    path: PathBuf,
    half: PathBuf,
    file: File,
}

impl WholeFile {
    pub fn create(path: &Path) -> anyhow::Result<WholeFile> {
        let name =
            path.file_name().with_context(|| format!("{} is not the name of a file", path.display()))?;
        let mut half = name.to_owned();
        half.push(format!(".{}.half", std::process::id()));
        let half = path.with_file_name(half);
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half);
        let file = opened.with_context(|| cannot(path))?;
        Ok(WholeFile { path: path.to_owned(), half, file })
    }

    /// Has all of it on the disk, under its own name.
    pub fn finish(self) -> anyhow::Result<()> {
        let finished = self.file.sync_all().and_then(|()| fs::rename(&self.half, &self.path));
        finished.with_context(|| cannot(&self.path))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        // Gone already where it was finished.
        _ = fs::remove_file(&self.half);
    }
}

fn cannot(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}

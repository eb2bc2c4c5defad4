//! Files that only their owner may read, and that are there whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file on its way: it has its name once it is written and safe on the disk.
pub struct PrivateFile {
    file: NamedTempFile,
    path: PathBuf,
    folder: PathBuf,
}

impl PrivateFile {
    /// Begins one under a passing name in the folder of `path`; mode 0600.
    pub fn beside(path: &Path) -> std::io::Result<Self> {
        let folder = folder_of(path);
        let file = tempfile::Builder::new().prefix(".latchkey-").tempfile_in(folder)?;
        Ok(Self { file, path: path.to_owned(), folder: folder.to_owned() })
    }

    /// Gives it its name, in place of what had it.
    pub fn keep(self) -> std::io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path).map_err(|error| error.error)?;
        sync_folder(&self.folder)
    }

    /// Gives it its name, unless something else has it.
    pub fn keep_unless_there(self) -> std::io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist_noclobber(&self.path).map_err(|error| error.error)?;
        sync_folder(&self.folder)
    }
}

impl Write for PrivateFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// The folder a file is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a folder that only its owner may look into; one that is there already stays as it is.
pub fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Gives a file another name in the same folder, in place of what had it.
pub fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

/// Makes the names in a folder durable.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// Makes the names in a folder durable: elsewhere the file's own flush has to do.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

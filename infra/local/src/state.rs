//! The state folder: everything the local home remembers, used by one home at a time.
//!
//! Files here hold what people typed and the keys that sign them in, so on Unix the folder and each
//! file in it are their owner's alone, also where the folder was there before.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Trouble;

/// The file whose lock says that a home is running here.
const LOCK: &str = "lock";

/// An open state folder. No other home can open the same one until this is dropped or the process
/// ends, however it ends: the lock is the operating system's.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Makes the folder when it is missing, and takes its lock.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        let unwritable = |error: io::Error| {
            Trouble::new(format!("cannot write in the state folder {}: {error}", path.display()))
        };
        create_private(path).map_err(unwritable)?;
        let lock = open_private(&path.join(LOCK), false).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Trouble::new(format!(
                    "another Latchkey is running on the state folder {}; stop it, or set STATE_DIR to another folder",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        let state = Self { path: path.to_owned(), _lock: lock };
        state.replace("probe", b"").map_err(unwritable)?;
        fs::remove_file(state.file("probe")).map_err(unwritable)?;
        Ok(state)
    }

    /// Where the file `name` of this folder is.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where the `SQLite` file `name` of this folder is. It is there afterwards, empty if it is new,
    /// and with its companions its owner's alone: `SQLite` makes a file that others can read, and
    /// gives the companions the permissions of the file.
    pub fn database(&self, name: &str) -> Result<PathBuf, Trouble> {
        let path = self.file(name);
        let shut = || -> io::Result<()> {
            open_private(&path, false)?;
            #[cfg(unix)]
            for ending in ["", "-wal", "-shm", "-journal"] {
                use std::os::unix::fs::PermissionsExt;
                match fs::set_permissions(
                    self.file(&format!("{name}{ending}")),
                    fs::Permissions::from_mode(0o600),
                ) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            Ok(())
        };
        shut().map_err(|error| {
            Trouble::new(format!("cannot open the database {}: {error}", path.display()))
        })?;
        Ok(path)
    }

    /// See [`replace`].
    pub fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        replace(&self.file(name), content)
    }
}

/// Writes a file so that after a crash at any moment it holds either the old or the new content.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = open_private(&fresh, true)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    // The rename itself lasts only once the folder is on disk. Windows has no such call.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Makes the folder. One that is there is shut to others when it is empty or was a home's before;
/// a folder with other things in it is left as it is.
fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    #[cfg(unix)]
    if path.join(LOCK).exists() || fs::read_dir(path)?.next().is_none() {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn open_private(path: &Path, truncate: bool) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(truncate).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A folder that tests keep state in, removed afterwards.
#[cfg(test)]
pub(crate) struct TestFolder(pub PathBuf);

#[cfg(test)]
impl TestFolder {
    pub(crate) fn new() -> Self {
        let name = format!("latchkey-{:032x}", u128::from_ne_bytes(random()));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

#[cfg(test)]
impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Bytes nobody can guess.
///
/// # Panics
/// When the operating system has no randomness to give, in which case nothing here may go on.
#[must_use]
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_homes_cannot_share_a_folder() {
        let folder = TestFolder::new();
        let first = StateDir::open(&folder.0).unwrap();
        let second = StateDir::open(&folder.0).unwrap_err().to_string();
        assert!(second.contains("another Latchkey"), "{second}");
        drop(first);
        StateDir::open(&folder.0).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn what_is_kept_is_its_owners_alone_also_where_it_was_there_before() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let open_up = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let folder = TestFolder::new();
        open_up(&folder.0, 0o755);
        for _ in 0..2 {
            let state = StateDir::open(&folder.0).unwrap();
            state.replace("key.pem", b"key").unwrap();
            let files =
                [state.database("latchkey.db").unwrap(), state.file(LOCK), state.file("key.pem")];
            assert_eq!(mode(&folder.0), 0o700);
            for file in &files {
                assert_eq!(mode(file), 0o600, "{}", file.display());
            }
            let connection = rusqlite::Connection::open(&files[0]).unwrap();
            connection.pragma_update(None, "journal_mode", "WAL").unwrap();
            connection.execute_batch("CREATE TABLE IF NOT EXISTS t (x)").unwrap();
            assert_eq!(mode(&state.file("latchkey.db-wal")), 0o600);
            assert_eq!(mode(&state.file("latchkey.db-shm")), 0o600);
            // As an older version left it.
            open_up(&folder.0, 0o755);
            open_up(&files[0], 0o644);
            std::mem::forget(connection);
            open_up(&state.file("latchkey.db-wal"), 0o644);
        }

        let shared = TestFolder::new();
        fs::write(shared.0.join("something"), "").unwrap();
        open_up(&shared.0, 0o755);
        StateDir::open(&shared.0).unwrap();
        assert_eq!(mode(&shared.0), 0o755, "a folder that holds other things");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_one_clear_line() {
        let folder = TestFolder::new();
        let file = folder.0.join("taken");
        fs::write(&file, "").unwrap();
        let said = StateDir::open(&file.join("state")).unwrap_err().to_string();
        assert!(said.starts_with("cannot write in the state folder"), "{said}");
        assert_eq!(said.lines().count(), 1);
    }

    #[test]
    fn replacing_a_file_leaves_only_the_new_content() {
        let folder = TestFolder::new();
        let state = StateDir::open(&folder.0).unwrap();
        state.replace("note.json", b"a longer first text").unwrap();
        state.replace("note.json", b"second").unwrap();
        assert_eq!(fs::read(state.file("note.json")).unwrap(), b"second");
        assert!(!state.file("note.new").exists());
    }
}

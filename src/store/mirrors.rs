//! What the mirrors of this service's logs hold: a database that holds less was restored from a backup, and may know
//! people who have left since.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io};

use nix::fcntl::OFlag;

use super::{Store, StoreError};
use crate::consent::list::list_of_origin;
use crate::keys::KeyRing;
use crate::trail::checkpoint::{Checkpoint, CheckpointError};
use crate::trail::note::{MAX_BYTES, Note, Signer};

/// The mirrors in one folder: the folder itself, if it is one, and those within it.
pub struct Mirrors(Vec<Mirror>);

struct Mirror {
    /// The list's number, which stands in the log's name.
    list: u32,
    origin: String,
    checkpoint: PathBuf,
    /// The largest size that it was seen at.
    size: AtomicU64,
}

/// Why a folder of mirrors cannot be relied on.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    #[error("{0} cannot be read: {1}")]
    Unreadable(PathBuf, io::Error),
    #[error("{0} is not this service's: {1}")]
    NotOurs(PathBuf, CheckpointError),
    #[error("{0} holds hashes alone, which no replay can use: make the mirror with an auditor's token")]
    NoEntries(PathBuf),
    #[error("{0} holds no mirror: `optin trail mirror` makes one, in a folder within it for each list")]
    None(PathBuf),
}

impl Mirrors {
    /// Finds the mirrors, and checks that the key ring's key has signed each one's checkpoint.
    pub fn open(dir: &Path, keys: &KeyRing) -> Result<Mirrors, MirrorError> {
        let unreadable = |error| MirrorError::Unreadable(dir.to_owned(), error);
        let mut folders = vec![dir.to_owned()];
        for item in fs::read_dir(dir).map_err(unreadable)? {
            let item = item.map_err(unreadable)?;
            // What waits within a mirror to be taken over lies in a hidden folder.
            if !item.file_name().as_encoded_bytes().starts_with(b".") {
                folders.push(item.path());
            }
        }
        let files = folders.into_iter().map(|folder| folder.join("checkpoint")).filter(|file| file.is_file());
        let mirrors: Vec<Mirror> = files.map(|file| open(file, keys)).collect::<Result<_, _>>()?;
        if mirrors.is_empty() { Err(MirrorError::None(dir.to_owned())) } else { Ok(Mirrors(mirrors)) }
    }

    /// The size of a list's log as its mirror has it, 0 where there is no mirror. A mirror that cannot be read any more
    /// has at least what it had.
    pub fn size(&self, list: u32) -> u64 {
        self.0.iter().filter(|mirror| mirror.list == list).map(Mirror::look).max().unwrap_or_default()
    }
}

impl Mirror {
    fn look(&self) -> u64 {
        // Its signature was checked when the service began; who writes here now could only hold letters back.
        let now = read(&self.checkpoint).ok().and_then(|note| {
            let checkpoint = Checkpoint::parse(Note::parse(&note).ok()?.text()).ok()?;
            (checkpoint.origin() == self.origin).then_some(checkpoint.size())
        });
        let now = now.unwrap_or_default();
        self.size.fetch_max(now, Ordering::Relaxed).max(now)
    }
}

fn open(file: PathBuf, keys: &KeyRing) -> Result<Mirror, MirrorError> {
    let bytes = read(&file).map_err(|error| MirrorError::Unreadable(file.clone(), error))?;
    if !file.with_file_name("tile").join("entries").is_dir() {
        return Err(MirrorError::NoEntries(file.with_file_name("")));
    }
    let list = |checkpoint: &Checkpoint| list_of_origin(checkpoint.origin()).ok_or(CheckpointError::Origin);
    match ours(&bytes, keys).and_then(|checkpoint| Ok((list(&checkpoint)?, checkpoint))) {
        Ok((list, checkpoint)) => Ok(Mirror {
            list,
            origin: checkpoint.origin().to_owned(),
            size: AtomicU64::new(checkpoint.size()),
            checkpoint: file,
        }),
        Err(error) => Err(MirrorError::NotOurs(file, error)),
    }
}

/// A checkpoint of any log that this key ring signs.
fn ours(bytes: &[u8], keys: &KeyRing) -> Result<Checkpoint, CheckpointError> {
    let note = Note::parse(bytes)?;
    let checkpoint = Checkpoint::parse(note.text())?;
    let signer = Signer::new(checkpoint.origin(), keys.trail_seed())?;
    Checkpoint::open(&note, checkpoint.origin(), &signer.verifier())
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut bytes = Vec::new();
    // The service waits meanwhile: a pipe that nobody writes to must not hold it up.
    let file = fs::OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(file)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // One byte too many is noticed by the note's reader.
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Store {
    /// Whether nothing may be signed, sent or exported for the list: its log is behind its mirror, or a replay has not
    /// come to its end.
    pub async fn is_held(&self, list: u32) -> Result<bool, StoreError> {
        let trail = self.trail(list).await?;
        let (size, is_replaying) = trail.map_or((0, false), |trail| (trail.newest.size, trail.is_replaying));
        Ok(is_replaying || self.is_behind_its_mirror(list, size))
    }

    pub(super) fn is_behind_its_mirror(&self, list: u32, size: u64) -> bool {
        self.mirrors.as_ref().is_some_and(|mirrors| mirrors.size(list) > size)
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    const NAME: &str = "news.example/trails/1";

    fn ring(byte: u8) -> KeyRing {
        KeyRing::generate(Zeroizing::new([byte; 96]))
    }

    fn note(name: &str, size: u64, ring: &KeyRing) -> String {
        let signer = Signer::new(name, ring.trail_seed()).unwrap();
        Checkpoint::new(name, size, [7; 32]).unwrap().sign(&signer).unwrap().to_string()
    }

    #[test]
    fn each_mirror_is_found_and_followed_and_one_that_fails_has_what_it_had() {
        let (dir, ring) = (tempfile::tempdir().unwrap(), ring(1));
        assert!(matches!(Mirrors::open(dir.path(), &ring), Err(MirrorError::None(_))));
        let place = dir.path().join("any-name");
        fs::create_dir_all(place.join("tile/entries")).unwrap();
        fs::create_dir_all(dir.path().join("tile/entries")).unwrap();
        fs::write(place.join("checkpoint"), note(NAME, 12, &ring)).unwrap();
        fs::write(dir.path().join("checkpoint"), note("news.example/trails/2", 5, &ring)).unwrap();
        let mirrors = Mirrors::open(dir.path(), &ring).unwrap();
        let sizes = || [1, 2, 3].map(|list| mirrors.size(list));
        assert_eq!(sizes(), [12, 5, 0]);
        fs::write(place.join("checkpoint"), note(NAME, 20, &ring)).unwrap();
        assert_eq!(sizes(), [20, 5, 0]);
        fs::write(place.join("checkpoint"), "what is this?").unwrap();
        assert_eq!(sizes(), [20, 5, 0]);
        fs::remove_dir_all(dir.path()).unwrap();
        assert_eq!(sizes(), [20, 5, 0]);
    }

    #[test]
    fn what_another_key_has_signed_or_nobody_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("checkpoint"), note(NAME, 12, &ring(1))).unwrap();
        assert!(matches!(Mirrors::open(dir.path(), &ring(1)), Err(MirrorError::NoEntries(_))));
        fs::create_dir_all(dir.path().join("tile/entries")).unwrap();
        for text in [note(NAME, 12, &ring(2)), "what is this?".to_owned(), String::new()] {
            fs::write(dir.path().join("checkpoint"), text).unwrap();
            assert!(matches!(Mirrors::open(dir.path(), &ring(1)), Err(MirrorError::NotOurs(..))));
        }
        let missing = dir.path().join("nothing");
        assert!(matches!(Mirrors::open(&missing, &ring(1)), Err(MirrorError::Unreadable(..))));
    }

    /// A pipe that nobody writes to would hold up whoever opens it, and with them the service.
    #[test]
    fn a_mirror_that_has_become_a_pipe_holds_nobody_up() {
        use nix::sys::stat::Mode;
        let (dir, ring) = (tempfile::tempdir().unwrap(), ring(1));
        fs::create_dir_all(dir.path().join("tile/entries")).unwrap();
        let file = dir.path().join("checkpoint");
        fs::write(&file, note(NAME, 12, &ring)).unwrap();
        let mirrors = Mirrors::open(dir.path(), &ring).unwrap();
        fs::remove_file(&file).unwrap();
        nix::unistd::mkfifo(&file, Mode::S_IRWXU).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(mirrors.size(1)));
        assert_eq!(told.recv_timeout(std::time::Duration::from_secs(10)), Ok(12));
    }

    /// What a mirror has not taken over yet may be cut short, and is not what can be replayed.
    #[test]
    fn what_waits_within_a_mirror_is_no_mirror() {
        let (dir, ring) = (tempfile::tempdir().unwrap(), ring(1));
        fs::write(dir.path().join("checkpoint"), note(NAME, 12, &ring)).unwrap();
        fs::create_dir(dir.path().join(".half")).unwrap();
        fs::create_dir_all(dir.path().join("tile/entries")).unwrap();
        for half in [note(NAME, 20, &ring), "cut sho".to_owned()] {
            fs::write(dir.path().join(".half/checkpoint"), half).unwrap();
            assert_eq!(Mirrors::open(dir.path(), &ring).unwrap().size(1), 12);
        }
    }
}

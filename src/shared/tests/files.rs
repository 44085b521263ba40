//! Files: made, attached, refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::super::layout::{BYTES_MIN, FORMAT, word};
use super::super::{HostTier, file};
use super::samples::{NOW, TIMES, key, of, owner};
use crate::base::settings::{Place, Shared};

/// A folder that is removed in the end.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Folder {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/dev/shm/sesscache-test-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        Folder(path)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) fn open(path: &Path) -> Result<HostTier, String> {
    HostTier::open(&Shared::at(Place::File { path: path.into(), bytes: BYTES_MIN }), NOW)
}

fn refusal(path: &Path) -> String {
    match open(path) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[test]
fn two_that_open_a_file_share_it_and_one_that_comes_later_too() {
    let folder = Folder::new();
    let path = folder.path("region");
    let (one, two) = (open(&path).unwrap(), open(&path).unwrap());
    one.put(&owner("a"), &key(1), b"session", TIMES, false).unwrap();
    assert_eq!(&two.get(of("a"), &key(1), NOW, false).unwrap().der[..], b"session");
    drop((one, two));
    assert!(open(&path).unwrap().get(of("a"), &key(1), NOW, false).is_some());
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.mode() & 0o777, found.len()), (0o600, BYTES_MIN));
    assert!(found.blocks() * 512 >= BYTES_MIN);
    assert_eq!(fs::metadata(folder.path("region.key")).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn many_that_open_it_at_once_share_one() {
    let folder = Folder::new();
    for round in 0..20 {
        let path = folder.path(&format!("region{round}"));
        if round % 2 == 1 {
            fs::write(&path, b"").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        }
        let open = || open(&path).unwrap();
        let tiers: Vec<HostTier> = std::thread::scope(|threads| {
            let all: Vec<_> = (0..4).map(|_| threads.spawn(open)).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        tiers[0].put(&owner("a"), &key(1), b"session", TIMES, false).unwrap();
        let sees = |tier: &HostTier| tier.get(of("a"), &key(1), NOW, false).is_some();
        assert!(tiers.iter().all(sees), "round {round}");
    }
}

#[test]
fn nothing_secret_stands_in_the_file() {
    let folder = Folder::new();
    let path = folder.path("region");
    let tier = open(&path).unwrap();
    let (id, der) = ([0xa7; 32], b"master key, master key, master key".repeat(3));
    let key = crate::cache::SessionKey::new(0x0303, &id).unwrap();
    tier.put(&owner("a"), &key, &der, TIMES, false).unwrap();
    let bytes = fs::read(&path).unwrap();
    let secret = fs::read_to_string(folder.path("region.key")).unwrap();
    for part in [&der[..10], &id[..8], &secret.as_bytes()[..16]] {
        assert!(!bytes.windows(part.len()).any(|window| window == part));
    }
    assert!(bytes.windows(8).any(|window| window == NOW.to_le_bytes()));
}

#[test]
fn another_key_means_misses() {
    let folder = Folder::new();
    let path = folder.path("region");
    open(&path).unwrap().put(&owner("a"), &key(1), b"session", TIMES, false).unwrap();
    fs::rename(folder.path("region.key"), folder.path("old")).unwrap();
    assert!(open(&path).unwrap().get(of("a"), &key(1), NOW, false).is_none());
    fs::rename(folder.path("old"), folder.path("region.key")).unwrap();
    assert!(open(&path).unwrap().get(of("a"), &key(1), NOW, false).is_some());
}

#[test]
fn what_was_a_region_or_is_empty_is_replaced_and_not_touched() {
    let folder = Folder::new();
    let path = folder.path("region");
    drop(open(&path).unwrap());
    let mut older = fs::read(&path).unwrap();
    older[word::FORMAT * 8..][..8].copy_from_slice(&0_u64.to_ne_bytes());
    for former in [&b""[..], &older[..4096], &older] {
        fs::remove_file(&path).unwrap();
        fs::write(&path, former).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let old = fs::File::open(&path).unwrap();
        let tier = open(&path).unwrap();
        assert!(tier.put(&owner("a"), &key(1), b"session", TIMES, false).is_some());
        assert_ne!(old.metadata().unwrap().ino(), fs::metadata(&path).unwrap().ino());
        assert_eq!(old.metadata().unwrap().len(), former.len() as u64);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
    }
}

#[test]
fn what_never_was_a_region_is_left_alone() {
    let folder = Folder::new();
    let path = folder.path("database");
    for foreign in [&b"short"[..], &vec![0x5a; BYTES_MIN as usize], &vec![0; BYTES_MIN as usize]] {
        fs::write(&path, foreign).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(refusal(&path).contains("left alone"));
        assert_eq!(fs::read(&path).unwrap(), foreign);
    }
}

#[test]
fn the_folders_behind_a_link_are_looked_at() {
    let folder = Folder::new();
    let open_to_all = folder.path("open");
    fs::create_dir(&open_to_all).unwrap();
    fs::create_dir(open_to_all.join("inner")).unwrap();
    fs::set_permissions(&open_to_all, Permissions::from_mode(0o777)).unwrap();
    symlink(open_to_all.join("inner"), folder.path("link")).unwrap();
    assert!(refusal(&folder.path("link/region")).contains("others may rename"));
}

/// Whoever owns a link can have it lead elsewhere tomorrow.
#[test]
fn a_link_of_another_user_is_not_followed() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = Folder::new();
    fs::create_dir(folder.path("real")).unwrap();
    let link = folder.path("link");
    symlink(folder.path("real"), &link).unwrap();
    drop(open(&folder.path("link/region")).unwrap());
    std::os::unix::fs::lchown(&link, Some(65534), None).unwrap();
    assert!(refusal(&folder.path("link/other")).contains("belongs to another user"));
}

#[test]
fn a_truncated_or_holed_region_is_replaced() {
    let folder = Folder::new();
    let path = folder.path("region");
    drop(open(&path).unwrap());
    for bytes in [BYTES_MIN / 2, BYTES_MIN - 8] {
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(bytes).unwrap();
        // The same length again, but with a hole.
        file.set_len(BYTES_MIN).unwrap();
        drop(open(&path).unwrap());
        let found = fs::metadata(&path).unwrap();
        assert!(found.len() == BYTES_MIN && found.blocks() * 512 >= BYTES_MIN);
    }
}

#[test]
fn an_existing_region_keeps_its_size() {
    let folder = Folder::new();
    let path = folder.path("region");
    drop(file::open(&path, 4 * BYTES_MIN, NOW).unwrap());
    assert_eq!(file::open(&path, BYTES_MIN, NOW).unwrap().layout.bytes, 4 * BYTES_MIN);
}

#[test]
fn a_newer_format_is_left_alone() {
    let folder = Folder::new();
    let path = folder.path("region");
    drop(open(&path).unwrap());
    let mut bytes = fs::read(&path).unwrap();
    bytes[word::FORMAT * 8..][..8].copy_from_slice(&(FORMAT + 1).to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    assert!(refusal(&path).contains("later release"));
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn what_others_could_have_put_there_is_refused() {
    let folder = Folder::new();
    let path = folder.path("region");
    drop(open(&path).unwrap());
    fs::set_permissions(&path, Permissions::from_mode(0o606)).unwrap();
    assert!(refusal(&path).contains("open to everybody"));
    fs::set_permissions(&path, Permissions::from_mode(0o660)).unwrap();
    drop(open(&path).unwrap());

    let link = folder.path("link");
    symlink(&path, &link).unwrap();
    assert!(refusal(&link).contains("cannot be opened"));
    fs::create_dir(folder.path("folder")).unwrap();
    assert!(refusal(&folder.path("folder")).contains("cannot be opened"));
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert!(refusal(&folder.path("pipe")).contains("not a regular file"));

    fs::set_permissions(&folder.0, Permissions::from_mode(0o777)).unwrap();
    assert!(refusal(&path).contains("others may rename"));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = Folder::new();
    let error = refusal(&folder.path("none/region"));
    assert!(error.contains("none") && error.contains("cannot be read"), "{error}");
}

#[test]
fn a_size_that_cannot_be_had_is_refused() {
    let folder = Folder::new();
    for (bytes, expected) in [(BYTES_MIN - 1, "too small"), (1 << 37, "cannot be allocated")] {
        let place = Place::File { path: folder.path("region"), bytes };
        let error = HostTier::open(&Shared::at(place), NOW).err().unwrap();
        assert!(error.contains(expected), "{error}");
    }
    // Nothing is left behind but the key.
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
}

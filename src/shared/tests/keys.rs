//! The key file: read, read again, refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::super::{Counter, HostTier, keys};
use super::files::Folder;
use super::samples::{NOW, TIMES, key, of, owner};
use crate::base::settings::{Place, Shared};

fn write(path: &Path, lines: &[&str]) {
    // Another file each time, as an editor or a deployment does it.
    let aside = path.with_extension("new");
    fs::write(&aside, lines.concat()).unwrap();
    fs::set_permissions(&aside, Permissions::from_mode(0o600)).unwrap();
    fs::rename(&aside, path).unwrap();
}

fn open(folder: &Folder) -> Result<HostTier, String> {
    let place = Place::File { path: folder.path("region"), bytes: 1 << 20 };
    HostTier::open(&Shared { key_file: Some(folder.path("keys")), ..Shared::at(place) }, NOW)
}

fn finds(tier: &HostTier, number: u8) -> bool {
    tier.get(of("a"), &key(number), NOW, false).is_some()
}

#[test]
fn keys_are_rotated_without_losing_sessions() {
    let folder = Folder::new();
    let path = folder.path("keys");
    let (old, new) = (keys::encode(&keys::random().unwrap()), keys::encode(&keys::random().unwrap()));
    write(&path, &[&old]);
    let (one, two) = (open(&folder).unwrap(), open(&folder).unwrap());
    one.put(&owner("a"), &key(1), b"under the old key", TIMES, false).unwrap();

    // First every process learns the new key, then it seals, then the old one goes.
    write(&path, &[&old, &new]);
    two.look_at_keys(NOW + 59, false);
    one.look_at_keys(NOW + 60, false);
    write(&path, &[&new, &old]);
    one.look_at_keys(NOW + 60, true);
    one.put(&owner("a"), &key(2), b"under the new key", TIMES, false).unwrap();
    assert!(finds(&one, 1) && finds(&one, 2));
    assert!(finds(&two, 1) && !finds(&two, 2));
    two.look_at_keys(NOW + 61, false);
    assert!(finds(&two, 1) && finds(&two, 2));

    let again = two.get(of("a"), &key(1), NOW, false).unwrap().again.unwrap();
    assert!(two.is_found_again(&again, of("a"), NOW));
    write(&path, &[&new]);
    two.look_at_keys(NOW + 200, false);
    assert!(!finds(&two, 1) && finds(&two, 2));
    assert!(!two.is_found_again(&again, of("a"), NOW));
    // Both lookups before this one were by a process that did not have the newer key yet.
    assert_eq!((two.counted(Counter::KeyGone), two.counted(Counter::Unknown)), (1, 1));
    // What one of them removes is gone under whichever key it was sealed.
    one.remove(&key(1));
    one.remove(&key(2));
    assert!(!finds(&one, 1) && !finds(&two, 2));
}

#[test]
fn a_key_file_that_goes_or_spoils_changes_nothing() {
    let folder = Folder::new();
    let path = folder.path("keys");
    let key_line = keys::encode(&keys::random().unwrap());
    write(&path, &[&key_line]);
    let tier = open(&folder).unwrap();
    tier.put(&owner("a"), &key(1), b"session", TIMES, false).unwrap();
    for lines in [&["nonsense\n"][..], &[], &["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"]] {
        write(&path, lines);
        tier.look_at_keys(NOW, true);
        assert!(finds(&tier, 1));
    }
    fs::remove_file(&path).unwrap();
    tier.look_at_keys(NOW, true);
    assert!(finds(&tier, 1));
}

#[test]
fn a_key_file_that_cannot_be_trusted_is_refused() {
    let folder = Folder::new();
    let path = folder.path("keys");
    assert!(open(&folder).err().unwrap().contains("cannot be opened"));
    write(&path, &["AQEB\n"]);
    assert!(open(&folder).err().unwrap().contains("line 1 is not a key"));
    write(&path, &[&keys::encode(&keys::random().unwrap())]);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert!(open(&folder).err().unwrap().contains("read by everybody"));
    fs::set_permissions(&path, Permissions::from_mode(0o660)).unwrap();
    assert!(open(&folder).err().unwrap().contains("written by a group"));
}

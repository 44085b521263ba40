//! Processes that may not make the region, or not open it.

use std::ffi::{CStr, CString};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use crate::process::Child;
use crate::{Folder, content, id};

const NOBODY: u32 = 65534;

/// A file beyond the process's limit would be a signal that ends it; a region that is there needs no room.
pub(crate) fn no_file_as_large_as_that_may_be_made() {
    let made = Folder::new("limit-made");
    assert!(made.region("1M").unwrap().put(&id(1), &content(1), 300, false));
    let folder = Folder::new("limit");
    let limited = |bytes: u64, check: &dyn Fn()| {
        Child::start(|| {
            let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
            // SAFETY: a structure of our own; concerns this child.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
            check();
        })
        .finish();
    };
    for bytes in [0, 4096, (1 << 20) - 1] {
        limited(bytes, &|| {
            let error = folder.region("1M").err().unwrap();
            assert!(error.contains("more than this process may make"), "{error}");
            let there = made.region("1M").unwrap();
            assert_eq!(there.get(&id(1), false), Some(content(1)));
            assert!(there.put(&id(2), &content(2), 300, false));
        });
    }
    limited(1 << 20, &|| assert!(folder.region("1M").unwrap().put(&id(1), &content(1), 300, false)));
}

/// A full filesystem is a sentence at the start, and no signal later: the space is there before the region has its name.
pub(crate) fn the_disk_is_full() {
    if !is_root() {
        return;
    }
    let folder = Folder::new("full");
    Child::start(|| {
        // SAFETY: concerns this child.
        if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
            println!("  (without a full filesystem: this system lets no process mount one)");
            return;
        }
        // What is mounted here stays in this child's own view of the system.
        assert!(mount(Path::new("/"), c"none", libc::MS_REC | libc::MS_PRIVATE, c""));
        assert!(mount(&folder.path, c"tmpfs", 0, c"size=2M,mode=700"));
        let error = folder.region("3M").err().unwrap();
        assert!(error.contains("cannot be allocated"), "{error}");
        assert!(!folder.path.join("region").exists());
        let region = folder.region("1M").unwrap();
        fs::write(folder.path.join("rest"), vec![1; 2 << 20]).unwrap_err();
        // The ring comes round on a disk without a byte left.
        assert!((0..5000).all(|number| region.put(&id(number), &content(number), 300, false)));
        assert_eq!(region.get(&id(4999), false), Some(content(4999)));
        drop(region);
        assert!(mount(&folder.path, c"tmpfs", libc::MS_REMOUNT | libc::MS_RDONLY, c""));
        let error = folder.region("1M").err().unwrap();
        assert!(error.contains("Read-only"), "{error}");
    })
    .finish();
}

/// Nothing of another user's is opened, in either direction, and nothing that may only be read.
pub(crate) fn another_users_and_read_only_files() {
    let folder = Folder::new("users");
    drop(folder.region("1M").unwrap());
    let file = folder.path.join("region");
    if !is_root() {
        fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(folder.region("1M").err().unwrap().contains("reading and writing"));
        return;
    }
    let refused = |expected: &str| {
        Child::start(|| {
            become_nobody();
            let error = folder.region("1M").err().unwrap();
            assert!(error.contains(expected), "{error}");
        })
        .finish();
    };
    // Root's, with its key, in a folder that others may enter.
    fs::set_permissions(&folder.path, fs::Permissions::from_mode(0o711)).unwrap();
    refused("region.key: cannot be opened: Permission denied");
    give(&folder.path.join("region.key"), NOBODY);
    refused("region: cannot be opened for reading and writing: Permission denied");
    // Its own, but for reading only.
    give(&file, NOBODY);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    refused("region: cannot be opened for reading and writing: Permission denied");
    // A third user's, which its group may write.
    give(&file, NOBODY - 1);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o660)).unwrap();
    refused("region: belongs to another user");
    // Root takes nothing that another user could have prepared.
    give(&file, NOBODY);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    give(&folder.path.join("region.key"), 0);
    assert!(folder.region("1M").err().unwrap().contains("region: belongs to another user"));
    give(&folder.path.join("region.key"), NOBODY);
    assert!(folder.region("1M").err().unwrap().contains("region.key: belongs to another user"));
    // What is root's and open to a group is shared with its members.
    give(&file, 0);
    give(&folder.path.join("region.key"), 0);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o660)).unwrap();
    fs::set_permissions(folder.path.join("region.key"), fs::Permissions::from_mode(0o640)).unwrap();
    let region = folder.region("1M").unwrap();
    Child::start(|| {
        become_nobody();
        assert!(folder.region("1M").unwrap().put(&id(7), &content(7), 300, false));
    })
    .finish();
    assert_eq!(region.get(&id(7), false), Some(content(7)));
}

fn is_root() -> bool {
    // SAFETY: takes nothing.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        println!("  (only in part: not root)");
    }
    root
}

/// Another user, and its group the file's.
fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(NOBODY)).unwrap();
}

fn become_nobody() {
    // SAFETY: an empty list.
    assert_eq!(unsafe { libc::setgroups(0, std::ptr::null()) }, 0);
    // SAFETY: takes a number.
    assert_eq!(unsafe { libc::setgid(NOBODY) }, 0);
    // SAFETY: takes a number.
    assert_eq!(unsafe { libc::setuid(NOBODY) }, 0);
}

fn mount(at: &Path, kind: &CStr, flags: libc::c_ulong, options: &CStr) -> bool {
    let at = CString::new(at.as_os_str().as_encoded_bytes()).unwrap();
    // SAFETY: strings that end with NUL.
    unsafe { libc::mount(c"none".as_ptr(), at.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast()) == 0 }
}

//! Many processes at once, and processes that have little left.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sesscache::tools::Region;

use crate::process::Child;
use crate::{Folder, anonymous, content, id, number};

/// Unrelated processes that find nothing, or an empty file, and make the region.
pub(crate) fn processes_that_attach_at_once_share_one() {
    const PROCESSES: u32 = 8;
    for round in 0..number("SESSCACHE_STORM", 200) / 20 {
        let folder = Folder::new("attach");
        if round % 2 == 1 {
            let path = folder.path.join("region");
            fs::write(&path, b"").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let children: Vec<Child> = (0..PROCESSES)
            .map(|number| {
                Child::start(|| {
                    let region = folder.region("1M").unwrap();
                    assert!(region.put(&id(number), &content(number), 300, false));
                })
            })
            .collect();
        children.into_iter().for_each(Child::finish);
        let region = folder.region("1M").unwrap();
        for number in 0..PROCESSES {
            assert_eq!(region.get(&id(number), false), Some(content(number)), "round {round}");
        }
    }
}

/// Workers that come and go: each finds what all before it have left.
pub(crate) fn a_storm_of_forks() {
    let forks = number("SESSCACHE_STORM", 200);
    let region = anonymous("8M");
    for wave in (0..forks).step_by(10) {
        let children: Vec<Child> = (wave..forks.min(wave + 10))
            .map(|number| {
                let region = &region;
                Child::start(move || {
                    assert!(region.put(&id(number), &content(number), 300, false));
                    assert!(
                        (0..wave).all(|earlier| region.get(&id(earlier), false) == Some(content(earlier)))
                    );
                })
            })
            .collect();
        children.into_iter().for_each(Child::finish);
    }
}

/// Where there is no room for the mapping there is a sentence, and no more.
pub(crate) fn little_address_space() {
    let folder = Folder::new("space");
    Child::start(|| {
        let limit = libc::rlimit { rlim_cur: 64 << 20, rlim_max: 64 << 20 };
        // SAFETY: a structure of our own; concerns this child.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
        let error = folder.region("256M").err().unwrap();
        assert!(error.contains("mapped"), "{error}");
        let open = |place: &str| Region::open(|name| (name == "SESSCACHE_SHARED").then(|| place.to_owned()));
        let error = open("anon:256M").err().unwrap();
        assert!(error.contains("mapped"), "{error}");
        assert!(open("anon:1M").is_ok());
    })
    .finish();
}

/// A worker in a chroot, with another user's rights, without a descriptor or an environment, goes on with what it has mapped.
pub(crate) fn privileges_dropped_and_descriptors_closed() {
    // SAFETY: takes nothing.
    if unsafe { libc::geteuid() } != 0 {
        println!("  (without chroot and setuid: not root)");
    }
    let folder = Folder::new("jail");
    let region = folder.region("1M").unwrap();
    assert!(region.put(&id(1), &content(1), 300, false));
    Child::start(|| {
        // SAFETY: takes nothing.
        if unsafe { libc::geteuid() } == 0 {
            let path = std::ffi::CString::new(folder.path.as_os_str().as_encoded_bytes()).unwrap();
            // SAFETY: a path that ends with NUL.
            assert_eq!(unsafe { libc::chroot(path.as_ptr()) }, 0);
            // SAFETY: takes a number.
            assert_eq!(unsafe { libc::setgid(65534) }, 0);
            // SAFETY: takes a number.
            assert_eq!(unsafe { libc::setuid(65534) }, 0);
        }
        // SAFETY: whatever is open, nothing of ours depends on it.
        unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
        // SAFETY: this child has one thread.
        unsafe { libc::clearenv() };
        assert_eq!(region.get(&id(1), false), Some(content(1)));
        assert!(region.put(&id(2), &content(2), 300, false));
    })
    .finish();
    assert_eq!(region.get(&id(2), false), Some(content(2)));
}

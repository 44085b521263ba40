//! Which libssl this is, and which of the rules that differ between versions it follows.

/// A release of OpenSSL whose session cache we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u64);

impl Version {
    pub(crate) const V1_1_1: Version = Version(0x1010_1000);
    pub(crate) const V3_0: Version = Version(0x3000_0000);
    pub(crate) const V3_2: Version = Version(0x3020_0000);
    pub(crate) const V4_0: Version = Version(0x4000_0000);
    const V4_1: Version = Version(0x4010_0000);
    const V1_1_2: Version = Version(0x1010_2000);

    /// `OpenSSL_version_num()` of a release that we know; `None` for forks and for what came later.
    pub(crate) fn known(number: u64) -> Option<Version> {
        let version = Version(number);
        let old = (Version::V1_1_1..Version::V1_1_2).contains(&version);
        let new = (Version::V3_0..Version::V4_1).contains(&version);
        (old || new).then_some(version)
    }

    /// What is asked of a context by a callback that runs under its write lock is refused: up to 3.6 by the remove callback for
    /// an eviction or a flush, and by whatever frees a session's data there. (1.1.1 ignores that it cannot take the lock again.)
    pub(crate) fn refuses_reentry(self) -> bool {
        self >= Version::V3_0
    }

    /// Victims are all unlinked first and called back afterwards, the last one first.
    pub(crate) fn removes_in_batches(self) -> bool {
        self >= Version::V4_0
    }

    /// A flush lets go of its sessions only after the last callback.
    pub(crate) fn flush_frees_at_the_end(self) -> bool {
        (Version::V3_0..Version::V4_0).contains(&self)
    }

    /// A get callback's session that is marked not resumable is a miss.
    pub(crate) fn tests_resumable(self) -> bool {
        self >= Version::V3_0
    }

    /// `SSL_SESS_CACHE_UPDATE_TIME` means something.
    pub(crate) fn updates_time(self) -> bool {
        self >= Version::V3_0
    }

    /// `SSL_SESSION_set_time` and `set_timeout` move a stored session to its new place.
    pub(crate) fn repositions(self) -> bool {
        self >= Version::V3_0
    }

    /// The time of a flush is converted to unsigned nanoseconds: a negative one becomes a very late one.
    pub(crate) fn flushes_by_nanoseconds(self) -> bool {
        self >= Version::V3_2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_known_and_strangers_are_not() {
        for number in [0x1010_117f, 0x3000_0130, 0x3050_0070, 0x3060_0030, 0x4000_0030] {
            assert!(Version::known(number).is_some(), "{number:x}");
        }
        // LibreSSL and BoringSSL, 1.1.0, a future 4.1 and 5.0.
        for number in [0x2000_0000, 0x1010_0fff, 0x4010_0000, 0x5000_0000, 0] {
            assert!(Version::known(number).is_none(), "{number:x}");
        }
    }

    #[test]
    fn the_rules_change_where_openssl_changed_them() {
        let [v111, v30, v35, v40] =
            [0x1010_117f, 0x3000_0130, 0x3050_0070, 0x4000_0030].map(|n| Version::known(n).unwrap());
        assert_eq!([v111, v30, v35, v40].map(Version::refuses_reentry), [false, true, true, true]);
        assert_eq!([v111, v30, v35, v40].map(Version::removes_in_batches), [false, false, false, true]);
        assert_eq!([v111, v30, v35, v40].map(Version::flushes_by_nanoseconds), [false, false, true, true]);
        assert_eq!([v111, v30, v35, v40].map(Version::tests_resumable), [false, true, true, true]);
    }
}

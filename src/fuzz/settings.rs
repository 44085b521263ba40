//! Settings out of arbitrary texts of the environment.

use super::bytes::Bytes;
use crate::base::log::Target;
use crate::base::settings::{Place, Settings};

/// Each complaint names its variable and stands for a default; what is accepted is a meaning of the text.
pub fn settings(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let present = bytes.byte();
    let texts = [bytes.text(), bytes.text(), bytes.text(), bytes.text(), bytes.text(), bytes.rest()]
        .map(String::from_utf8_lossy);
    let names = [
        "SESSCACHE_DISABLE",
        "SESSCACHE_NEW_CB_ZERO",
        "SESSCACHE_SHARED",
        "SESSCACHE_KEY_FILE",
        "SESSCACHE_MAX_LIFETIME",
        "SESSCACHE_LOG",
    ];
    let variable = |name: &str| {
        let at = names.iter().position(|known| *known == name)?;
        (present >> at & 1 == 1).then(|| texts.get(at).map(|text| text.clone().into_owned()))?
    };
    let (read, complaints) = Settings::read(variable);
    let defaults = Settings::default();
    for complaint in &complaints {
        assert!(names.iter().any(|name| complaint.starts_with(name)), "{complaint:?} names no variable");
        assert!(!complaint.contains('\n'), "{complaint:?} is more than one line");
    }
    let complains = |name: &str| complaints.iter().any(|complaint| complaint.starts_with(name));
    assert!(!(read.disabled && variable("SESSCACHE_DISABLE").as_deref() != Some("1")));
    assert!(!complains("SESSCACHE_NEW_CB_ZERO") || read.new_cb_zero == defaults.new_cb_zero);
    if complains("SESSCACHE_LOG") || variable("SESSCACHE_LOG").is_none() {
        assert!(read.log_target == defaults.log_target && read.log_level == defaults.log_level);
    }
    assert!(!complains("SESSCACHE_SHARED") || read.shared.is_none());
    if let Some(shared) = &read.shared {
        assert!(shared.max_lifetime > 0 && shared.key_file.as_ref().is_none_or(|path| path.is_absolute()));
        if let Place::File { path, .. } = &shared.place {
            assert!(path.is_absolute(), "a region at {}", path.display());
        }
    }
    if let Target::File(path) = &read.log_target {
        assert!(path.is_absolute(), "a log at {}", path.display());
    }
}

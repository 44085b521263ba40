//! What the operator asked for, read from the environment once.
//!
//! Reading the environment is the caller's business (it has to be `secure_getenv`); here are only the
//! names, the values and what is said about a value that cannot be used.

use std::path::PathBuf;

use super::log::{Level, Target};

/// Everything the environment can set in this profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `SESSCACHE_DISABLE=1`: every function passes straight to libssl.
    pub(crate) disabled: bool,
    /// `SESSCACHE_NEW_CB_ZERO`: what a new callback's 0 means.
    pub(crate) new_cb_zero: NewCbZero,
    /// `SESSCACHE_LOG`, first part.
    pub(crate) log_target: Target,
    /// `SESSCACHE_LOG`, the part behind the colon.
    pub(crate) log_level: Level,
    /// `SESSCACHE_SHARED` and what belongs to it: one cache for all processes of the machine.
    pub(crate) shared: Option<Shared>,
}

/// The shared profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shared {
    /// `SESSCACHE_SHARED`.
    pub(crate) place: Place,
    /// `SESSCACHE_KEY_FILE`.
    pub(crate) key_file: Option<PathBuf>,
    /// `SESSCACHE_SCOPE`.
    pub(crate) scope: String,
    /// `SESSCACHE_MAX_LIFETIME`, in seconds.
    pub(crate) max_lifetime: i64,
    /// `SESSCACHE_TICKETS=stateful`: no tickets that bypass the cache.
    pub(crate) stateful_tickets: bool,
    /// `SESSCACHE_EX_DATA=share`: sessions of a program that keeps data on them are shared all the same, without it.
    pub(crate) shares_ex_data: bool,
}

#[cfg(any(test, feature = "fuzzing"))]
impl Shared {
    /// A region there, and nothing else set but a lifetime of 1000 seconds.
    pub(crate) fn at(place: Place) -> Shared {
        Shared {
            place,
            key_file: None,
            scope: String::new(),
            max_lifetime: 1000,
            stateful_tickets: false,
            shares_ex_data: false,
        }
    }
}

/// Where the shared region is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Anonymous { bytes: u64 },
    File { path: PathBuf, bytes: u64 },
}

/// What becomes of a stored session whose new callback returned 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewCbZero {
    /// It stays, as in every OpenSSL.
    Keep,
    /// It leaves the cache, as the manual page says.
    Remove,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            disabled: false,
            new_cb_zero: NewCbZero::Keep,
            log_target: Target::Stderr,
            log_level: Level::Warn,
            shared: None,
        }
    }
}

impl Settings {
    /// Reads the settings through `variable`; each sentence in the second value is a complaint for the log.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> (Settings, Vec<String>) {
        let mut settings = Settings::default();
        let mut complaints = Vec::new();
        if let Some(text) = variable("SESSCACHE_DISABLE") {
            match text.as_str() {
                "1" => settings.disabled = true,
                "0" | "" => {}
                other => complaints.push(unusable("SESSCACHE_DISABLE", other, "1 or 0", "0")),
            }
        }
        if let Some(text) = variable("SESSCACHE_NEW_CB_ZERO") {
            match text.as_str() {
                "remove" => settings.new_cb_zero = NewCbZero::Remove,
                "keep" | "" => {}
                other => complaints.push(unusable("SESSCACHE_NEW_CB_ZERO", other, "keep or remove", "keep")),
            }
        }
        if let Some(text) = variable("SESSCACHE_LOG") {
            match parse_log(&text) {
                Some((target, level)) => (settings.log_target, settings.log_level) = (target, level),
                None => complaints.push(unusable(
                    "SESSCACHE_LOG",
                    &text,
                    "off, stderr or an absolute path, each with :error, :warn, :info or :debug behind it",
                    "stderr:warn",
                )),
            }
        }
        settings.shared = read_shared(&variable, &mut complaints);
        (settings, complaints)
    }
}

/// A region of this size holds some hundred thousand sessions, and fits into a container's 64 MiB of /dev/shm.
const DEFAULT_BYTES: u64 = 32 << 20;
const DEFAULT_LIFETIME: i64 = 24 * 3600;

fn read_shared(variable: &impl Fn(&str) -> Option<String>, complaints: &mut Vec<String>) -> Option<Shared> {
    let text = variable("SESSCACHE_SHARED").filter(|text| !text.is_empty())?;
    let Some(place) = parse_place(&text) else {
        let wanted = "anon or an absolute path, each with a size like :64M behind it";
        complaints.push(unusable("SESSCACHE_SHARED", &text, wanted, "no shared cache"));
        return None;
    };
    let value = |name: &str| variable(name).filter(|text| !text.is_empty());
    let key_file = value("SESSCACHE_KEY_FILE").and_then(|text| match text.starts_with('/') {
        true => Some(PathBuf::from(text)),
        false => {
            complaints.push(unusable("SESSCACHE_KEY_FILE", &text, "an absolute path", "a key of its own"));
            None
        }
    });
    let max_lifetime = value("SESSCACHE_MAX_LIFETIME").map_or(DEFAULT_LIFETIME, |text| {
        parse_duration(&text).unwrap_or_else(|| {
            let wanted = "a duration like 24h, 90m or 3600";
            complaints.push(unusable("SESSCACHE_MAX_LIFETIME", &text, wanted, "24h"));
            DEFAULT_LIFETIME
        })
    });
    let mut one_of = |name: &str, usual: &str, other: &str| match value(name).as_deref() {
        None => false,
        Some(text) if text == usual || text == other => text == other,
        Some(text) => {
            complaints.push(unusable(name, text, &format!("{usual} or {other}"), usual));
            false
        }
    };
    let stateful_tickets = one_of("SESSCACHE_TICKETS", "keep", "stateful");
    let shares_ex_data = one_of("SESSCACHE_EX_DATA", "refuse", "share");
    let scope = variable("SESSCACHE_SCOPE").unwrap_or_default();
    Some(Shared { place, key_file, scope, max_lifetime, stateful_tickets, shares_ex_data })
}

fn parse_place(text: &str) -> Option<Place> {
    let (place, bytes) = match text.rsplit_once(':') {
        Some((place, size)) => (place, parse_size(size)?),
        None => (text, DEFAULT_BYTES),
    };
    match place {
        "anon" => Some(Place::Anonymous { bytes }),
        path if path.starts_with('/') => Some(Place::File { path: path.into(), bytes }),
        _ => None,
    }
}

/// A size: bytes, or with K, M or G behind it.
pub fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = match text.strip_suffix(['k', 'K', 'm', 'M', 'g', 'G']) {
        Some(number) => (number, text.get(number.len()..)?),
        None => (text, ""),
    };
    let shift = match unit {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        _ => 30,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A duration: seconds, or with s, m, h or d behind it.
pub fn parse_duration(text: &str) -> Option<i64> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(number) => (number, text.get(number.len()..)?),
        None => (text, "s"),
    };
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 24 * 3600,
    };
    number.parse::<u32>().ok().filter(|number| *number > 0).map(|number| i64::from(number) * seconds)
}

fn unusable(name: &str, value: &str, wanted: &str, used: &str) -> String {
    format!("{name}={value:?} is not usable: it takes {wanted}; using {used}")
}

fn parse_log(text: &str) -> Option<(Target, Level)> {
    let (target, level) = match text.rsplit_once(':') {
        Some((target, level)) => (target, Level::parse(level)?),
        None => (text, Level::Warn),
    };
    let target = match target {
        "off" => Target::Off,
        "stderr" | "" => Target::Stderr,
        path if path.starts_with('/') => Target::File(path.into()),
        _ => return None,
    };
    Some((target, level))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (Settings, Vec<String>) {
        Settings::read(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn nothing_set_means_the_defaults() {
        assert_eq!(read(&[]), (Settings::default(), vec![]));
    }

    #[test]
    fn every_variable_is_understood() {
        let (settings, complaints) = read(&[
            ("SESSCACHE_DISABLE", "1"),
            ("SESSCACHE_NEW_CB_ZERO", "remove"),
            ("SESSCACHE_LOG", "/var/log/sesscache.log:debug"),
        ]);
        assert!(settings.disabled);
        assert_eq!(settings.new_cb_zero, NewCbZero::Remove);
        assert_eq!(settings.log_target, Target::File("/var/log/sesscache.log".into()));
        assert_eq!(settings.log_level, Level::Debug);
        assert!(complaints.is_empty());
    }

    #[test]
    fn a_bad_value_is_named_and_replaced_by_the_default() {
        let (settings, complaints) = read(&[
            ("SESSCACHE_DISABLE", "yes"),
            ("SESSCACHE_NEW_CB_ZERO", "drop"),
            ("SESSCACHE_LOG", "relative/path"),
        ]);
        assert_eq!(settings, Settings::default());
        assert_eq!(complaints.len(), 3);
        assert!(complaints[0].contains("SESSCACHE_DISABLE") && complaints[0].contains("\"yes\""));
    }

    #[test]
    fn the_shared_profile_is_understood() {
        let (settings, complaints) = read(&[
            ("SESSCACHE_SHARED", "/dev/shm/sesscache/web:region:64M"),
            ("SESSCACHE_KEY_FILE", "/etc/sesscache/keys"),
            ("SESSCACHE_SCOPE", "web"),
            ("SESSCACHE_MAX_LIFETIME", "90m"),
            ("SESSCACHE_TICKETS", "stateful"),
            ("SESSCACHE_EX_DATA", "share"),
        ]);
        let place = Place::File { path: "/dev/shm/sesscache/web:region".into(), bytes: 64 << 20 };
        let expected = Shared {
            place,
            key_file: Some("/etc/sesscache/keys".into()),
            scope: "web".to_owned(),
            max_lifetime: 5400,
            stateful_tickets: true,
            shares_ex_data: true,
        };
        assert_eq!((settings.shared, complaints), (Some(expected), vec![]));
        let (settings, _) = read(&[("SESSCACHE_SHARED", "anon")]);
        let shared = settings.shared.unwrap();
        assert_eq!(shared.place, Place::Anonymous { bytes: DEFAULT_BYTES });
        assert_eq!((shared.max_lifetime, shared.stateful_tickets), (DEFAULT_LIFETIME, false));
    }

    #[test]
    fn a_bad_value_of_the_shared_profile_is_named() {
        for text in ["shm", "anon:", "anon:64X", "relative/path", "/path:1M:"] {
            let (settings, complaints) = read(&[("SESSCACHE_SHARED", text)]);
            assert!(settings.shared.is_none() && complaints.len() == 1, "{text}");
        }
        let (settings, complaints) = read(&[
            ("SESSCACHE_SHARED", "anon"),
            ("SESSCACHE_KEY_FILE", "keys"),
            ("SESSCACHE_MAX_LIFETIME", "0"),
            ("SESSCACHE_TICKETS", "none"),
            ("SESSCACHE_EX_DATA", "yes"),
        ]);
        let shared = settings.shared.unwrap();
        assert_eq!((shared.key_file, shared.max_lifetime), (None, DEFAULT_LIFETIME));
        assert!(!shared.stateful_tickets && !shared.shares_ex_data);
        assert_eq!(complaints.len(), 4);
    }

    #[test]
    fn sizes_and_durations_have_units() {
        assert_eq!(
            [parse_size("7"), parse_size("2k"), parse_size("3G")],
            [Some(7), Some(2048), Some(3 << 30)]
        );
        assert_eq!([parse_size(""), parse_size("-1"), parse_size("99999999999G")], [None; 3]);
        assert_eq!([parse_duration("7"), parse_duration("2d")], [Some(7), Some(172_800)]);
        assert_eq!([parse_duration("1w"), parse_duration("-3s"), parse_duration("")], [None; 3]);
    }

    #[test]
    fn a_log_without_a_level_warns_only() {
        assert_eq!(parse_log("off"), Some((Target::Off, Level::Warn)));
        assert_eq!(parse_log("stderr:info"), Some((Target::Stderr, Level::Info)));
        assert_eq!(parse_log("stderr:loud"), None);
    }
}

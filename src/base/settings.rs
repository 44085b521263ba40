//! What the operator asked for, read from the environment once.
//!
//! Reading the environment is the caller's business (it has to be `secure_getenv`); here are only the
//! names, the values and what is said about a value that cannot be used.

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
        (settings, complaints)
    }
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
    fn a_log_without_a_level_warns_only() {
        assert_eq!(parse_log("off"), Some((Target::Off, Level::Warn)));
        assert_eq!(parse_log("stderr:info"), Some((Target::Stderr, Level::Info)));
        assert_eq!(parse_log("stderr:loud"), None);
    }
}

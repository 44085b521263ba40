//! Numbers and times, as people read them.

use std::time::Duration;

/// 1234567 as "1 234 567".
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A size in the unit that suits it.
pub(crate) fn bytes(value: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB"];
    let mut rest = value as f64;
    let mut unit = 0;
    while rest >= 1024.0 && unit + 1 < units.len() {
        rest /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && rest < 10.0 && rest.fract() > 0.05);
    format!("{rest:.digits$} {}", units.get(unit).unwrap_or(&""))
}

/// A duration by its two largest units.
pub(crate) fn duration(seconds: u64) -> String {
    let text = humantime::format_duration(Duration::from_secs(seconds)).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// A part of a whole in per cent, or a dash where there is no whole.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let text = format!("{:.1} %", part as f64 * 100.0 / whole as f64);
    match (part, text.as_str()) {
        _ if whole == 0 => "–".to_owned(),
        // What is not all or nothing does not look like it.
        (_, "100.0 %") if part < whole => "99.9 %".to_owned(),
        (1.., "0.0 %") => "<0.1 %".to_owned(),
        _ => text,
    }
}

/// What others have written, without what a terminal would take for a command.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// A bar of `width` places for a part of a whole, in eighths of a place.
pub(crate) fn bar(part: u64, whole: u64, width: u32) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let share = if whole == 0 { 0.0 } else { (part as f64 / whole as f64).clamp(0.0, 1.0) };
    let eighths = (share * f64::from(width) * 8.0).round() as usize;
    // What is there at all is seen.
    let eighths = if part > 0 { eighths.max(1) } else { eighths };
    "█".repeat(eighths / 8) + EIGHTHS.get(eighths % 8).unwrap_or(&"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1 000", "1 234 567"]);
        assert_eq!([7, 1536, 32 << 20, 5 << 30].map(bytes), ["7 bytes", "1.5 KiB", "32 MiB", "5 GiB"]);
        assert_eq!([0, 61, 3600, 90_061].map(duration), ["0s", "1m 1s", "1h", "1day 1h"]);
        assert_eq!([percent(0, 0), percent(1, 3), percent(3, 3)], ["–", "33.3 %", "100.0 %"]);
        assert_eq!(
            [percent(99_999, 100_000), percent(1, 100_000), percent(0, 9)],
            ["99.9 %", "<0.1 %", "0.0 %"]
        );
    }

    #[test]
    fn nothing_commands_the_terminal() {
        assert_eq!(clean("a\x1b[31m\nb – ü"), "a?[31m?b – ü");
    }

    #[test]
    fn a_bar_is_as_long_as_its_part() {
        assert_eq!([bar(0, 4, 4), bar(1, 4, 4), bar(9, 4, 4)], ["", "█", "████"]);
        assert_eq!([bar(1, 1_000_000, 4), bar(0, 0, 4)], ["▏", ""]);
    }
}

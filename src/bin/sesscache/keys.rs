//! `sesscache keys`: key files, made and changed so that no process ever sees half of one.
//!
//! A remark above each key says when it was made and until when it sealed; without it a key counts as old enough for anything.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use humantime::{format_rfc3339_seconds, parse_rfc3339};
use sesscache::tools::keys::{MOST, new_line, tags, tags_of_file};
use zeroize::Zeroizing;

use crate::arguments::Keys;
use crate::{Exit, place, print, say};

/// By then every process has looked at its key file: it does so once a minute.
const KNOWN_AFTER: Duration = Duration::from_secs(120);
const REMARK: &str = "# sesscache: made ";
const SEALED: &str = ", sealed until ";

pub(crate) fn keys(command: &Keys) -> Result<Exit, String> {
    match command {
        Keys::New { file, group } => new(file, group.as_deref()),
        Keys::Add { file } => change(file, add),
        Keys::Rotate { file, keep, now } => {
            let keep = Duration::from_secs(keep.unsigned_abs());
            change(file, |ring| rotate(ring, keep, *now))
        }
        Keys::Check { file } => check(file),
    }
}

/// One key, with what stands above it.
struct Entry {
    /// Lines of somebody else's, which stay.
    remarks: Vec<Zeroizing<String>>,
    made: Option<SystemTime>,
    sealed_until: Option<SystemTime>,
    line: Zeroizing<String>,
}

impl Entry {
    fn new() -> Result<Entry, String> {
        let line = new_line()?;
        let line = Zeroizing::new(line.trim_end().to_owned());
        Ok(Entry { remarks: Vec::new(), made: Some(SystemTime::now()), sealed_until: None, line })
    }

    fn tag(&self) -> Result<u16, String> {
        tags(&self.line)?.first().copied().ok_or_else(|| "a line has no key".to_owned())
    }
}

/// A key file's keys in their order, and what stands below the last.
struct Ring {
    entries: Vec<Entry>,
    end: Vec<Zeroizing<String>>,
}

impl Ring {
    fn parse(text: &str) -> Result<Ring, String> {
        tags(text)?;
        let mut ring = Ring { entries: Vec::new(), end: Vec::new() };
        let (mut made, mut sealed_until) = (None, None);
        for line in text.lines() {
            let line = line.trim();
            if let Some(remark) = line.strip_prefix(REMARK) {
                let (first, second) =
                    remark.split_once(SEALED).map_or((remark, None), |(first, second)| (first, Some(second)));
                made = parse_rfc3339(first).ok();
                sealed_until = second.and_then(|second| parse_rfc3339(second).ok());
            } else if line.is_empty() || line.starts_with('#') {
                ring.end.push(Zeroizing::new(line.to_owned()));
            } else {
                let remarks = std::mem::take(&mut ring.end);
                ring.entries.push(Entry {
                    remarks,
                    made: made.take(),
                    sealed_until: sealed_until.take(),
                    line: Zeroizing::new(line.to_owned()),
                });
            }
        }
        Ok(ring)
    }

    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(4096));
        for entry in &self.entries {
            entry.remarks.iter().for_each(|remark| push_line(&mut text, remark));
            if let Some(made) = entry.made {
                let sealed =
                    entry.sealed_until.map(|until| format!("{SEALED}{}", format_rfc3339_seconds(until)));
                push_line(
                    &mut text,
                    &format!("{REMARK}{}{}", format_rfc3339_seconds(made), sealed.unwrap_or_default()),
                );
            }
            push_line(&mut text, &entry.line);
        }
        self.end.iter().for_each(|line| push_line(&mut text, line));
        text
    }

    fn push(&mut self, entry: Entry) -> Result<(), String> {
        if self.entries.len() >= MOST {
            return Err(format!(
                "it has {MOST} keys already, and no process takes more: rotate less often, keep them less long (--keep), or remove one that no session needs"
            ));
        }
        self.entries.push(entry);
        Ok(())
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn new(path: &Path, group: Option<&str>) -> Result<Exit, String> {
    let fail = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{} exists: `sesscache keys rotate` has it use another key", path.display())
        }
        _ => format!("{}: {error}", path.display()),
    };
    let group = group.map(place::group).transpose()?;
    let ring = Ring { entries: vec![Entry::new()?], end: Vec::new() };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fail)?;
    let written = file.write_all(ring.text().as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half a key file would be refused by every process.
        let _ = fs::remove_file(path);
        return Err(fail(error));
    }
    if let Some(group) = group {
        place::give_to(path, &group, 0o640)?;
    }
    print(&format!("{}: made, with one key\n", path.display()))
}

/// Changes a file as a whole, and says what has become of it.
fn change(path: &Path, work: impl FnOnce(&mut Ring) -> Result<String, String>) -> Result<Exit, String> {
    let fail = |what: String| format!("{}: {what}", path.display());
    // A link stays one: it is the file behind it that is replaced.
    let path = path.canonicalize().map_err(|error| fail(error.to_string()))?;
    let mut file = File::open(&path).map_err(|error| fail(error.to_string()))?;
    file.try_lock().map_err(|_| fail("somebody else is changing it".to_owned()))?;
    // Between opening and locking it may have been replaced.
    let is_same =
        |there: fs::Metadata, ours: fs::Metadata| (there.dev(), there.ino()) == (ours.dev(), ours.ino());
    if !fs::metadata(&path).and_then(|there| Ok(is_same(there, file.metadata()?))).unwrap_or(false) {
        return Err(fail("somebody else has just changed it: try again".to_owned()));
    }
    let mut text = Zeroizing::new(String::with_capacity(64 << 10));
    file.read_to_string(&mut text).map_err(|error| fail(error.to_string()))?;
    let mut ring = Ring::parse(&text).map_err(fail)?;
    let said = work(&mut ring).map_err(fail)?;
    replace(&path, &file, &ring.text()).map_err(|error| fail(format!("cannot be replaced: {error}")))?;
    print(&format!("{}: {said}\n", path.display()))
}

/// Puts a new file in the place of one, for the same user and group, at once or not at all.
fn replace(path: &Path, former: &File, text: &str) -> io::Result<()> {
    let found = former.metadata()?;
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}", std::process::id()));
    let aside = PathBuf::from(aside);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        file.write_all(text.as_bytes())?;
        fchown(&file, Some(found.uid()), Some(found.gid()))?;
        file.set_permissions(Permissions::from_mode(found.mode() & 0o777))?;
        file.sync_all()?;
        fs::rename(&aside, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}

fn add(ring: &mut Ring) -> Result<String, String> {
    ring.push(Entry::new()?)?;
    Ok(format!("{} keys; the new one opens, and seals after `sesscache keys rotate`", ring.entries.len()))
}

fn rotate(ring: &mut Ring, keep: Duration, at_once: bool) -> Result<String, String> {
    let now = SystemTime::now();
    let age = |since: Option<SystemTime>| since.map(|since| now.duration_since(since).unwrap_or_default());
    // With one key there is none yet that could seal next.
    let has_next = ring.entries.len() > 1;
    let next_age = ring.entries.last().filter(|_| has_next).and_then(|next| age(next.made));
    if let Some(wait) =
        next_age.and_then(|age| KNOWN_AFTER.checked_sub(age)).filter(|wait| !at_once && !wait.is_zero())
    {
        return Err(format!(
            "the next key was added so recently that a process may not have it yet. Wait {} more, or say --now",
            say::duration(wait.as_secs().max(1))
        ));
    }
    let mut said = Vec::new();
    let next = if has_next { ring.entries.pop() } else { None };
    let before = ring.entries.len();
    ring.entries.retain(|entry| entry.sealed_until.is_none() || age(entry.sealed_until) < Some(keep));
    let dropped = before - ring.entries.len();
    // Those of whom nobody knows when they sealed last have as long from now on as the others.
    for (at, entry) in ring.entries.iter_mut().enumerate() {
        entry.made.get_or_insert(now);
        if at > 0 {
            entry.sealed_until.get_or_insert(now);
        }
    }
    if let Some(next) = next {
        if let Some(first) = ring.entries.first_mut() {
            first.made.get_or_insert(now);
            first.sealed_until.get_or_insert(now);
        }
        said.push(format!("{:04x} seals from now on", next.tag()?));
        ring.entries.insert(0, Entry { sealed_until: None, ..next });
    }
    let next = Entry::new()?;
    said.push(format!("{:04x} was added, to seal after the next rotation", next.tag()?));
    ring.push(next)?;
    if dropped > 0 {
        said.push(format!("{dropped} dropped"));
    }
    Ok(said.join("; "))
}

fn check(path: &Path) -> Result<Exit, String> {
    tags_of_file(path)?;
    let text = fs::read_to_string(path).map(Zeroizing::new);
    let ring = Ring::parse(&text.map_err(|error| format!("{}: {error}", path.display()))?)?;
    let mut said = format!("{}: good, {} of at most {MOST} keys\n", path.display(), ring.entries.len());
    for (at, entry) in ring.entries.iter().enumerate() {
        let does = if at == 0 { "seals" } else { "opens" };
        let ago = |time: SystemTime| say::duration(time.elapsed().unwrap_or_default().as_secs());
        let made = entry.made.map(|made| format!(", made {} ago", ago(made)));
        let until = entry.sealed_until.map(|until| format!(", sealed until {} ago", ago(until)));
        said += &format!(
            "  {:04x}  {does}{}{}\n",
            entry.tag()?,
            made.unwrap_or_default(),
            until.unwrap_or_default()
        );
    }
    print(&said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_secs(3600);

    fn ring(keys: usize) -> Ring {
        Ring { entries: (0..keys).map(|_| Entry::new().unwrap()).collect(), end: Vec::new() }
    }

    fn tags_of(ring: &Ring) -> Vec<u16> {
        ring.entries.iter().map(|entry| entry.tag().unwrap()).collect()
    }

    #[test]
    fn a_file_reads_as_it_was_written() {
        let mut one = ring(3);
        one.entries[1].sealed_until = Some(SystemTime::now());
        one.entries[2].remarks.push(Zeroizing::new("# of the operator".to_owned()));
        let text = one.text();
        let again = Ring::parse(&text).unwrap();
        assert_eq!(*again.text(), *text);
        assert_eq!(tags(&text).unwrap(), tags_of(&one));
        assert!(again.entries[1].sealed_until.is_some() && again.entries[2].remarks.len() == 1);
    }

    #[test]
    fn each_rotation_has_the_next_key_seal() {
        let mut ring = ring(1);
        rotate(&mut ring, KEEP, false).unwrap();
        let [first, next] = tags_of(&ring)[..] else { panic!("two keys") };
        let error = rotate(&mut ring, KEEP, false).unwrap_err();
        assert!(error.contains("recently") && error.contains("--now"), "{error}");
        let mut ring = Ring::parse(&ring.text()).unwrap();
        assert_eq!(ring.entries.len(), 2);
        rotate(&mut ring, KEEP, true).unwrap();
        assert_eq!(tags_of(&ring)[..2], [next, first]);
        assert_eq!(ring.entries.len(), 3);
        assert!(ring.entries[1].sealed_until.is_some() && ring.entries[0].sealed_until.is_none());
    }

    #[test]
    fn a_key_is_dropped_when_no_session_needs_it() {
        let mut ring = ring(3);
        let [_, old, next] = tags_of(&ring)[..] else { panic!("three keys") };
        ring.entries[1].sealed_until = Some(SystemTime::now() - Duration::from_secs(3601));
        rotate(&mut ring, KEEP, true).unwrap();
        assert_eq!(tags_of(&ring)[0], next);
        assert!(!tags_of(&ring).contains(&old) && ring.entries.len() == 3);
    }

    #[test]
    fn there_are_never_too_many() {
        let mut ring = ring(MOST);
        assert!(add(&mut ring).unwrap_err().contains("already"));
        ring.entries.iter_mut().for_each(|entry| entry.sealed_until = Some(SystemTime::now()));
        assert!(rotate(&mut ring, KEEP, true).is_err());
    }
}

//! A region: is it there, large enough, and within reach of those who shall use it?

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{User, getgrouplist};
use sesscache::tools::keys::tags;
use sesscache::tools::{Look, Report, Which};
use zeroize::Zeroizing;

use super::Findings;
use crate::{place, stat};

pub(super) fn examine(
    path: &Path,
    key_file: Option<&Path>,
    user: Option<&str>,
    findings: &mut Findings,
) -> Result<(), String> {
    match Look::at(&Which::File(path.to_owned())) {
        Ok(look) => size(&look.report(stat::now()), findings),
        Err(error) => findings.bad(
            format!("the region cannot be used: {error}"),
            "it is made by whoever opens it first: by `sesscache run`, or the server itself",
        ),
    }
    let beside = place::key_beside(path);
    let key = key_file.unwrap_or(&beside);
    sound_key(path, key, findings);
    if let Some(name) = user {
        let who = Who::of(name)?;
        who.reaches(path, READ | WRITE, findings);
        who.reaches(key, READ, findings);
    }
    Ok(())
}

/// Whether a process that may use the region would take the key.
fn sound_key(region: &Path, key: &Path, findings: &mut Findings) {
    const MEND: &str =
        "`sesscache keys check` as the server's user says more; `sesscache keys new` makes another one";
    let Ok(found) = fs::metadata(key) else {
        findings.bad(format!("the key file {} is not there, or out of reach", key.display()), MEND);
        return;
    };
    let owners = [0, fs::metadata(region).map_or(0, |found| found.uid())];
    if found.mode() & 0o027 != 0 || !owners.contains(&found.uid()) {
        findings.bad(
            format!(
                "the key file {} is open to others, or belongs to another user: no process takes it",
                key.display()
            ),
            "give it mode 600, or 640 for a group, and the owner that the region has",
        );
    } else if let Some(Err(error)) = fs::read_to_string(key).ok().map(|text| tags(&Zeroizing::new(text))) {
        findings.bad(format!("the key file {}: {error}", key.display()), MEND);
    }
}

pub(super) fn size(report: &Report, findings: &mut Findings) {
    let advice = stat::advice(report);
    if advice.is_empty() {
        findings.good("the region is large enough for what has come by");
    }
    for sentence in advice {
        findings.bad(
            sentence,
            "a region keeps its size: remove the file and restart its processes, or name another one",
        );
    }
}

const READ: u32 = 4;
const WRITE: u32 = 2;
const PASS: u32 = 1;

struct Who {
    user: User,
    groups: Vec<u32>,
}

impl Who {
    fn of(name: &str) -> Result<Who, String> {
        let user = User::from_name(name).ok().flatten().ok_or_else(|| format!("there is no user {name}"))?;
        let c_name = std::ffi::CString::new(name).map_err(|error| error.to_string())?;
        let groups =
            getgrouplist(&c_name, user.gid).map_err(|error| format!("the groups of {name}: {error}"))?;
        Ok(Who { user, groups: groups.into_iter().map(nix::unistd::Gid::as_raw).collect() })
    }

    fn reaches(&self, path: &Path, rights: u32, findings: &mut Findings) {
        let name = &self.user.name;
        let folders = path.ancestors().skip(1).collect::<Vec<_>>();
        for folder in folders.into_iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
            if !self.may(folder, PASS) {
                findings.bad(
                    format!("{name} cannot pass through {}", folder.display()),
                    "give the folder a group of theirs (sesscache run --group), if they are executed without root",
                );
                return;
            }
        }
        if self.may(path, rights) {
            findings.good(format!("{name} can use {}", path.display()));
        } else {
            findings.bad(
                format!("{name} cannot use {}", path.display()),
                "give it a group of theirs (sesscache run --group), if they are executed without root",
            );
        }
    }

    fn may(&self, path: &Path, rights: u32) -> bool {
        let Ok(found) = fs::metadata(path) else { return false };
        // What belongs to a third one no process takes.
        if found.is_file() && ![0, self.user.uid.as_raw()].contains(&found.uid()) {
            return false;
        }
        if self.user.uid.is_root() {
            return true;
        }
        let granted = if found.uid() == self.user.uid.as_raw() {
            found.mode() >> 6
        } else if self.groups.contains(&found.gid()) {
            found.mode() >> 3
        } else {
            found.mode()
        };
        granted & rights == rights
    }
}

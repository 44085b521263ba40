//! Where regions are, unless somebody says otherwise: one folder a program, under one folder a user.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::unistd::{Group, geteuid};

/// The one folder that services with private or read-only trees still reach.
const SHARED_MEMORY: &str = "/dev/shm";
const REGION: &str = "region";

fn top() -> PathBuf {
    let user = geteuid();
    let name = if user.is_root() { "sesscache".to_owned() } else { format!("sesscache-{user}") };
    Path::new(SHARED_MEMORY).join(name)
}

/// The region of this name, in a folder that is made for it.
pub(crate) fn prepare(name: &str, group: Option<&Group>) -> Result<PathBuf, String> {
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return Err(format!(
            "{name:?} is no name for a region: it would be a folder's name under {}",
            top().display()
        ));
    }
    let folder = top().join(name);
    // Others have to pass through the upper one to reach what their group may use.
    make_folder(&top(), 0o755)?;
    make_folder(&folder, 0o700)?;
    if let Some(group) = group {
        give_to(&folder, group, 0o750)?;
    }
    Ok(folder.join(REGION))
}

/// Another user could have made it first, and would then say what is in it.
fn make_folder(path: &Path, mode: u32) -> Result<(), String> {
    let fail = |error: io::Error| format!("the folder {} cannot be made: {error}", path.display());
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(fail(error)),
        // What the umask took away is wanted.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)).map_err(fail)?,
        Err(_) => {}
    }
    let found = path.symlink_metadata().map_err(fail)?;
    if !found.is_dir() || found.uid() != geteuid().as_raw() {
        return Err(format!(
            "{} belongs to another user: remove it, or name a region by --region",
            path.display()
        ));
    }
    Ok(())
}

/// Lets a group use a file or a folder.
pub(crate) fn give_to(path: &Path, group: &Group, mode: u32) -> Result<(), String> {
    let fail =
        |error: io::Error| format!("{} cannot be given to the group {}: {error}", path.display(), group.name);
    chown(path, None, Some(group.gid.as_raw())).map_err(fail)?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(fail)
}

pub(crate) fn group(name: &str) -> Result<Group, String> {
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group),
        Ok(None) => Err(format!("there is no group {name}")),
        Err(error) => Err(format!("the group {name} cannot be looked up: {error}")),
    }
}

/// Every region of this user that stands where `run` makes them.
pub(crate) fn all() -> Vec<PathBuf> {
    let folders = fs::read_dir(top()).into_iter().flatten().flatten();
    let mut regions: Vec<_> =
        folders.map(|folder| folder.path().join(REGION)).filter(|path| path.is_file()).collect();
    regions.sort();
    regions
}

/// What to say where there is none.
pub(crate) fn none() -> String {
    format!("there is no region under {}: name its file, or a process by --pid", top().display())
}

/// The key file that lies beside a region.
pub(crate) fn key_beside(region: &Path) -> PathBuf {
    let mut path = region.as_os_str().to_owned();
    path.push(".key");
    PathBuf::from(path)
}

//! `sesscache keys`, and a process that follows.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{Folder, bad, command, good, say};

fn tags(path: &str) -> Vec<String> {
    let said = good(&["keys", "check", path]);
    said.lines().skip(1).map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn a_key_file_is_made_and_rotated() {
    let folder = Folder::new();
    let path = folder.path("keys");
    good(&["keys", "new", &path]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let first = tags(&path);
    assert_eq!(first.len(), 1);
    assert!(good(&["keys", "rotate", &path]).contains("was added"));
    let two = tags(&path);
    assert_eq!(two[0], first[0], "the next key does not seal before every process has it");
    bad(&["keys", "rotate", &path], &["recently", "--now"]);
    assert!(good(&["keys", "rotate", "--now", &path]).contains("seals from now on"));
    let three = tags(&path);
    assert_eq!((three.len(), &three[0], &three[1]), (3, &two[1], &two[0]));
    // Nothing is kept for longer than sessions live.
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert!(good(&["keys", "rotate", "--now", "--keep", "1s", &path]).contains("1 dropped"));
    assert_eq!(tags(&path)[..2], [three[2].clone(), three[0].clone()]);
    assert!(fs::read_dir(folder.path("")).unwrap().count() == 1, "nothing is left behind");
}

#[test]
fn mode_remarks_and_links_stay() {
    let folder = Folder::new();
    let path = folder.path("keys");
    good(&["keys", "new", &path]);
    let text = fs::read_to_string(&path).unwrap();
    folder.write("keys", &format!("# ours\n\n{text}# the end\n"), 0o640);
    let link = folder.path("link");
    symlink(&path, &link).unwrap();
    good(&["keys", "add", &link]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# ours\n\n") && text.contains("# the end\n"), "{text}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(tags(&path).len(), 2);
}

#[test]
fn nothing_that_is_there_is_lost() {
    let folder = Folder::new();
    let path = folder.path("keys");
    good(&["keys", "new", &path]);
    let before = fs::read(&path).unwrap();
    bad(&["keys", "new", &path], &["exists", "rotate"]);
    (0..7).for_each(|_| drop(good(&["keys", "add", &path])));
    bad(&["keys", "add", &path], &["8 keys already"]);
    assert!(fs::read(&path).unwrap().starts_with(&before));
    assert_eq!(tags(&path).len(), 8);
}

#[test]
fn what_no_process_would_take_is_told() {
    let folder = Folder::new();
    let key = |path: &str| {
        good(&["keys", "new", path]);
        fs::read_to_string(path).unwrap()
    };
    let text = key(&folder.path("good"));
    let open = folder.write("open", &text, 0o644);
    bad(&["keys", "check", &open], &["everybody", "600"]);
    let twice = folder.write("twice", &(text.clone() + &text), 0o600);
    bad(&["keys", "check", &twice], &["repeats"]);
    let secret = text.lines().last().unwrap();
    let damaged = folder.write("damaged", &secret[1..], 0o600);
    let said = say(&mut command(&["keys", "check", &damaged]));
    assert!(said.code == 1 && !said.err.contains(&secret[4..20]), "{}", said.err);
    for arguments in [["keys", "check"], ["keys", "add"], ["keys", "rotate"]] {
        bad(&[&arguments[..], &[&folder.path("missing")]].concat(), &["No such file"]);
    }
}

#[test]
fn no_command_shows_a_key() {
    let folder = Folder::new();
    let path = folder.path("keys");
    let mut said = good(&["keys", "new", &path]);
    said += &good(&["keys", "add", &path]);
    said += &good(&["keys", "rotate", "--now", &path]);
    said += &good(&["keys", "check", &path]);
    let text = fs::read_to_string(&path).unwrap();
    let keys = text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(keys.filter(|key| said.contains(&key[..12])).count(), 0);
}

//! `sesscache stat` and `sesscache flush`, on regions that this process and others use.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::{Folder, Running, bad, command, good, is_root, library, region, say};

fn json(path: &str) -> Value {
    let said = good(&["stat", "--format", "json", path]);
    let mut document: Value = serde_json::from_str(&said).unwrap();
    document["regions"][0].take()
}

#[test]
fn a_person_sees_what_happened() {
    let folder = Folder::new();
    let path = folder.path("region");
    let region = region(&path, "");
    for number in 0..40_u8 {
        assert!(region.put(&[number; 32], &[7; 300], 300, false));
    }
    (0..30_u8).for_each(|number| drop(region.get(&[number; 32], false).unwrap()));
    (100..110_u8).for_each(|number| assert!(region.get(&[number; 32], false).is_none()));
    let page = good(&["stat", &path]);
    let line = |label: &str| {
        let line = page.lines().find(|line| line.trim_start().starts_with(label));
        line.unwrap_or_else(|| panic!("no line {label:?} in\n{page}"))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert!(page.starts_with(&format!("{path}\n1 MiB, made")), "{page}");
    assert!(line("Sessions that clients came back for").ends_with(" 40"));
    assert!(line("found").starts_with("found 30 75.0 %"), "{page}");
    assert!(line("never seen, or removed").contains(" 10 25.0 %"), "{page}");
    assert!(line("below 1 minute").contains("40 100.0 %"), "{page}");
    assert!(page.contains(&format!("  {} command", std::process::id())), "{page}");
    assert!(!page.contains('!'), "there is nothing to mend:\n{page}");
}

#[test]
fn programs_read_the_same() {
    let folder = Folder::new();
    let path = folder.path("region");
    let region = region(&path, "");
    region.put(&[1; 32], &[7; 300], 300, true);
    assert!(region.get(&[1; 32], true).is_some() && region.get(&[1; 32], true).is_none());
    region.put(&[2; 32], &[7; 300], 300, false);
    region.put(&[3; 32], &[7; 300], -9, false);
    assert!(region.get(&[3; 32], false).is_none());
    let told = json(&path);
    assert_eq!((&told["region"], &told["bytes"]), (&Value::from(path.as_str()), &Value::from(1 << 20)));
    assert_eq!((&told["sessions"]["live"], &told["sessions"]["expired"]), (&Value::from(1), &Value::from(1)));
    let lookups = &told["lookups"];
    assert_eq!(
        (&lookups["asked"], &lookups["found"], &lookups["region"]),
        (&Value::from(3), &Value::from(1), &Value::from(1))
    );
    assert_eq!(
        (&lookups["missed"]["unknown"], &lookups["missed"]["expired"]),
        (&Value::from(1), &Value::from(1))
    );
    assert_eq!(told["counters"]["taken"], Value::from(1));
    assert_eq!(told["processes"][0]["pid"], Value::from(std::process::id()));

    let metrics = good(&["stat", "--format", "openmetrics", &path]);
    assert!(metrics.ends_with("# EOF\n"));
    let sample = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(
        sample(&format!("sesscache_lookups_total{{region=\"{path}\",result=\"found\",reason=\"region\"}}")),
        "1"
    );
    assert_eq!(sample(&format!("sesscache_sessions{{region=\"{path}\",state=\"live\"}}")), "1");
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let family = name.split('{').next().unwrap().trim_end_matches("_total");
        assert!(metrics.contains(&format!("# TYPE {family} ")), "{family} has no type");
    }
}

#[test]
fn a_region_that_is_too_small_is_said_to_be() {
    let folder = Folder::new();
    let path = folder.path("region");
    let region = region(&path, "");
    for number in 0..6000_u32 {
        region.put(&number.to_le_bytes(), &[7; 300], 300, false);
    }
    (3000..3500_u32).for_each(|number| drop(region.get(&number.to_le_bytes(), false)));
    // How fast it is overwritten can be told when it is a second old.
    std::thread::sleep(Duration::from_millis(1100));
    let page = good(&["stat", &path]);
    assert!(page.contains("! the region is too small") && page.contains("Make a new one of 4 MiB"), "{page}");
    assert!(page.contains("overwritten after"), "{page}");
}

#[test]
fn watching_shows_what_is_new() {
    let folder = Folder::new();
    let path = folder.path("region");
    let region = region(&path, "");
    region.put(&[1; 32], &[7; 300], 300, false);
    let mut watching = Running::start(&mut command(&["stat", "--watch=1s", &path]));
    watching.wait_for("MiB, made");
    (0..50).for_each(|_| drop(region.get(&[1; 32], false).unwrap()));
    watching.wait_for("in the last 1 s: 50 a second, 100.0 % found");
}

#[test]
fn sessions_are_ended() {
    let folder = Folder::new();
    let path = folder.path("region");
    let (shop, blog) = (region(&path, "shop"), region(&path, "blog"));
    let put = || {
        shop.put(&[1; 32], b"shop", 300, false);
        blog.put(&[2; 32], b"blog", 300, false);
    };
    let found = || (shop.get(&[1; 32], false).is_some(), blog.get(&[2; 32], false).is_some());
    put();
    assert_eq!(found(), (true, true));
    assert!(good(&["flush", &path, "--scope", "shop"]).contains("scope \"shop\""));
    assert_eq!(found(), (false, true));
    assert!(good(&["flush", &path]).contains("all sessions"));
    assert_eq!(found(), (false, false));
    put();
    assert_eq!(found(), (true, true));
    assert_eq!(json(&path)["lookups"]["missed"]["flushed"], Value::from(3));
}

#[test]
fn the_region_of_a_process_needs_no_name() {
    if !is_root() {
        return;
    }
    let serving = Running::start(&mut command(&[
        "run",
        "--library",
        &library(),
        "--region",
        "anon",
        "--size",
        "1M",
        "--",
        "sleep",
        "60",
    ]));
    let pid = serving.pid();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    // Until it has become the program.
    while say(&mut command(&["stat", "--pid", &pid])).code != 0 {
        assert!(std::time::Instant::now() < until, "{}", say(&mut command(&["stat", "--pid", &pid])).err);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(good(&["stat", "--pid", &pid]).starts_with(&format!("the region of process {pid}\n1 MiB")));
    good(&["flush", "--pid", &pid]);
    assert!(good(&["stat", "--pid", &pid]).contains("flushes 1"));
}

#[test]
fn what_is_no_region_is_left_alone() {
    let folder = Folder::new();
    let text = folder.write("text", &"not a region\n".repeat(100_000), 0o600);
    for subcommand in ["stat", "flush"] {
        bad(&[subcommand, &text], &[&text, "is not a region"]);
        bad(&[subcommand, &folder.path("missing")], &["No such file"]);
        bad(&[subcommand, "/"], &["/: "]);
        bad(&[subcommand, "--pid", "4194305"], &["4194305", "cannot be read"]);
    }
    let mut sleeping = Running::start(Command::new("sleep").arg("60"));
    bad(&["stat", "--pid", &sleeping.pid()], &["has no region", "SESSCACHE_SHARED"]);
    assert!(sleeping.0.try_wait().unwrap().is_none());
}

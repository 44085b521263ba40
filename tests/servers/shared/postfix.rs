//! Postfix: smtpd is executed as root for a few connections, makes its context, and then leaves root and the file system
//! behind. It gets no variable that the configuration does not name.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

use super::{Between, Settings, Spread, Trial};
use crate::process::{Ready, Recipe, Server, Side, Stop, isolate};
use crate::support::{Folder, find_program, needs_root, run_tool, system_program};

fn recipe(name: &str, cache: &'static str) -> Recipe {
    Recipe {
        name: format!("postfix {name}"),
        command: Box::new(move |folder, address| {
            let services = format!(
                "{address} inet n - y - 4 smtpd
                 tlsmgr unix - - y 1000? 1 tlsmgr
                 postlog unix-dgram n - n - 1 postlogd\n"
            );
            let lines = services.lines().map(|line| format!("{}\n", line.trim_start()));
            make_folders(folder);
            folder.write("etc/master.cf", &lines.collect::<String>());
            folder.write("etc/main.cf", &main_cf(folder, cache));
            let mut master = Command::new(daemons().join("master"));
            master.arg("-c").arg(folder.path().join("etc")).arg("-d");
            // Its processes have no standard error of their own.
            master.env("SESSCACHE_LOG", format!("{}/library.log:info", folder.path().display()));
            master
        }),
        ready: Ready::Listening,
        stop: Stop::DiesOf(libc::SIGTERM),
    }
}

fn main_cf(folder: &Folder, cache: &str) -> String {
    let own = folder.path().display();
    let certificate = folder.write_certificate();
    let text = format!(
        "compatibility_level = 3.6
         queue_directory = {own}/spool
         data_directory = {own}/data
         daemon_directory = {daemons}
         maillog_file = {own}/mail.log
         maillog_file_prefixes = {own}
         import_environment = MAIL_CONFIG MAIL_LOGTAG POSTLOG_SERVICE POSTLOG_HOSTNAME LD_PRELOAD LD_LIBRARY_PATH \
             SESSCACHE_LOG SESSCACHE_SHARED SESSCACHE_TICKETS
         myhostname = localhost.localdomain
         inet_protocols = ipv4
         alias_maps =
         local_recipient_maps =
         smtpd_tls_security_level = may
         smtpd_tls_cert_file = {certificate}
         notify_classes =
         {cache}\n",
        daemons = daemons().display(),
        certificate = certificate.display(),
    );
    // A line that begins with blanks continues the one before.
    text.lines().map(|line| format!("{}\n", line.trim_start())).collect()
}

fn daemons() -> PathBuf {
    PathBuf::from("/usr/lib/postfix/sbin")
}

fn make_folders(folder: &Folder) {
    let own = |path: &str| folder.path().join(path);
    for path in ["etc", "spool", "spool/pid", "spool/private", "spool/public", "data"] {
        fs::DirBuilder::new().mode(0o755).create(own(path)).expect("make a folder of Postfix's");
    }
    let user =
        |flag| run_tool(Command::new(system_program("id")).args([flag, "postfix"])).trim().parse().ok();
    let (owner, group) = (user("-u"), user("-g"));
    for path in ["spool/private", "spool/public", "data"] {
        chown(own(path), owner, group).expect("give it to Postfix");
        fs::set_permissions(own(path), fs::Permissions::from_mode(0o700)).expect("set its mode");
    }
}

fn trial(name: &str, cache: &'static str) -> Trial {
    let trial = Trial::of(recipe(name, cache), "221 2.0.0 Bye", Spread::Missed);
    Trial { settings: Settings::file(), options: &[("-t", "smtp")], ..trial }
}

#[test]
fn postfix() {
    if needs_root("postfix") {
        trial("no cache of its own", "").run();
        trial("no cache of its own, no tickets", "tls_ssl_options = no_ticket").run();
    }
}

const TLSMGR: &str = "smtpd_tls_session_cache_database = btree:${data_directory}/smtpd_scache";

/// Its own cache would not outlive a restart in this test: each has a folder of its own.
#[test]
fn postfix_tlsmgr() {
    if needs_root("postfix with tlsmgr's cache") {
        Trial { between: Between::Restart, ..trial("tlsmgr's cache, after a restart", TLSMGR) }.run();
    }
}

/// Whether Postfix as a client of this server resumes its session of TLS 1.2, and what it said.
fn client_resumes(server: &Server, side: Side, option: &str) -> (bool, String) {
    let mut finger = Command::new(find_program("posttls-finger"));
    finger.env("MAIL_CONFIG", server.folder().join("etc"));
    // It comes back after a second: there is no shorter time.
    finger.args(["-c", "-r", "1", "-l", "may", "-p", "TLSv1.2", "-L", "summary,cache", "-o", option]);
    finger.arg(format!("[{}]:{}", server.address.ip(), server.address.port()));
    isolate(&mut finger, side);
    let output = finger.output().expect("run posttls-finger");
    let printed =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success() && printed.contains("Reconnecting after"), "{side:?}: {printed}");
    let is_served = printed.contains("serving session caches");
    assert_eq!(is_served, side != Side::Stock, "{side:?}: {printed}");
    (printed.contains("Reusing old session"), printed)
}

/// posttls-finger is smtp's TLS without the mail. Nothing but a ticket can resume: this smtpd has no cache.
#[test]
fn postfix_as_a_client_keeps_its_tickets() {
    if !needs_root("postfix as a client") {
        return;
    }
    let settings = Settings::anonymous();
    let behind = recipe("behind its own client", "");
    let server = Server::start(&behind, Side::Stock);
    for side in [Side::Stock, settings.side()] {
        for (option, expected) in [("tls_ssl_options=", true), ("tls_ssl_options=no_ticket", false)] {
            let (resumes, printed) = client_resumes(&server, side, option);
            assert_eq!(resumes, expected, "{side:?}, {option}: {printed}");
        }
    }
    server.stop().check_clean(&behind.name, Side::Stock);
}

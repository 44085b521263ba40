//! Postfix: smtpd is executed as root for a few connections, makes its context, and then leaves root and the file system
//! behind. It gets no variable that the configuration does not name.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

use super::{Between, Settings, Spread, Trial};
use crate::process::{Ready, Recipe, Stop};
use crate::support::{Folder, needs_root, run_tool, system_program};

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

//! stunnel in a chroot. It keeps data on its sessions, so it takes the operator's word that they are shared.

use super::{Settings, Spread, Trial, reconnections};
use crate::backend::Backend;
use crate::client::{Client, Pattern, Version};
use crate::process::{NONE_IS_SHARED, Server};
use crate::stunnel::{check_redirect, recipe};
use crate::support::needs_root;

/// Once it has made its context it sees nothing but its own folder, as nobody in particular.
const CHROOT: &str = "chroot = FOLDER\nsetuid = nobody\nsetgid = nogroup";

fn service(backend: &Backend) -> String {
    format!("connect = {}", backend.address)
}

#[test]
fn two_stunnels_in_a_chroot() {
    if !needs_root("stunnel in a chroot") {
        return;
    }
    let backend = Backend::start("behind stunnel");
    let one = || recipe("2 instances, chroot", CHROOT, service(&backend));
    let trial = Trial::of(one(), "behind stunnel", Spread::Missed);
    let settings = Settings::file().with("SESSCACHE_EX_DATA", "share");
    Trial { recipes: vec![one(), one()], settings, ..trial }.run();
}

/// A copy of a session would lack what stunnel keeps on it: without the operator's word none leaves the process.
#[test]
fn stunnel_shares_nothing_unasked() {
    let backend = Backend::start("behind stunnel");
    let recipe = recipe("unasked", "", service(&backend));
    let settings = Settings::file();
    let [here, there] = [0, 1].map(|_| Server::start(&recipe, settings.side()));
    for version in [Version::Tls12, Version::Tls13] {
        let file = here.folder().join(version.name()).display().to_string();
        let client = |server: &Server| Client::new(server.address, version, Pattern::Same);
        let same = client(&here).option("-s", &file).connect(1 + reconnections());
        assert!(
            same[1..].iter().all(|connection| connection.resumed),
            "the instance itself forgot: {same:?}"
        );
        let elsewhere = client(&there).option("-l", &file).connect(1);
        assert!(!elsewhere[0].resumed, "resumed by another instance: {elsewhere:?}");
    }
    for server in [here, there] {
        let ending = server.stop();
        ending.check_clean(&recipe.name, settings.side());
        assert!(ending.log.contains(NONE_IS_SHARED), "nothing is said of it:\n{}", ending.log);
    }
}

#[test]
fn stunnel_redirect_holds() {
    check_redirect(Settings::file().side());
}

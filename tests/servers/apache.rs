//! Apache's mod_ssl with its shared memory cache, in folders of its own.

use std::net::SocketAddr;
use std::process::Command;

use crate::client::{Client, Pattern, Version};
use crate::compare::{ALWAYS, Comparison, NEVER, Rates};
use crate::process::{Ready, Recipe, Server, Side, Stop};
use crate::support::{Folder, find_program};

/// `cache` is its `SSLSessionCache`, with FOLDER for the server's own, and what else belongs to the virtual host.
pub(crate) fn recipe(name: &str, module: &'static str, cache: &'static str) -> Recipe {
    Recipe {
        name: format!("apache {name}"),
        command: Box::new(move |folder, address| {
            folder.write_certificate();
            folder.write("index.txt", "apache\n");
            let configuration = folder.write("apache.conf", &configuration(folder, address, module, cache));
            let mut apache = Command::new(find_program("apache2"));
            apache.arg("-f").arg(configuration).arg("-DFOREGROUND");
            apache
        }),
        ready: Ready::Listening,
        // The graceful stop: upon SIGTERM the event module itself, without any library of ours too, may close a connection that a
        // thread has just freed, and crash.
        stop: Stop::Signal(libc::SIGWINCH),
    }
}

/// Two processes, so that what one of them stored is found by the other.
fn configuration(folder: &Folder, address: SocketAddr, module: &str, cache: &str) -> String {
    let modules: String = [module, "authz_core", "dir", "socache_shmcb", "ssl"]
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
        .concat();
    let folder = folder.path().display();
    format!(
        "{modules}
         ServerName localhost
         Listen {address} https
         PidFile {folder}/apache.pid
         DefaultRuntimeDir {folder}
         Mutex pthread default
         ErrorLog {folder}/error.log
         LogFormat \"worker %P\" process
         CustomLog {folder}/access.log process
         LogLevel notice
         <IfModule unixd_module>
             User www-data
             Group www-data
         </IfModule>
         StartServers 2
         DocumentRoot {folder}
         DirectoryIndex index.txt
         KeepAlive Off
         SSLEngine on
         SSLCertificateFile {folder}/server.pem
         SSLProtocol -all +TLSv1.2 +TLSv1.3
         SSLSessionCache {cache}\n",
        cache = cache.replace("FOLDER", &folder.to_string()),
    )
}

fn compare(name: &str, module: &'static str, cache: &'static str, stock: Rates) {
    let recipe = recipe(name, module, cache);
    Comparison { recipe, says: "apache", stock, crowd: true }.run();
}

pub(crate) const SHMCB: &str = "shmcb:FOLDER/ssl_scache(512000)\nSSLSessionTickets off";

#[test]
fn apache_shmcb_event() {
    compare("shmcb, event", "mpm_event", SHMCB, ALWAYS);
}

#[test]
fn apache_shmcb_prefork() {
    compare("shmcb, prefork", "mpm_prefork", SHMCB, ALWAYS);
}

#[test]
fn apache_none() {
    compare("none", "mpm_event", "none\nSSLSessionTickets off", NEVER);
}

/// A graceful restart makes all contexts anew (twice) in a process that has freed the old ones.
#[test]
fn apache_graceful_restart() {
    let recipe = recipe("graceful restart", "mpm_event", SHMCB);
    for side in [Side::Stock, Side::Preloaded] {
        let server = Server::start(&recipe, side);
        check_resumes(&server);
        server.reload(libc::SIGUSR1);
        check_resumes(&server);
        server.stop().check_clean(&recipe.name, side);
    }
}

fn check_resumes(server: &Server) {
    for version in [Version::Tls12, Version::Tls13] {
        let connections = Client::new(server.address, version, Pattern::Latest).connect(10);
        let all = connections[1..].iter().all(|connection| connection.resumed);
        assert!(all, "{:?}: {connections:?}", server.side);
    }
}

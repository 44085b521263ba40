//! The command line. Its words are the man pages' too.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use sesscache::tools::relay::STREAMS_MAX;
use sesscache::tools::{Which, parse_duration, parse_size};

/// One TLS session cache for all processes of a machine, for programs that use OpenSSL
#[derive(Parser)]
#[command(name = "sesscache", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Start with: sesscache run -- nginx -g 'daemon off;'")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Run(Run),
    Stat(Stat),
    Flush(Flush),
    #[command(subcommand)]
    Keys(Keys),
    Relay(Relay),
    Doctor(Doctor),
    Completions(Completions),
    Man(Man),
}

/// Run a program with its TLS sessions shared by all of its processes
///
/// Puts the library in front of the program, makes a region of shared memory and a key for it under /dev/shm, has tickets
/// go through the cache, and becomes the program: there is no process more than without. Sessions then outlive workers, reloads and
/// restarts. The region is named after the program: two instances of one server share theirs (their certificates keep
/// different services apart).
#[derive(Args)]
#[command(after_help = "\
Examples:
  sesscache run -- nginx -g 'daemon off;'
  sesscache run --size 256M -- apachectl -D FOREGROUND
  sesscache run --group postfix -- postfix start-fg
  sesscache run --print --group dovenull -- dovecot -F >/run/sesscache.env   (for systemd's EnvironmentFile=)")]
pub(crate) struct Run {
    /// The region: an absolute path, or `anon` for memory that forked processes inherit and nobody else reaches
    #[arg(long, value_name = "PATH")]
    pub(crate) region: Option<String>,
    /// Name of the region under /dev/shm/sesscache, if --region names none [default: the program's]
    #[arg(long, conflicts_with = "region")]
    pub(crate) name: Option<String>,
    /// Size of the region, if it has to be made: some 3300 sessions fit into a megabyte
    #[arg(long, default_value = "32M", value_parser = size)]
    pub(crate) size: u64,
    /// A group that may use region and key too, for servers whose processes give up root before they are executed
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// Key file, for instance one that several machines have [default: the region's own, PATH.key]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Sessions are found only by programs that were started with the same scope
    #[arg(long, value_name = "TEXT")]
    pub(crate) scope: Option<String>,
    /// What tickets do: `stateful` ones ask the cache, others (`keep`) hold the session themselves and pass it by
    #[arg(long, value_enum, default_value_t = Tickets::Stateful)]
    pub(crate) tickets: Tickets,
    /// How long a session may be renewed, counted from its first full handshake
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    pub(crate) max_lifetime: i64,
    /// Share sessions of a program that keeps data on them (stunnel), without the data
    #[arg(long)]
    pub(crate) share_ex_data: bool,
    /// Where the library tells what it does: off, stderr or an absolute path, each with a level like :info behind it
    #[arg(long, value_name = "TARGET")]
    pub(crate) log: Option<String>,
    /// The library [default: looked for beside this command]
    #[arg(long, value_name = "FILE")]
    pub(crate) library: Option<PathBuf>,
    /// Make region and key, and print the variables instead of running the program
    #[arg(long)]
    pub(crate) print: bool,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub(crate) program: Vec<OsString>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tickets {
    Stateful,
    Keep,
}

/// A region, by its file or by a process that uses it.
#[derive(Args, Clone)]
pub(crate) struct Place {
    /// The region's file [default: every region under /dev/shm/sesscache]
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// The region that this process uses, be it anonymous or a file
    #[arg(long, value_name = "N", conflicts_with = "path")]
    pid: Option<u32>,
}

impl Place {
    /// The one that was named, if one was.
    pub(crate) fn named(&self) -> Option<Which> {
        self.path.clone().map(Which::File).or(self.pid.map(Which::OfProcess))
    }
}

/// Show what regions hold, how often clients resume, and why not
#[derive(Args)]
#[command(after_help = "\
Examples:
  sesscache stat                                 every region of this user
  sesscache stat --watch                         the same, again and again
  sesscache stat --pid $(cat /run/nginx.pid)     also an anonymous region; takes root
  sesscache stat --format openmetrics >/var/lib/node_exporter/sesscache.prom")]
pub(crate) struct Stat {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Show it again every so often, with what has changed in between
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "2s", value_parser = duration, require_equals = true)]
    pub(crate) watch: Option<i64>,
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Openmetrics,
}

/// End the sessions of a region: clients handshake in full next time
#[derive(Args)]
#[command(after_help = "\
Examples:
  sesscache flush /dev/shm/sesscache/nginx/region
  sesscache flush --pid $(cat /run/nginx.pid) --scope shop")]
pub(crate) struct Flush {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Only sessions of programs that were started with this scope (and by chance those of one scope in 256)
    #[arg(long, value_name = "TEXT")]
    pub(crate) scope: Option<String>,
}

/// Make, change and check key files
#[derive(Subcommand)]
#[command(after_help = "\
A key file has one key a line, eight at most. The first one seals, all of them open. Processes look at it once a minute.
Run `sesscache keys rotate FILE` once a day from a timer, and nobody loses a session.")]
pub(crate) enum Keys {
    /// Make a key file with one key
    #[command(after_help = "Example:\n  sesscache keys new /etc/sesscache/web.keys")]
    New {
        file: PathBuf,
        /// A group that may read it
        #[arg(long)]
        group: Option<String>,
    },
    /// Add a key as the last one: it opens, and does not seal yet
    #[command(after_help = "Example:\n  sesscache keys add /etc/sesscache/web.keys")]
    Add { file: PathBuf },
    /// Have the last key seal, add the next one, and drop those that no session needs any more
    ///
    /// Keys are made at random: of several machines that share sessions one rotates, and the others get its file.
    ///
    /// The key that was added by the last rotation seals from now on: by now every process has it. Another one is added for the next
    /// rotation, and keys that have not sealed for longer than sessions live are dropped.
    #[command(after_help = "Example:\n  sesscache keys rotate --keep 24h /etc/sesscache/web.keys")]
    Rotate {
        file: PathBuf,
        /// How long a key is kept after it has sealed: as long as sessions live (SESSCACHE_MAX_LIFETIME)
        #[arg(long, default_value = "24h", value_parser = duration, value_name = "DURATION")]
        keep: i64,
        /// Also if the last key was added so recently that a process may not have it yet
        #[arg(long)]
        now: bool,
    },
    /// Say whether a key file can be used, and which keys it has: their tags, never the keys
    #[command(after_help = "Example:\n  sesscache keys check /etc/sesscache/web.keys")]
    Check { file: PathBuf },
}

/// Say why a program or a running process has no benefit of the library, and what to do about it
#[derive(Args)]
#[command(after_help = "\
Examples:
  sesscache doctor nginx
  sesscache doctor --pid $(cat /run/nginx.pid)
  sesscache doctor --user mail --region /dev/shm/sesscache/web/region /usr/libexec/mail-server

Ends with 0 if all is well, 1 if something is to be mended, 2 if it could not look.")]
pub(crate) struct Doctor {
    /// A program, by its path or as it is found in PATH
    #[arg(required_unless_present = "pid")]
    pub(crate) program: Option<String>,
    /// A running process
    #[arg(long, value_name = "N", conflicts_with = "program")]
    pub(crate) pid: Option<u32>,
    /// The user that the server's processes have when they are executed: can it reach region and key? (Those that are forked by root,
    /// as nginx's workers, need not)
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// The region that the program will use
    #[arg(long, value_name = "PATH")]
    pub(crate) region: Option<PathBuf>,
    /// Its key file [default: PATH.key]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

/// Carry the sessions of a region to other machines, and theirs to it
///
/// Works beside the servers, which know nothing of it: follows what they add to the region and end, appends it to a stream of a Redis or
/// Valkey server, and takes in what the relays of other machines append. Sessions travel as they lie in the region, sealed; the relay
/// has no key. All machines need the same key file, and a scope or certificate that tells their services to be the same.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sesscache relay --region /dev/shm/sesscache/nginx/region --redis redis://10.0.0.5
  sesscache relay --region … --redis rediss://redis.example:6379 --user relay --password-file /etc/sesscache/redis.password
  sesscache relay --region … --redis redis://s1:26379 --redis redis://s2:26379 --sentinel mymaster
  sesscache relay --region … --redis redis://n1 --redis redis://n2 --cluster --streams 4

SIGTERM ends it once what is left has been sent, or some seconds later; SIGHUP has it read the password and the certificates again.")]
pub(crate) struct Relay {
    /// The region's file; waited for if there is none, unless --size is given
    #[arg(long, value_name = "PATH")]
    pub(crate) region: PathBuf,
    /// The server: redis://HOST[:PORT][/DB], rediss:// for TLS, or unix:///PATH. Several with --cluster or --sentinel
    #[arg(
        long,
        value_name = "URL",
        required = true,
        env = "SESSCACHE_REDIS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) redis: Vec<String>,
    /// The servers are a cluster's
    #[arg(long, conflicts_with = "sentinel")]
    pub(crate) cluster: bool,
    /// The servers are sentinels, which know the one of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) sentinel: Option<String>,
    /// Who we are to the server
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// A file with the password
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Certificates (PEM) of those who may vouch for the server [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Our certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Name of the stream
    #[arg(long, value_name = "NAME", default_value = "sesscache")]
    pub(crate) stream: String,
    /// How many streams to spread over: all machines need the same number
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = streams)]
    pub(crate) streams: usize,
    /// How long the server keeps what was appended: as long as sessions may be renewed. The same on all machines
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    pub(crate) keep: i64,
    /// At most so many records a second go each way
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_rate: Option<u64>,
    /// Make the region with this size if there is none
    #[arg(long, value_parser = size)]
    pub(crate) size: Option<u64>,
    /// A loopback address, like 127.0.0.1:9464, at which to answer for /metrics
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics: Option<SocketAddr>,
}

/// Print completions for a shell
#[derive(Args)]
#[command(
    after_help = "Example:\n  sesscache completions bash >/usr/share/bash-completion/completions/sesscache"
)]
pub(crate) struct Completions {
    pub(crate) shell: Shell,
}

/// Write the man pages into a folder
#[derive(Args)]
#[command(hide = true)]
pub(crate) struct Man {
    /// Prints the page of the C interface instead
    #[arg(long)]
    pub(crate) c_api: bool,
    /// Gets the folders man3 and man8
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
}

fn streams(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=STREAMS_MAX).contains(number));
    number.ok_or_else(|| format!("a number from 1 to {STREAMS_MAX}"))
}

fn size(text: &str) -> Result<u64, String> {
    parse_size(text).ok_or_else(|| "a size is a number, or one with K, M or G behind it".to_owned())
}

fn duration(text: &str) -> Result<i64, String> {
    parse_duration(text).ok_or_else(|| "a duration is like 90s, 15m, 24h or 7d".to_owned())
}

//! Reaching the server: one alone, the one that sentinels name, or a cluster.

use std::fmt::{self, Display};
use std::path::Path;
use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterConnection};
use redis::{
    Client, ClientTlsConfig, Cmd, Connection, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue,
    IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult, Role, TlsCertificates,
};

use crate::arguments::Relay;

/// Who does not answer by then is taken for gone.
const PATIENCE: Duration = Duration::from_secs(3);

/// How the server is reached.
pub(super) struct Server {
    way: Way,
    name: String,
}

enum Way {
    Alone(Box<Client>),
    Sentinels(Box<Sentinels>),
    Cluster(Box<ClusterClient>),
}

/// Those who know which server is the master. The redis crate has a client for them, which waits for ever for one that does not
/// answer.
struct Sentinels {
    infos: Vec<ConnectionInfo>,
    /// Who we are to all of them, and to the master.
    settings: RedisConnectionInfo,
    master: String,
    certificates: Option<TlsCertificates>,
}

/// A connection to it.
pub(super) enum Link {
    Server(Box<Connection>),
    Cluster(Box<ClusterConnection>),
}

impl Server {
    /// Reads the password and the certificates. Nothing is connected yet.
    pub(super) fn of(arguments: &Relay) -> Result<Server, String> {
        // Without a provider there is no TLS; that there is one already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let password = arguments.password_file.as_deref().map(read_password).transpose()?;
        let infos = arguments.redis.iter().map(|url| info(url, arguments, password.as_deref()));
        let infos = infos.collect::<Result<Vec<_>, _>>()?;
        let certificates = certificates(arguments)?;
        let is_plain = |info: &ConnectionInfo| !matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        if certificates.is_some() && infos.iter().any(is_plain) {
            return Err("certificates are of no use without TLS: write rediss://".to_owned());
        }
        let addresses: Vec<String> = infos.iter().map(|info| info.addr().to_string()).collect();
        let way = match &arguments.sentinel {
            Some(master) => Ok(sentinels(infos, master.clone(), certificates)),
            None if arguments.cluster => cluster(&infos, certificates),
            None => alone(infos, certificates),
        };
        let way = way.map_err(|error| format!("--redis: {error}"))?;
        Ok(Server { way, name: addresses.join(",") })
    }

    pub(super) fn connect(&self) -> RedisResult<Link> {
        let link = match &self.way {
            Way::Alone(client) => Link::Server(Box::new(client.get_connection_with_timeout(PATIENCE)?)),
            Way::Sentinels(sentinels) => Link::Server(Box::new(sentinels.connect()?)),
            Way::Cluster(client) => Link::Cluster(Box::new(client.get_connection()?)),
        };
        link.set_patience(PATIENCE)?;
        Ok(link)
    }
}

impl Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl Link {
    /// How long an answer may take, on top of what the command itself waits for.
    pub(super) fn set_patience(&self, patience: Duration) -> RedisResult<()> {
        match self {
            Link::Server(link) => {
                link.set_write_timeout(Some(PATIENCE))?;
                link.set_read_timeout(Some(patience))
            }
            Link::Cluster(link) => {
                link.set_write_timeout(Some(PATIENCE))?;
                link.set_read_timeout(Some(patience))
            }
        }
    }

    pub(super) fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        match self {
            Link::Server(link) => command.query(link.as_mut()),
            Link::Cluster(link) => command.query(link.as_mut()),
        }
    }

    /// All of them, in as few round trips as it takes; and how many, from the first one on, have surely been carried out. Of a
    /// cluster each stream may be on a server of its own.
    pub(super) fn send(&mut self, commands: &[Cmd]) -> (usize, RedisResult<()>) {
        match self {
            Link::Server(link) => {
                let mut pipeline = redis::pipe();
                for command in commands {
                    pipeline.add_command(command.clone()).ignore();
                }
                let result = pipeline.query(link.as_mut());
                (if result.is_ok() { commands.len() } else { 0 }, result)
            }
            Link::Cluster(link) => {
                for (number, command) in commands.iter().enumerate() {
                    if let Err(error) = command.query::<()>(link.as_mut()) {
                        return (number, Err(error));
                    }
                }
                (commands.len(), Ok(()))
            }
        }
    }
}

fn alone(infos: Vec<ConnectionInfo>, certificates: Option<TlsCertificates>) -> RedisResult<Way> {
    let mut infos = infos.into_iter();
    let (Some(info), None) = (infos.next(), infos.next()) else {
        return Err((
            redis::ErrorKind::InvalidClientConfig,
            "several addresses need --cluster or --sentinel",
        )
            .into());
    };
    Ok(Way::Alone(Box::new(client(info, certificates.as_ref())?)))
}

fn client(info: ConnectionInfo, certificates: Option<&TlsCertificates>) -> RedisResult<Client> {
    let is_tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
    match certificates.filter(|_| is_tls) {
        Some(certificates) => Client::build_with_tls(info, certificates.clone()),
        None => Client::open(info),
    }
}

/// User, password and number of the database are those of the first address.
fn sentinels(infos: Vec<ConnectionInfo>, master: String, certificates: Option<TlsCertificates>) -> Way {
    let settings = infos.first().map(|info| info.redis_settings().clone()).unwrap_or_default();
    Way::Sentinels(Box::new(Sentinels { infos, settings, master, certificates }))
}

impl Sentinels {
    /// A connection to the master that the first sentinel names who names one that says so itself.
    fn connect(&self) -> RedisResult<Connection> {
        let mut last = RedisError::from((ErrorKind::InvalidClientConfig, "there is no sentinel"));
        for sentinel in &self.infos {
            match self.ask(sentinel).and_then(|(host, port)| self.connect_to(sentinel, host, port)) {
                Ok(link) => return Ok(link),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Most sentinels want no password. Those that do have the server's.
    fn ask(&self, sentinel: &ConnectionInfo) -> RedisResult<(String, u16)> {
        let nobody = RedisConnectionInfo::default();
        match (self.ask_as(sentinel, nobody.clone()), self.settings.password()) {
            (Err(error), Some(password)) if !error.is_io_error() => {
                let somebody = nobody.set_password(password);
                let user = self.settings.username();
                let somebody = user.into_iter().fold(somebody, RedisConnectionInfo::set_username);
                self.ask_as(sentinel, somebody)
            }
            (answer, _) => answer,
        }
    }

    fn ask_as(&self, sentinel: &ConnectionInfo, who: RedisConnectionInfo) -> RedisResult<(String, u16)> {
        let mut link = self.reach(sentinel.clone().set_redis_settings(who))?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let answer: Option<(String, u16)> = command.query(&mut link)?;
        answer.ok_or_else(|| {
            let why = "the sentinel knows no such name";
            (ErrorKind::MasterNameNotFoundBySentinel, why, self.master.clone()).into()
        })
    }

    /// Over TLS if the sentinel is.
    fn connect_to(&self, sentinel: &ConnectionInfo, host: String, port: u16) -> RedisResult<Connection> {
        let address = match sentinel.addr() {
            ConnectionAddr::TcpTls { insecure, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: None }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        let info = sentinel.clone().set_addr(address).set_redis_settings(self.settings.clone());
        let mut link = self.reach(info)?;
        // A sentinel may not know yet, and a former master may not either: it is asked again soon.
        match redis::cmd("ROLE").query(&mut link)? {
            Role::Primary { .. } => Ok(link),
            _ => Err((
                ErrorKind::MasterNameNotFoundBySentinel,
                "the sentinel names a server that is no master",
            )
                .into()),
        }
    }

    fn reach(&self, info: ConnectionInfo) -> RedisResult<Connection> {
        let link = client(info, self.certificates.as_ref())?.get_connection_with_timeout(PATIENCE)?;
        link.set_write_timeout(Some(PATIENCE))?;
        link.set_read_timeout(Some(PATIENCE))?;
        Ok(link)
    }
}

fn cluster(infos: &[ConnectionInfo], certificates: Option<TlsCertificates>) -> RedisResult<Way> {
    let mut builder = ClusterClient::builder(infos.to_vec())
        .connection_timeout(PATIENCE)
        .response_timeout(PATIENCE)
        .retries(1);
    if let Some(certificates) = certificates {
        builder = builder.certs(certificates);
    }
    Ok(Way::Cluster(Box::new(builder.build()?)))
}

/// The server's address, with who we are. A password in a file goes before one in the address.
fn info(url: &str, arguments: &Relay, password: Option<&str>) -> Result<ConnectionInfo, String> {
    // The address may hold a password, so it is not shown.
    let info = url.into_connection_info().map_err(|error| format!("--redis: {error}"))?;
    let mut settings = info.redis_settings().clone();
    if let Some(user) = &arguments.user {
        settings = settings.set_username(user);
    }
    if let Some(password) = password {
        settings = settings.set_password(password);
    }
    Ok(info.set_redis_settings(settings))
}

fn read_password(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let password = text.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        Err(format!("{}: it is empty", path.display()))
    } else {
        Ok(password.to_owned())
    }
}

fn certificates(arguments: &Relay) -> Result<Option<TlsCertificates>, String> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let root_cert = arguments.tls_ca.as_deref().map(read).transpose()?;
    let client_tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(certificate), Some(key)) => {
            Some(ClientTlsConfig { client_cert: read(certificate)?, client_key: read(key)? })
        }
        _ => None,
    };
    Ok((root_cert.is_some() || client_tls.is_some()).then_some(TlsCertificates { client_tls, root_cert }))
}

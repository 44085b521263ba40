//! Reaching the server: one alone, the one that sentinels name, or a cluster.

use std::fmt::{self, Display};
use std::path::Path;
use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterConnection};
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, ClientTlsConfig, Cmd, Connection, ConnectionAddr, ConnectionInfo, FromRedisValue,
    IntoConnectionInfo, RedisResult, TlsCertificates, TlsMode,
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
    Sentinels(Box<std::sync::Mutex<SentinelClient>>),
    Cluster(Box<ClusterClient>),
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
        let addresses: Vec<String> = infos.iter().map(|info| info.addr().to_string()).collect();
        let way = match &arguments.sentinel {
            Some(master) => sentinels(&infos, master, certificates),
            None if arguments.cluster => cluster(&infos, certificates),
            None => alone(infos, certificates),
        };
        let way = way.map_err(|error| format!("--redis: {error}"))?;
        Ok(Server { way, name: addresses.join(",") })
    }

    pub(super) fn connect(&self) -> RedisResult<Link> {
        let link = match &self.way {
            Way::Alone(client) => Link::Server(Box::new(client.get_connection_with_timeout(PATIENCE)?)),
            Way::Sentinels(client) => {
                // Nobody panics while holding it.
                let mut client = client.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                Link::Server(Box::new(client.get_connection()?))
            }
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

    /// All of them, in as few round trips as it takes. Of a cluster each stream may be on a server of its own.
    pub(super) fn send(&mut self, commands: Vec<Cmd>) -> RedisResult<()> {
        match self {
            Link::Server(link) => {
                let mut pipeline = redis::pipe();
                for command in commands {
                    pipeline.add_command(command).ignore();
                }
                pipeline.query(link.as_mut())
            }
            Link::Cluster(link) => commands.iter().try_for_each(|command| command.query(link.as_mut())),
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
    let is_tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
    let client = match certificates.filter(|_| is_tls) {
        Some(certificates) => Client::build_with_tls(info, certificates)?,
        None => Client::open(info)?,
    };
    Ok(Way::Alone(Box::new(client)))
}

/// User, password, number of the database and TLS are the server's and the sentinels' alike.
fn sentinels(
    infos: &[ConnectionInfo],
    master: &str,
    certificates: Option<TlsCertificates>,
) -> RedisResult<Way> {
    let addresses = infos.iter().map(|info| info.addr().clone());
    let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?;
    if let Some(info) = infos.first() {
        let settings = info.redis_settings();
        builder = builder.set_client_to_redis_db(settings.db());
        if let Some(user) = settings.username() {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = settings.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            builder = builder
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_sentinel_tls_mode(TlsMode::Secure);
            if let Some(certificates) = certificates {
                builder = builder
                    .set_client_to_redis_certificates(certificates.clone())
                    .set_client_to_sentinel_certificates(certificates);
            }
        }
    }
    Ok(Way::Sentinels(Box::new(std::sync::Mutex::new(builder.build()?))))
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

//! Servers for one run: on a free port or on a socket in a folder of their own, ended by their process id.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A folder in memory that goes away with its owner.
pub struct Folder {
    path: PathBuf,
    owner: u32,
}

impl Folder {
    pub fn new() -> Result<Folder, String> {
        let owner = std::process::id();
        for number in 0..1000 {
            let path = PathBuf::from(format!("/dev/shm/region-bench-{owner}-{number}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Folder { path, owner }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(format!("{}: {error}", path.display())),
            }
        }
        Err("no free name for a folder in /dev/shm".to_owned())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.owner == std::process::id() {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// How a server is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// On the loopback interface.
    Tcp,
    Unix,
}

pub enum Address {
    Tcp(u16),
    Unix(PathBuf),
}

pub trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

impl Address {
    fn free(way: Way, folder: &Path) -> std::io::Result<Address> {
        Ok(match way {
            Way::Tcp => Address::Tcp(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port()),
            Way::Unix => Address::Unix(folder.join("socket")),
        })
    }

    pub fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        Ok(match self {
            Address::Tcp(port) => {
                let stream = TcpStream::connect(("127.0.0.1", *port))?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Address::Unix(socket) => Box::new(UnixStream::connect(socket)?),
        })
    }
}

pub struct Server {
    pub address: Address,
    child: Child,
    _folder: Folder,
}

impl Server {
    /// `arguments` are made from a folder and the address. Returns when it accepts connections.
    pub fn start(
        program: &str,
        way: Way,
        arguments: impl FnOnce(&Path, &Address) -> String,
    ) -> Result<Server, String> {
        let folder = Folder::new()?;
        let address =
            Address::free(way, folder.path()).map_err(|error| format!("no free address: {error}"))?;
        let child = Command::new(program)
            .args(arguments(folder.path(), &address).split(' '))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("{program}: {error}: run scripts/install-deps.sh bench-shared"))?;
        let mut server = Server { address, child, _folder: folder };
        let until = Instant::now() + Duration::from_secs(20);
        while server.address.connect().is_err() {
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(format!("{program} ended at once: {status}"));
            }
            if Instant::now() > until {
                return Err(format!("{program} does not listen"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

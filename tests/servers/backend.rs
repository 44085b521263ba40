//! The plain HTTP server behind those that only terminate TLS: it answers everything with its name.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    leaving: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Backend {
    pub(crate) fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind the backend");
        let address = listener.local_addr().expect("the backend's address");
        let leaving = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&leaving);
        let thread = std::thread::spawn(move || {
            while let Ok((connection, _)) = listener.accept() {
                if flag.load(Ordering::Acquire) {
                    return;
                }
                // A client that goes away early (a readiness probe) is no concern of the next one.
                let _ = answer(connection, name);
            }
        });
        Self { address, leaving, thread: Some(thread) }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.leaving.store(true, Ordering::Release);
        let woken = TcpStream::connect(self.address).is_ok();
        if let (true, Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

fn answer(mut connection: TcpStream, name: &str) -> std::io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = connection.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(&piece[..length]);
    }
    connection.write_all(format!("HTTP/1.0 200 OK\r\n\r\n{name}\n").as_bytes())?;
    connection.shutdown(Shutdown::Write)?;
    // Its end is waited for, or the kernel may answer with a reset and cut the answer off.
    std::io::copy(&mut connection, &mut std::io::sink()).map(drop)
}

//! What a relay has done, for who asks over HTTP on this machine. One after the other, and whoever dawdles is cut off: a library's
//! server would wait for him.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::tally::Tally;

const PATIENCE: Duration = Duration::from_secs(1);
const GLANCE: Duration = Duration::from_millis(50);
/// The longest head of a question.
const QUESTION: usize = 8192;

pub(super) fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    if !address.ip().is_loopback() {
        return Err(format!("{address} is no loopback address: metrics are for this machine"));
    }
    let fail = |error| format!("metrics at {address}: {error}");
    let listener = TcpListener::bind(address).map_err(fail)?;
    listener.set_nonblocking(true).map_err(fail)?;
    Ok(listener)
}

/// Answers until the end.
pub(super) fn serve(listener: &TcpListener, tally: &Tally, ends: impl Fn() -> bool) {
    while !ends() {
        match listener.accept() {
            // Who went away has no need of an answer.
            Ok((stream, _)) => drop(answer(stream, tally)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(GLANCE),
            Err(_) => std::thread::sleep(PATIENCE),
        }
    }
}

fn answer(mut stream: TcpStream, tally: &Tally) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = read_head(&mut stream)?;
    let (status, kind, body) = match head.split(' ').collect::<Vec<_>>()[..] {
        ["GET", "/metrics", ..] => {
            ("200 OK", "application/openmetrics-text; version=1.0.0; charset=utf-8", tally.metrics())
        }
        ["GET", ..] => ("404 Not Found", "text/plain", "sesscache relay: see /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "text/plain", String::new()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// The question up to the end of its head.
fn read_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let until = Instant::now() + PATIENCE;
    let (mut head, mut bytes) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(&mut bytes)?;
        if length == 0 || head.len() > QUESTION || Instant::now() > until {
            return Err(ErrorKind::InvalidData.into());
        }
        head.extend(bytes.iter().take(length));
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

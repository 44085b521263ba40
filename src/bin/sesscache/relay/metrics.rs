//! What a relay has done, for who asks over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::Scope;

use tiny_http::{Header, Response, Server};

use super::tally::Tally;

const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers at a loopback address, until it is unblocked.
pub(super) fn serve<'scope>(
    scope: &'scope Scope<'scope, '_>,
    address: SocketAddr,
    tally: &'scope Tally,
) -> Result<Arc<Server>, String> {
    if !address.ip().is_loopback() {
        return Err(format!("{address} is no loopback address: metrics are for this machine"));
    }
    let server = Server::http(address).map_err(|error| format!("metrics at {address}: {error}"))?;
    let server = Arc::new(server);
    let answering = Arc::clone(&server);
    scope.spawn(move || {
        for request in answering.incoming_requests() {
            let answer = match request.url() {
                "/metrics" => Response::from_string(tally.metrics()),
                _ => Response::from_string("sesscache relay: see /metrics\n").with_status_code(404),
            };
            let kind = Header::from_bytes("Content-Type", TYPE).ok();
            // Who went away has no need of it.
            let _ = request.respond(kind.into_iter().fold(answer, Response::with_header));
        }
    });
    Ok(server)
}

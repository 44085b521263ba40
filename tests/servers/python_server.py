"""A TLS server on Python's ssl module: CERTIFICATE ADDRESS PORT. Every answer shows the context's counters."""

import signal
import socket
import ssl
import sys


def leave(_signal, _frame):
    raise SystemExit(0)


def answer(context, connection):
    with context.wrap_socket(connection, server_side=True) as tls:
        while b"\r\n\r\n" not in tls.recv(4096):
            pass
        counters = " ".join(f"{name}={value}" for name, value in sorted(context.session_stats().items()))
        tls.sendall(f"HTTP/1.0 200 OK\r\n\r\npython cache: {counters}\n".encode())
        tls.unwrap()


def main():
    certificate, address, port = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.options |= ssl.OP_NO_TICKET
    signal.signal(signal.SIGTERM, leave)
    with socket.create_server((address, int(port))) as listener:
        print("ready", flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(10)
                answer(context, connection)


main()

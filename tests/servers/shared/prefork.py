"""TLS servers on one socket, forked after the context was made: CERTIFICATE ADDRESS PORT PROCESSES [AUTHORITIES].

With AUTHORITIES (a PEM file) clients are asked for a certificate, which they need not have. Every answer names its process."""

import os
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
        tls.sendall(f"HTTP/1.0 200 OK\r\n\r\npython worker {os.getpid()}\n".encode())
        tls.unwrap()


def serve(context, listener):
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            answer(context, connection)


def server_context(certificate, authorities):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    for file in authorities:
        context.load_verify_locations(file)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def main():
    certificate, address, port, processes, *authorities = sys.argv[1:]
    context = server_context(certificate, authorities)
    signal.signal(signal.SIGTERM, leave)
    with socket.create_server((address, int(port))) as listener:
        workers = []
        for _ in range(int(processes)):
            worker = os.fork()
            if worker == 0:
                serve(context, listener)
            workers.append(worker)
        print("ready", flush=True)
        try:
            signal.pause()
        except SystemExit:
            pass
        for worker in workers:
            os.kill(worker, signal.SIGTERM)
        ends = [os.waitpid(worker, 0)[1] for worker in workers]
        sys.exit(1 if any(ends) else 0)


main()

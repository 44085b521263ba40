// A cluster of TLS servers, each a program of its own: CERTIFICATE ADDRESS PORT PROCESSES. Every answer names its process.
'use strict';
const cluster = require('cluster');
const fs = require('fs');
const https = require('https');

const [certificate, address, port, processes] = process.argv.slice(2);

function serve() {
    const pem = fs.readFileSync(certificate);
    const server = https.createServer({ cert: pem, key: pem }, (request, response) => {
        response.writeHead(200, { Connection: 'close' });
        response.end(`node worker ${process.pid}\n`);
    });
    server.listen(Number(port), address);
    process.on('SIGTERM', () => process.exit(0));
}

function lead() {
    let listening = 0;
    let failed = 0;
    for (let count = Number(processes); count > 0; count--)
        cluster.fork();
    cluster.on('listening', () => {
        if (++listening === Number(processes))
            console.log('ready');
    });
    cluster.on('exit', (worker, code) => {
        failed ||= code !== 0;
        if (Object.keys(cluster.workers).length === 0)
            process.exit(failed ? 1 : 0);
    });
    process.on('SIGTERM', () => Object.values(cluster.workers).forEach((worker) => worker.process.kill('SIGTERM')));
}

if (cluster.isPrimary) lead();
else serve();

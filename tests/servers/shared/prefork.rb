# TLS servers on one socket, forked after the context was made: CERTIFICATE ADDRESS PORT PROCESSES. Every answer names its process.
require 'openssl'
require 'socket'

def server_context(file)
  pem = File.read(file)
  context = OpenSSL::SSL::SSLContext.new
  context.cert = OpenSSL::X509::Certificate.new(pem)
  context.key = OpenSSL::PKey.read(pem)
  context
end

def answer(connection)
  nil until connection.gets.strip.empty?
  connection.write("HTTP/1.0 200 OK\r\n\r\nruby worker #{Process.pid}\n")
  connection.close
end

def serve(server)
  trap('TERM') { exit }
  loop { answer(server.accept) }
end

certificate, address, port, processes = ARGV
server = OpenSSL::SSL::SSLServer.new(TCPServer.new(address, port.to_i), server_context(certificate))
leaving, leave = IO.pipe
trap('TERM') { leave.close }
workers = Array.new(processes.to_i) { fork { leave.close; serve(server) } }
$stdout.write("ready\n")
$stdout.flush
leaving.read
workers.each { |worker| Process.kill('TERM', worker) }
exit(workers.all? { |worker| Process.wait2(worker)[1].success? })

# TLS servers on one socket, forked after the context was made: CERTIFICATE ADDRESS PORT PROCESSES. Every answer names its process.
use strict;
use warnings;
use IO::Socket::INET;
use Net::SSLeay;
use POSIX ();

my ($certificate, $address, $port, $processes) = @ARGV;

sub make_context {
    my $context = Net::SSLeay::CTX_new_with_method(Net::SSLeay::TLS_server_method())
        or Net::SSLeay::die_now("no context");
    Net::SSLeay::set_cert_and_key($context, $certificate, $certificate) or die "no certificate";
    Net::SSLeay::CTX_set_session_id_context($context, "perl", 4);
    return $context;
}

sub answer {
    my ($context, $connection) = @_;
    my $ssl = Net::SSLeay::new($context);
    Net::SSLeay::set_fd($ssl, fileno $connection);
    if (Net::SSLeay::accept($ssl) == 1) {
        my $request = '';
        while ($request !~ /\r\n\r\n/) {
            my $more = Net::SSLeay::read($ssl);
            last if !defined $more || $more eq '';
            $request .= $more;
        }
        Net::SSLeay::write($ssl, "HTTP/1.0 200 OK\r\n\r\nperl worker $$\n");
        Net::SSLeay::shutdown($ssl);
    }
    Net::SSLeay::free($ssl);
    return;
}

# A signal only has an effect between two connections.
sub serve {
    my ($context, $listener) = @_;
    my $leaving = 0;
    POSIX::sigaction(POSIX::SIGTERM(), POSIX::SigAction->new(sub { $leaving = 1 }));
    while (!$leaving) {
        my $connection = $listener->accept() or next;
        answer($context, $connection);
        close $connection;
    }
    Net::SSLeay::CTX_free($context);
    exit 0;
}

local $SIG{PIPE} = 'IGNORE';
$| = 1;
my $term = POSIX::SigSet->new(POSIX::SIGTERM());
POSIX::sigprocmask(POSIX::SIG_BLOCK(), $term);
my $context = make_context();
my $listener = IO::Socket::INET->new(LocalAddr => $address, LocalPort => $port, Listen => 64) or die "in use? $!";
my @workers;
for (1 .. $processes) {
    my $worker = fork() // die "no process: $!";
    if ($worker == 0) {
        POSIX::sigprocmask(POSIX::SIG_UNBLOCK(), $term);
        serve($context, $listener);
    }
    push @workers, $worker;
}
my $leaving = 0;
local $SIG{TERM} = sub { $leaving = 1 };
print "ready\n";
POSIX::sigsuspend(POSIX::SigSet->new()) until $leaving;
kill 'TERM', @workers;
my $failed = 0;
for my $worker (@workers) {
    waitpid $worker, 0;
    $failed ||= $?;
}
exit($failed ? 1 : 0);

# A TLS server on Perl's Net::SSLeay: CERTIFICATE ADDRESS PORT. Its context has a new and a remove callback; every
# answer shows the context's counters and how often the callbacks were called, the last line of the output as well.
use strict;
use warnings;
use IO::Socket::INET;
use Net::SSLeay;

my ($certificate, $address, $port) = @ARGV;
my %called = (new => 0, remove => 0);

sub make_context {
    my $context = Net::SSLeay::CTX_new_with_method(Net::SSLeay::TLS_server_method())
        or Net::SSLeay::die_now("no context");
    Net::SSLeay::set_cert_and_key($context, $certificate, $certificate) or die "no certificate";
    Net::SSLeay::CTX_set_options($context, Net::SSLeay::OP_NO_TICKET());
    Net::SSLeay::CTX_set_session_id_context($context, "perl", 4);
    Net::SSLeay::CTX_sess_set_new_cb($context, sub { $called{new}++; return 0 });
    Net::SSLeay::CTX_sess_set_remove_cb($context, sub { $called{remove}++; return });
    return $context;
}

sub counters {
    my ($context) = @_;
    my %value = (
        number  => Net::SSLeay::CTX_sess_number($context),
        accept  => Net::SSLeay::CTX_sess_accept($context),
        good    => Net::SSLeay::CTX_sess_accept_good($context),
        hits    => Net::SSLeay::CTX_sess_hits($context),
        cb_hits => Net::SSLeay::CTX_sess_cb_hits($context),
        misses  => Net::SSLeay::CTX_sess_misses($context),
        timeout => Net::SSLeay::CTX_sess_timeouts($context),
        full    => Net::SSLeay::CTX_sess_cache_full($context),
        size    => Net::SSLeay::CTX_sess_get_cache_size($context),
        mode    => Net::SSLeay::CTX_get_session_cache_mode($context),
        map { $_ . "_callbacks" => $called{$_} } keys %called,
    );
    return join ' ', map { "$_=$value{$_}" } sort keys %value;
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
        Net::SSLeay::write($ssl, "HTTP/1.0 200 OK\r\n\r\nperl cache: " . counters($context) . "\n");
        Net::SSLeay::shutdown($ssl);
    }
    Net::SSLeay::free($ssl);
    return;
}

my $leaving = 0;
local $SIG{TERM} = sub { $leaving = 1 };
local $SIG{PIPE} = 'IGNORE';
$| = 1;
my $context = make_context();
my $listener = IO::Socket::INET->new(LocalAddr => $address, LocalPort => $port, Listen => 64) or die "in use? $!";
print "ready\n";
while (!$leaving) {
    my $connection = $listener->accept() or next;
    answer($context, $connection);
    close $connection;
}
my $before = counters($context);
Net::SSLeay::CTX_free($context);
print "before: $before; after: new=$called{new} remove=$called{remove}\n";

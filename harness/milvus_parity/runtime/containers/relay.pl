# A relay. Clients knock at ports of the loopback of its network namespace; what they say goes to the harness through
# standard output, and what the harness answers comes through standard input. The other end is wire/relay.py.
#
# In Perl because that is in every image made from Debian or Ubuntu (perl-base), so in the official ones of all languages.
#
# Frames: kind (a letter), number (4 bytes), length (4 bytes), content. The harness asks, and is answered by the same:
#   l DOOR  listen at a port that no door here has had; the answer holds its number, or a complaint
#   r DOOR  refuse whoever comes, keep the port        a DOOR  accept again        s DOOR  give the port up (no answer)
#   y ANY   answer when all that clients have sent so far has been sent on
# Of connections, which are numbered here:
#   o CONNECTION  one was accepted; the content is its door (to the harness only)
#   d  data            c  so many bytes more may be sent          e  no more data will come
#   q  close once all is sent (from the harness only)             x  reset
use strict;
use warnings;
use Errno qw(EAGAIN EINTR ECONNABORTED);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY);

my $WINDOW = 1 << 18;    # bytes of a connection that may be under way, in each direction
my $PIECE  = 1 << 16;
my $ROUNDS = 100;        # so often is looked for more, before a client that never stops sending is left alone

my (%doors, %connections, %used);
my ($incoming, $outgoing, $last) = ('', '', 0);

sub unblocked { my $socket = shift; fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK); return $socket }
sub tell_harness { my ($kind, $number, $content) = @_; $outgoing .= pack('a N N/a*', $kind, $number, $content // '') }

sub bound {
    my $port = shift;
    socket(my $socket, PF_INET, SOCK_STREAM, 0) or return;
    setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
    return bind($socket, pack_sockaddr_in($port, INADDR_LOOPBACK)) ? unblocked($socket) : undef;
}

sub fresh_door {
    my ($socket, $port, @rejected);
    for (1 .. 64) {
        $socket = bound(0) or return "no port: $!";
        ($port) = unpack_sockaddr_in(getsockname($socket));
        last unless $used{$port};
        push @rejected, $socket;    # held until another is found
    }
    listen($socket, 128) or return "no port: $!";
    $used{$port} = 1;
    return { socket => $socket, port => $port, open => 1 };
}

sub accept_all {
    my ($number, $door) = @_;
    while (accept(my $socket, $door->{socket})) {
        setsockopt(unblocked($socket), IPPROTO_TCP, TCP_NODELAY, 1);
        $connections{++$last} = { socket => $socket, out => '', credit => $WINDOW, taken => 0 };
        tell_harness('o', $last, pack('N', $number));
    }
    # Out of file descriptors: who knocks waits until some are free.
    select(undef, undef, undef, 0.05) unless $!{EAGAIN} || $!{EINTR} || $!{ECONNABORTED};
}

sub lost {
    my ($number, $told) = @_;
    my $connection = delete $connections{$number} or return;
    setsockopt($connection->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));    # closed by a reset
    close($connection->{socket});
    tell_harness('x', $number) if $told;
}

sub read_client {
    my ($number, $connection) = @_;
    my $most = $connection->{credit} < $PIECE ? $connection->{credit} : $PIECE;
    my $got = sysread($connection->{socket}, my $data, $most);
    if (!defined $got) { lost($number, 1) unless $!{EAGAIN} || $!{EINTR} }
    elsif ($got) { $connection->{credit} -= $got; tell_harness('d', $number, $data) }
    else { $connection->{ended} = 1; tell_harness('e', $number) }
}

sub write_client {
    my ($number, $connection) = @_;
    if (length $connection->{out}) {
        my $sent = syswrite($connection->{socket}, $connection->{out}, $PIECE);
        if (!defined $sent) { lost($number, 1) unless $!{EAGAIN} || $!{EINTR}; return }
        substr($connection->{out}, 0, $sent, '');
        $connection->{taken} += $sent;
        if ($connection->{taken} > $WINDOW / 4) {
            tell_harness('c', $number, pack('N', $connection->{taken}));
            $connection->{taken} = 0;
        }
    }
    return if length $connection->{out};
    if ($connection->{closing}) { close($connection->{socket}); delete $connections{$number} }
    elsif ($connection->{finishing}) { shutdown($connection->{socket}, 1); $connection->{finishing} = 0 }
}

# What clients have sent and is wanted: sockets by their number.
sub wanted {
    my %sockets;
    for my $door (values %doors) { $sockets{ fileno($door->{socket}) } = 1 if $door->{open} }
    for my $connection (values %connections) {
        $sockets{ fileno($connection->{socket}) } = 1
            if $connection->{credit} > 0 && !$connection->{ended} && !$connection->{closing};
    }
    return \%sockets;
}

sub read_clients {
    my $ready = shift;
    for my $number (keys %connections) {
        my $connection = $connections{$number};
        read_client($number, $connection) if vec($ready, fileno($connection->{socket}), 1);
    }
    for my $number (keys %doors) {
        my $door = $doors{$number};
        accept_all($number, $door) if $door->{open} && vec($ready, fileno($door->{socket}), 1);
    }
}

sub settle {
    for (1 .. $ROUNDS) {
        my $ready = '';
        vec($ready, $_, 1) = 1 for keys %{ wanted() };
        return unless select($ready, undef, undef, 0) > 0;
        read_clients($ready);
    }
}

my %orders = (
    l => sub {
        my $number = shift;
        my $door = fresh_door();
        $doors{$number} = $door if ref $door;
        tell_harness('l', $number, ref $door ? $door->{port} : $door);
    },
    r => sub {
        my $number = shift;
        my $door = $doors{$number} or return tell_harness('r', $number);
        close($door->{socket});
        # Bound, but not listening: who connects is refused.
        $door->{socket} = bound($door->{port}) or die "port $door->{port} is lost: $!";
        $door->{open} = 0;
        tell_harness('r', $number);
    },
    a => sub {
        my $number = shift;
        my $door = $doors{$number};
        $door->{open} = listen($door->{socket}, 128) if $door && !$door->{open};
        tell_harness('a', $number);
    },
    s => sub { delete $doors{ $_[0] } },
    y => sub { settle(); tell_harness('y', $_[0]) },
    x => sub { lost($_[0], 0) },
    d => sub { my ($number, $data) = @_; $connections{$number}{out} .= $data if $connections{$number} },
    c => sub { my ($number, $more) = @_; $connections{$number}{credit} += unpack('N', $more) if $connections{$number} },
    e => sub { $connections{ $_[0] }{finishing} = 1 if $connections{ $_[0] } },
    q => sub { $connections{ $_[0] }{closing} = 1 if $connections{ $_[0] } },
);

sub obey {
    my $got = sysread(STDIN, $incoming, $PIECE, length $incoming);
    return if !defined $got && $!{EINTR};
    exit 0 unless $got;    # the harness is gone
    my $at = 0;
    while (length($incoming) - $at >= 9) {
        my ($kind, $number, $length) = unpack('a N N', substr($incoming, $at, 9));
        last if length($incoming) - $at < 9 + $length;
        ($orders{$kind} or die "no order: $kind")->($number, substr($incoming, $at + 9, $length));
        $at += 9 + $length;
    }
    substr($incoming, 0, $at, '');
}

$SIG{PIPE} = 'IGNORE';
unblocked(\*STDOUT);
tell_harness('y', 0);    # it is here
while (1) {
    my ($ready, $free) = ('', '');
    vec($ready, $_, 1) = 1 for 0, keys %{ wanted() };
    vec($free, 1, 1) = 1 if length $outgoing;
    for my $connection (values %connections) {
        vec($free, fileno($connection->{socket}), 1) = 1
            if length $connection->{out} || $connection->{finishing} || $connection->{closing};
    }
    next if select($ready, $free, undef, undef) < 0;
    for my $number (keys %connections) {
        my $connection = $connections{$number};
        write_client($number, $connection) if vec($free, fileno($connection->{socket}), 1);
    }
    read_clients($ready);
    obey() if vec($ready, 0, 1);
    if (length $outgoing) {
        my $sent = syswrite(STDOUT, $outgoing);
        exit 0 unless defined $sent || $!{EAGAIN} || $!{EINTR};
        substr($outgoing, 0, $sent, '') if $sent;
    }
}

/*
 * A TLS client that reconnects and says, one line a connection, whether its session was resumed.
 *
 *   resume_client [options] ADDRESS PORT VERSION PATTERN COUNT
 *
 * VERSION is 1.2 (by session id: no ticket is offered or accepted) or 1.3. PATTERN is what every connection offers:
 * `same` the session of -l, or else the last session of the first connection, `latest` the newest session of all. It makes
 * COUNT connections, asks for "/" by HTTP/1.0 on each, reads the answer to its end and closes with a close_notify.
 *
 *   -l FILE  offer the session of this file from the first connection on
 *   -s FILE  save the last session there
 *   -n NAME  server name to send (SNI)
 *   -c FILE  client certificate and key (PEM)
 *   -p PORT  another server, on this port of the same address: connections take turns (may be given several times)
 *   -t smtp  ask for TLS by SMTP's STARTTLS, then say QUIT instead of asking for "/"
 *   -t imap  IMAP within TLS from the start: log out instead of asking for "/"
 *   -t ftp   ask for TLS by FTP's AUTH TLS, then say QUIT instead of asking for "/"
 *
 * Output:  full|resumed TLSv1.x ticket=BYTES BODY     or     failed WHY
 * with '|' for the line breaks of the body (of the whole answer but for HTTP). A stateful TLS 1.3 ticket is the session id: 32 bytes.
 * Exit status 0 says only that the program could run.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { WHOLE_RUN_SECONDS = 120, ONE_READ_SECONDS = 10, DER_LIMIT = 65536, PORTS = 8 };

/* Sessions are kept as DER, not as objects: libssl marks a TLS 1.3 session that was used once as not resumable,
 * and `same` has to offer it again and again. */
struct der {
    unsigned char bytes[DER_LIMIT];
    long length;
};

static struct der offered;
static int keep_session;
static int have_session;
static size_t ticket_bytes;
static enum { HTTP, SMTP, IMAP, FTP } talk = HTTP;

static void die(const char *what)
{
    fprintf(stderr, "resume_client: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(2);
}

static int remember_session(SSL *ssl, SSL_SESSION *session)
{
    const unsigned char *ticket;
    unsigned char *end = offered.bytes;
    int length = i2d_SSL_SESSION(session, NULL);

    (void)ssl;
    SSL_SESSION_get0_ticket(session, &ticket, &ticket_bytes);
    if (keep_session)
        return 0;
    if (length <= 0 || length > DER_LIMIT)
        die("a session could not be kept");
    offered.length = i2d_SSL_SESSION(session, &end);
    have_session = 1;
    return 0;
}

static void load_session(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        die("cannot read the session file");
    offered.length = (long)fread(offered.bytes, 1, DER_LIMIT, file);
    have_session = offered.length > 0;
    fclose(file);
}

static void save_session(const char *path)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(offered.bytes, 1, (size_t)offered.length, file) != (size_t)offered.length)
        die("cannot write the session file");
    if (fclose(file) != 0)
        die("cannot finish the session file");
}

static int connect_tcp(const char *address, const char *port)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    struct timeval limit = {.tv_sec = ONE_READ_SECONDS};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0 || inet_pton(AF_INET, address, &peer.sin_addr) != 1)
        die("bad address");
    /* Else the request waits 40 ms behind the Finished of a resumed handshake (Nagle against delayed ACK). */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&peer, sizeof peer) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The body on one line. */
static const char *flat_body(char *answer)
{
    char *body = talk == HTTP ? strstr(answer, "\r\n\r\n") : answer, *at;

    if (body == NULL)
        return "(no body)";
    for (at = body += talk == HTTP ? 4 : 0; *at != '\0'; at++)
        if (*at == '\r' || *at == '\n')
            *at = '|';
    return body;
}

/* Acknowledge at once: a server without TCP_NODELAY writes nothing more before (Nagle against delayed ACK, 40 ms a
 * connection). The kernel forgets this wish, so it is repeated. */
static void acknowledge_at_once(SSL *ssl)
{
    int on = 1;

    setsockopt(SSL_get_fd(ssl), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* One reply of an SMTP or FTP server, maybe of several lines; whether it has the code that is hoped for. */
static int reply(int fd, const char *code)
{
    char line[512];
    size_t used;

    do {
        for (used = 0; used < sizeof line - 1; used++)
            if (read(fd, line + used, 1) != 1)
                return 0;
            else if (line[used] == '\n')
                break;
        if (used < 4 || strncmp(line, code, 3) != 0)
            return 0;
    } while (line[3] == '-');
    return 1;
}

static int send_line(int fd, const char *line)
{
    return write(fd, line, strlen(line)) == (ssize_t)strlen(line);
}

/* Asks for TLS, where it does not come first. */
static int start_tls(int fd)
{
    switch (talk) {
    case SMTP:
        return reply(fd, "220") && send_line(fd, "EHLO localhost\r\n") && reply(fd, "250")
               && send_line(fd, "STARTTLS\r\n") && reply(fd, "220");
    case FTP: return reply(fd, "220") && send_line(fd, "AUTH TLS\r\n") && reply(fd, "234");
    default: return 1;
    }
}

static int write_request(char *request, size_t size, const char *name)
{
    switch (talk) {
    case SMTP:
    case FTP: return snprintf(request, size, "QUIT\r\n");
    case IMAP: return snprintf(request, size, "a LOGOUT\r\n");
    default: return snprintf(request, size, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", name ? name : "localhost");
    }
}

/* One request; NULL, or what went wrong. */
static const char *exchange(SSL *ssl, char *answer, size_t size)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    char request[512];
    int length = write_request(request, sizeof request, name);
    size_t used = 0;
    int got;

    if (length <= 0 || length >= (int)sizeof request || SSL_write(ssl, request, length) <= 0)
        return "write";
    acknowledge_at_once(ssl);
    while ((got = SSL_read(ssl, answer + used, (int)(size - 1 - used))) > 0)
        used += (size_t)got, acknowledge_at_once(ssl);
    answer[used] = '\0';
    return SSL_get_error(ssl, got) == SSL_ERROR_ZERO_RETURN ? NULL : "read";
}

static void offer_session(SSL *ssl)
{
    const unsigned char *start = offered.bytes;
    SSL_SESSION *session = d2i_SSL_SESSION(NULL, &start, offered.length);

    if (session == NULL || SSL_set_session(ssl, session) != 1)
        die("a kept session could not be offered");
    SSL_SESSION_free(session);
}

static void report(SSL *ssl, const char *failure, char *answer)
{
    if (failure != NULL) {
        unsigned long code = ERR_peek_error();
        printf("failed %s: %s\n", failure, code == 0 ? "connection closed" : ERR_reason_error_string(code));
        return;
    }
    printf("%s %s ticket=%zu %s\n", SSL_session_reused(ssl) ? "resumed" : "full", SSL_get_version(ssl), ticket_bytes,
           flat_body(answer));
}

static void one_connection(SSL_CTX *ctx, const char *address, const char *port, const char *name)
{
    static char answer[65536];
    const char *failure;
    SSL *ssl = SSL_new(ctx);
    int fd = connect_tcp(address, port);

    if (ssl == NULL)
        die("SSL_new");
    ERR_clear_error();
    if (fd < 0 || SSL_set_fd(ssl, fd) != 1) {
        printf("failed connect: nobody listens\n");
        SSL_free(ssl);
        return;
    }
    if (!start_tls(fd)) {
        printf("failed connect: no STARTTLS\n");
        SSL_free(ssl);
        close(fd);
        return;
    }
    if (have_session)
        offer_session(ssl);
    if (name != NULL)
        SSL_set_tlsext_host_name(ssl, name);
    acknowledge_at_once(ssl);
    failure = SSL_connect(ssl) == 1 ? exchange(ssl, answer, sizeof answer) : "handshake";
    report(ssl, failure, answer);
    if (failure == NULL)
        SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
}

static SSL_CTX *client_context(const char *version, const char *certificate)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int number = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;

    if (ctx == NULL || !SSL_CTX_set_min_proto_version(ctx, number) || !SSL_CTX_set_max_proto_version(ctx, number))
        die("no client context");
    if (number == TLS1_2_VERSION)
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, remember_session);
    if (certificate != NULL && (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1
                                || SSL_CTX_use_PrivateKey_file(ctx, certificate, SSL_FILETYPE_PEM) != 1))
        die("no client certificate");
    return ctx;
}

int main(int argc, char **argv)
{
    const char *save = NULL, *name = NULL, *certificate = NULL, *ports[PORTS];
    int option, count, made, port_count = 1;
    SSL_CTX *ctx;

    while ((option = getopt(argc, argv, "l:s:n:c:p:t:")) != -1) {
        switch (option) {
        case 'l': load_session(optarg); break;
        case 's': save = optarg; break;
        case 'n': name = optarg; break;
        case 'c': certificate = optarg; break;
        case 'p':
            if (port_count == PORTS)
                die("too many ports");
            ports[port_count++] = optarg;
            break;
        case 't': talk = strcmp(optarg, "smtp") == 0 ? SMTP : strcmp(optarg, "ftp") == 0 ? FTP : IMAP; break;
        default: die("unknown option");
        }
    }
    if (argc - optind != 5)
        die("usage: resume_client [-l FILE] [-s FILE] [-n NAME] [-c FILE] [-p PORT] [-t smtp|imap|ftp] ADDRESS PORT VERSION PATTERN COUNT");
    argv += optind;
    signal(SIGPIPE, SIG_IGN);
    alarm(WHOLE_RUN_SECONDS);
    ctx = client_context(argv[2], certificate);
    ports[0] = argv[1];
    count = atoi(argv[4]);
    for (made = 0; made < count; made++) {
        keep_session = have_session && strcmp(argv[3], "same") == 0;
        one_connection(ctx, argv[0], ports[made % port_count], name);
    }
    if (save != NULL)
        save_session(save);
    SSL_CTX_free(ctx);
    return 0;
}

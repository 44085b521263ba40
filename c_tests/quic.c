/*
 * QUIC: the callbacks get the connection object, whose version is QUIC's own while
 * the session's is TLS 1.3. (Servers from 3.5 on, over loopback UDP.)
 */
#include "harness/harness.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#if OPENSSL_VERSION_NUMBER >= 0x30500000L && !defined(OPENSSL_NO_QUIC)

#include <openssl/quic.h>

enum { ROUNDS = 2000, TICK_MS = 5 };

static const unsigned char protocol[] = { 4, 't', 'e', 's', 't' };

static int choose(SSL *ssl, const unsigned char **out, unsigned char *length, const unsigned char *in,
                  unsigned int in_length, void *arg)
{
    (void)ssl, (void)in, (void)in_length, (void)arg;
    *out = protocol + 1;
    *length = 4;
    return SSL_TLSEXT_ERR_OK;
}

static int udp(struct sockaddr_in *address)
{
    socklen_t size = sizeof(*address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    memset(address, 0, sizeof(*address));
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)address, size) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)address, &size) == 0);
    return fd;
}

static int look_new(SSL *ssl, SSL_SESSION *session)
{
    note("new: %s, SSL's version %x, session's %x, reused %d, a connection %d", SSL_is_server(ssl) ? "server" : "client",
         (unsigned int)SSL_version(ssl), (unsigned int)SSL_SESSION_get_protocol_version(session),
         SSL_session_reused(ssl), SSL_is_connection(ssl));
    return 0;
}

static SSL_SESSION *look_get(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    (void)id;
    note("get: SSL's version %x, id of %d bytes, preset %d", (unsigned int)SSL_version(ssl), length, *copy);
    return NULL;
}

static void look_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx, (void)session;
    note("remove");
}

struct quic {
    SSL *listener, *server, *client;
    int fds[2];
};

static void begin(struct quic *q, SSL_CTX *server, SSL_CTX *client, SSL_SESSION *resume)
{
    struct sockaddr_in here, there;
    BIO_ADDR *peer = BIO_ADDR_new();

    q->server = NULL;
    q->fds[0] = udp(&here);
    q->fds[1] = udp(&there);
    CHECK(BIO_ADDR_rawmake(peer, AF_INET, &here.sin_addr, sizeof(here.sin_addr), here.sin_port));
    q->listener = SSL_new_listener(server, 0);
    q->client = SSL_new(client);
    CHECK(q->listener != NULL && q->client != NULL);
    CHECK(SSL_set_fd(q->listener, q->fds[0]) && SSL_set_fd(q->client, q->fds[1]));
    CHECK(SSL_set_blocking_mode(q->listener, 0) && SSL_set_blocking_mode(q->client, 0));
    CHECK(SSL_listen(q->listener));
    CHECK(SSL_set1_initial_peer_addr(q->client, peer));
    CHECK(SSL_set_alpn_protos(q->client, protocol, sizeof(protocol)) == 0);
    if (resume != NULL)
        CHECK(SSL_set_session(q->client, resume));
    BIO_ADDR_free(peer);
}

static void turn(struct quic *q)
{
    struct pollfd waiting[2] = { { q->fds[0], POLLIN, 0 }, { q->fds[1], POLLIN, 0 } };

    SSL_handle_events(q->listener);
    SSL_handle_events(q->client);
    if (q->server == NULL)
        q->server = SSL_accept_connection(q->listener, SSL_ACCEPT_CONNECTION_NO_BLOCK);
    else
        SSL_handle_events(q->server);
    poll(waiting, 2, TICK_MS);
    ERR_clear_error();
}

static int tickets;

static int count_client(SSL *ssl, SSL_SESSION *session)
{
    ++tickets;
    return look_new(ssl, session);
}

/* Until both are connected and the client has its ticket. */
static int connected(struct quic *q)
{
    int round;

    tickets = 0;
    for (round = 0; round < ROUNDS; ++round) {
        (void)SSL_do_handshake(q->client);
        turn(q);
        if (q->server != NULL && SSL_is_init_finished(q->server) && SSL_is_init_finished(q->client)
            && tickets > 0)
            return 1;
    }
    return 0;
}

/* A server's connection that was not shut down takes its session out of the cache. */
static void end(struct quic *q, int cleanly)
{
    int round, done = 0;

    for (round = 0; round < ROUNDS && !done; ++round) {
        done = SSL_shutdown(q->client) == 1;
        if (cleanly)
            done &= SSL_shutdown(q->server) == 1;
        turn(q);
    }
    SSL_free(q->server);
    SSL_free(q->client);
    SSL_free(q->listener);
    close(q->fds[0]);
    close(q->fds[1]);
    ERR_clear_error();
}

static void run(uint64_t options, long mode, int cleanly)
{
    SSL_CTX *server = SSL_CTX_new(OSSL_QUIC_server_method());
    SSL_CTX *client = SSL_CTX_new(OSSL_QUIC_client_method());
    SSL_SESSION *session = NULL;
    struct quic q;
    int i;

    printf("[options %d, mode %ld, ended %s]\n", options != 0, mode, cleanly ? "cleanly" : "by the client alone");
    identity_use(server, server_identity());
    CHECK(SSL_CTX_set_session_id_context(server, (const unsigned char *)"quic", 4));
    SSL_CTX_set_alpn_select_cb(server, choose, NULL);
    SSL_CTX_set_options(server, options);
    SSL_CTX_set_num_tickets(server, 1);
    SSL_CTX_set_session_cache_mode(server, mode);
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(server, look_new);
    SSL_CTX_sess_set_get_cb(server, look_get);
    SSL_CTX_sess_set_new_cb(client, count_client);
    for (i = 0; i < 2; ++i) {
        begin(&q, server, client, session);
        FACT("connected", connected(&q));
        FACT("resumed", SSL_session_reused(q.client));
        FACT("server's number", SSL_CTX_sess_number(server));
        FACT("client's number", SSL_CTX_sess_number(client));
        SSL_SESSION_free(session);
        session = SSL_get1_session(q.client);
        end(&q, cleanly);
    }
    FACT("hits", SSL_CTX_sess_hits(server));
    FACT("cb_hits", SSL_CTX_sess_cb_hits(server));
    FACT("misses", SSL_CTX_sess_misses(server));
    SSL_SESSION_free(session);
    SSL_CTX_sess_set_remove_cb(server, look_remove);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

int main(void)
{
    const long server = SSL_SESS_CACHE_SERVER;

    run(0, server, 1);
    run(SSL_OP_NO_TICKET, server, 1);
    run(SSL_OP_NO_TICKET, server, 0);
#ifndef SHARED_PROFILE
    /* There they resume. */
    run(SSL_OP_NO_TICKET, server | SSL_SESS_CACHE_NO_INTERNAL_LOOKUP, 1);
    run(SSL_OP_NO_TICKET, server | SSL_SESS_CACHE_NO_INTERNAL_STORE, 1);
#endif
    return 0;
}

#else

int main(void)
{
    part("no QUIC server in this version");
    return 0;
}

#endif

/* Operations on connections. */
#include "player.h"

#include <string.h>

#include <openssl/bio.h>

#include "../harness/certificates.h"
#include "../harness/facts.h"

/* What a connection is made with: one bit each. */
enum {
    EARLY_DATA = 1,
    CERTIFICATE = 2,
    OTHER_NAME = 4,
    SERVER_NAME = 8,
    SPOILED = 16,
    CUT = 32,
    DUPLICATED = 64,
    SWITCHED_BEFORE = 128,
    NO_TICKETS = 256,
    OTHER_GROUP = 512
};

enum { TURNS = 40 };

static int version_of(const struct context *context, unsigned long n)
{
    if (context->is_dtls)
        return DTLS1_2_VERSION;
    return n % 2 == 1 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

/* The connection comes from SSL_dup of one that has not started: its session context is the current one. */
static void duplicate(struct connection *connection)
{
    SSL *copy = SSL_dup(connection->server);

    CHECK(copy != NULL);
    connection_own(connection, copy);
    connection->from = context_of(SSL_get_SSL_CTX(connection->server));
    SSL_free(connection->server);
    connection->server = copy;
}

static void prepare_server(struct connection *connection, unsigned long flags, unsigned long n)
{
    struct context *other = flags & SWITCHED_BEFORE ? context_at(n % SERVERS) : NULL;

    if (other != NULL && other->is_dtls == connection->from->is_dtls)
        say("switched before %d", SSL_set_SSL_CTX(connection->server, other->ctx) == other->ctx);
    if (flags & DUPLICATED)
        duplicate(connection);
    if (flags & OTHER_NAME)
        CHECK(SSL_set_session_id_context(connection->server, (const unsigned char *)"other", 5));
    if (flags & NO_TICKETS)
        SSL_set_options(connection->server, SSL_OP_NO_TICKET);
    if (flags & OTHER_GROUP)
        CHECK(SSL_set1_groups_list(connection->server, "P-384"));
    SSL_set_accept_state(connection->server);
}

static void prepare_client(struct connection *connection, unsigned long flags, int version)
{
    SSL *client = connection->client;

    SSL_set_connect_state(client);
    CHECK(SSL_set_min_proto_version(client, version) && SSL_set_max_proto_version(client, version));
    if (flags & SERVER_NAME)
        CHECK(SSL_set_tlsext_host_name(client, "other.example"));
    if (flags & CERTIFICATE) {
        CHECK(SSL_use_certificate(client, client_identity()->certificate));
        CHECK(SSL_use_PrivateKey(client, client_identity()->key));
    }
    if (flags & OTHER_GROUP)
        CHECK(SSL_set1_groups_list(client, "P-256:P-384"));
}

static void early_data(struct connection *connection)
{
    unsigned char bytes[16];
    size_t written = 0, got = 0;
    int status;

    if (SSL_write_early_data(connection->client, "early", 5, &written) != 1) {
        say_errors("client");
        return;
    }
    do {
        status = SSL_read_early_data(connection->server, bytes, sizeof(bytes), &got);
        say("early data: status %d, %d", status, status == SSL_READ_EARLY_DATA_SUCCESS ? (int)got : 0);
    } while (status == SSL_READ_EARLY_DATA_SUCCESS);
    say_errors("server");
}

static const char *kind_of(const struct connection *connection)
{
    if (connection->from->is_dtls)
        return "dtls1.2";
    if (SSL_version(connection->server) != TLS1_3_VERSION)
        return "tls1.2";
    return SSL_CTX_get_options(connection->from->ctx) & SSL_OP_NO_TICKET ? "tls1.3-stateful" : "tls1.3";
}

/* Whose certificate the server has, and what it thinks of it. */
static const char *peer_of(const SSL *ssl)
{
    X509 *peer = SSL_get_peer_certificate(ssl);
    const char *name = peer == NULL ? "nobody" : X509_cmp(peer, client_identity()->certificate) == 0 ? "client" : "another";

    X509_free(peer);
    return name;
}

static void say_outcome(const struct connection *connection, int done)
{
    struct seen *mine;
    SSL_SESSION *session = SSL_get_session(connection->server);

    if (session != NULL) {
        mine = seen(session);
        if (home_of(mine) == NULL)
            mine->home = connection->from;
    }
    say("k%d %s %s: server has %s, early %d%s, of %s, peer %s, verified %ld", connection->number, kind_of(connection),
        !done ? "failed" : SSL_session_reused(connection->server) ? "resumed" : "full", session_name(session),
        SSL_get_early_data_status(connection->server),
        SSL_get_options(connection->server) & SSL_OP_NO_ANTI_REPLAY ? " unguarded" : "",
        context_name(context_of(SSL_get_SSL_CTX(connection->server))), peer_of(connection->server),
        SSL_get_verify_result(connection->server));
}

/* The client keeps what it got, to offer it another time. */
static void keep_ticket(struct connection *connection)
{
    SSL_SESSION *session = SSL_get1_session(connection->client);
    struct seen *found;

    if (session == NULL)
        return;
    found = seen(session);
    if (home_of(found) == NULL)
        found->home = connection->client_from;
    found->server = connection->from;
    hold(session, 1);
    say("client has %s, resumable %d", session_name(session), SSL_SESSION_is_resumable(session));
}

static void play_handshake(struct connection *connection, unsigned long flags, unsigned long n)
{
    SSL_SESSION *offered = SSL_get_session(connection->client);
    int turns = flags & CUT ? 1 + (int)(n % 3) : TURNS, done;

    if ((flags & EARLY_DATA) && offered != NULL && SSL_SESSION_get_max_early_data(offered) > 0)
        early_data(connection);
    done = handshake(connection, turns, flags & SPOILED ? 1 + (int)(n % 4) : 0);
    say_outcome(connection, done);
    if (done)
        keep_ticket(connection);
}

static void write_each(struct connection *connection)
{
    (void)SSL_write(connection->client, "client", 6);
    (void)SSL_write(connection->server, "server", 6);
    drain(connection);
}

enum { CLEAN = 1, NO_WORD, SERVER_ONLY, CLIENT_ONLY, QUIET, SPOILED_RECORD, END_OF_FILE, ENDINGS };

static void shut_down(struct connection *connection, unsigned long how)
{
    switch (how % ENDINGS) {
    case CLEAN:
        SSL_shutdown(connection->client);
        SSL_shutdown(connection->server);
        SSL_shutdown(connection->server);
        SSL_shutdown(connection->client);
        break;
    case SERVER_ONLY:
        SSL_shutdown(connection->server);
        break;
    case CLIENT_ONLY:
        SSL_shutdown(connection->client);
        drain(connection);
        break;
    case QUIET:
        SSL_set_shutdown(connection->server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        break;
    case SPOILED_RECORD: /* a fatal alert goes back */
        (void)SSL_write(connection->client, "spoiled", 7);
        spoil(connection->client, connection->server);
        drain(connection);
        break;
    case END_OF_FILE:
        (void)BIO_shutdown_wr(SSL_get_wbio(connection->client));
        drain(connection);
        break;
    default:
        break;
    }
    ERR_clear_error();
}

/* connect SERVER VERSION SESSION FLAGS ENDING: ENDING 0 leaves it open */
static void connect_to(const unsigned long *n)
{
    struct context *server = context_at(n[0] % SERVERS);
    struct context *client = context_at(server->is_dtls ? DTLS_CLIENT : TLS_CLIENT);
    int version = version_of(server, n[1]);
    SSL_SESSION *offered = held_offer(n[2], server, version);
    struct connection *connection;

    if (offered != NULL && resumes_marked(server, offered)) {
        say("not offered");
        offered = NULL;
    }
    /* An older connection may have to go, and a callback of its end may drop what is offered. */
    if (offered != NULL)
        CHECK(SSL_SESSION_up_ref(offered));
    connection = connection_new(server, client);
    say("k%d offers %s", connection->number, session_name(offered));
    prepare_server(connection, n[3], n[4] / ENDINGS);
    prepare_client(connection, n[3], version);
    connection_join(connection);
    if (offered != NULL && (connection->from == server || !resumes_marked(connection->from, offered)))
        CHECK(SSL_set_session(connection->client, offered));
    SSL_SESSION_free(offered);
    play_handshake(connection, n[3], n[4] / ENDINGS);
    if (n[4] % ENDINGS == 0)
        return;
    shut_down(connection, n[4]);
    connection_free(connection, n[2] / 8 % 2 == 1);
}

/* close CONNECTION HOW ORDER */
static void close_it(const unsigned long *n)
{
    struct connection *connection = connection_at(n[0]);

    if (connection == NULL)
        return;
    shut_down(connection, n[1]);
    connection_free(connection, n[2] % 2 == 1);
}

/* exchange CONNECTION */
static void exchange(const unsigned long *n)
{
    struct connection *connection = connection_at(n[0]);

    if (connection != NULL)
        write_each(connection);
}

/* A server of 1.1.1 that keeps its session over SSL_clear resumes it in TLS 1.3, whatever the client says. One that is
   marked loses its id by that, which breaks the table that it may stand in. */
static int resumes_by_itself(const struct connection *connection)
{
    SSL_SESSION *session = SSL_get_session(connection->server);

    return RESUMES_MARKED && session != NULL && is_marked(session);
}

/* again CONNECTION HOW FLAGS: both SSL objects are used once more, by SSL_clear */
static void again(const unsigned long *n)
{
    struct connection *connection = connection_at(n[0]);
    SSL_SESSION *offered;

    if (connection == NULL || resumes_by_itself(connection))
        return;
    shut_down(connection, n[1]);
    say("clear k%d: %d, %d", connection->number, SSL_clear(connection->server), SSL_clear(connection->client));
    offered = SSL_get_session(connection->client);
    if (offered != NULL && resumes_marked(connection->from, offered)) {
        say("not offered");
        CHECK(SSL_set_session(connection->client, NULL));
    }
    SSL_set_accept_state(connection->server);
    SSL_set_connect_state(connection->client);
    connection_join(connection);
    play_handshake(connection, n[2] & (EARLY_DATA | SPOILED | CUT), n[1] / ENDINGS);
}

/* renegotiate CONNECTION WITH_SESSION: the server asks for it */
static void renegotiate(const unsigned long *n)
{
    struct connection *connection = connection_at(n[0]);
    SSL_SESSION *offered;
    int i;

    if (connection == NULL || SSL_version(connection->server) == TLS1_3_VERSION
        || !SSL_is_init_finished(connection->server) || !SSL_is_init_finished(connection->client))
        return;
    offered = SSL_get_session(connection->client);
    if (offered != NULL && resumes_marked(connection->from, offered)) {
        say("not offered");
        return;
    }
    if (n[1] % 2 == 0)
        say("renegotiate %d", SSL_renegotiate(connection->server));
    else
        say("renegotiate abbreviated %d", SSL_renegotiate_abbreviated(connection->server));
    (void)SSL_do_handshake(connection->server);
    for (i = 0; i < 4; ++i)
        drain(connection);
    say_outcome(connection, SSL_is_init_finished(connection->server));
}

/* ticket CONNECTION: one more TLS 1.3 ticket */
static void ticket(const unsigned long *n)
{
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    struct connection *connection = connection_at(n[0]);

    if (connection == NULL)
        return;
    say("ticket %d", SSL_new_session_ticket(connection->server));
    ERR_clear_error();
    (void)SSL_do_handshake(connection->server);
    drain(connection);
#else
    (void)n;
#endif
}

/* burst SERVER VERSION: as many connections as it takes to the next automatic flush */
static void burst(const unsigned long *n)
{
    struct context *server = context_at(n[0] % SERVERS);
    unsigned long one[NUMBERS] = { n[0], n[1], 0, 0, CLEAN };
    int i;

    for (i = 0; i < 260 && (SSL_CTX_sess_accept_good(server->ctx) & 0xff) != 0xfe; ++i) {
        one[2] = (i & 7) == 0 ? 0 : 2;
        connect_to(one);
    }
}

const struct command connection_commands[] = {
    { "connect", connect_to, 0 },
    { "close", close_it, 0 },
    { "exchange", exchange, 0 },
    { "again", again, 0 },
    { "renegotiate", renegotiate, 0 },
    { "ticket", ticket, 0 },
    { "burst", burst, 0 },
    { NULL, NULL, 0 },
};

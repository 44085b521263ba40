#include "tls.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "certificates.h"
#include "facts.h"

enum { BUFFER = 128 * 1024, ROUNDS = 64 };

const char *kind_name(enum kind kind)
{
    static const char *const names[] = {
        "tls12-id", "tls12-ticket", "tls13-stateless", "tls13-stateful", "tls13-early",
        "dtls12-id",
    };

    return names[kind];
}

static SSL_CTX *context(enum kind kind, int is_server)
{
    SSL_CTX *ctx;
    int version = kind == TLS12_ID || kind == TLS12_TICKET ? TLS1_2_VERSION : TLS1_3_VERSION;

    if (kind == DTLS12_ID) {
        ctx = SSL_CTX_new(is_server ? DTLS_server_method() : DTLS_client_method());
        version = DTLS1_2_VERSION;
    } else {
        ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    }
    CHECK(ctx != NULL);
    CHECK(SSL_CTX_set_min_proto_version(ctx, version));
    CHECK(SSL_CTX_set_max_proto_version(ctx, version));
    CHECK(SSL_CTX_set1_groups_list(ctx, "P-256"));
    return ctx;
}

SSL_CTX *server_context(enum kind kind)
{
    SSL_CTX *ctx = context(kind, 1);

    identity_use(ctx, server_identity());
    CHECK(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"harness", 7));
    CHECK(SSL_CTX_set_num_tickets(ctx, 1));
    if (kind == TLS12_ID || kind == TLS13_STATEFUL || kind == DTLS12_ID)
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    if (kind == TLS13_EARLY) {
        CHECK(SSL_CTX_set_max_early_data(ctx, 4096));
        CHECK(SSL_CTX_set_recv_max_early_data(ctx, 4096));
    }
    return ctx;
}

SSL_CTX *client_context(enum kind kind)
{
    SSL_CTX *ctx = context(kind, 0);

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

void demand_client_certificate(SSL_CTX *server, SSL_CTX *client)
{
    CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(server), authority()->certificate));
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    identity_use(client, client_identity());
}

void pair_join(struct pair *pair)
{
    BIO *a = NULL, *b = NULL;

    CHECK(BIO_new_bio_pair(&a, BUFFER, &b, BUFFER));
    SSL_set_bio(pair->server, a, a);
    SSL_set_bio(pair->client, b, b);
}

struct pair pair_new(SSL_CTX *server, SSL_CTX *client, SSL_SESSION *resume)
{
    struct pair pair = { NULL, NULL, NULL, NULL };

    pair.server = SSL_new(server);
    pair.client = SSL_new(client);
    CHECK(pair.server != NULL && pair.client != NULL);
    pair_join(&pair);
    SSL_set_accept_state(pair.server);
    SSL_set_connect_state(pair.client);
    if (SSL_is_dtls(pair.server)) {
        /* A BIO pair knows no MTU to ask for. */
        SSL_set_options(pair.server, SSL_OP_NO_QUERY_MTU);
        SSL_set_options(pair.client, SSL_OP_NO_QUERY_MTU);
        SSL_set_mtu(pair.server, 4096);
        SSL_set_mtu(pair.client, 4096);
    }
    if (resume != NULL)
        CHECK(SSL_set_session(pair.client, resume));
    return pair;
}

/* 1 done, 0 wants the other side, -1 failed; then *reason is set. */
static int step(SSL *ssl, const char **reason)
{
    int done;

    ERR_clear_error();
    done = SSL_do_handshake(ssl);
    if (done == 1)
        return 1;
    switch (SSL_get_error(ssl, done)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    default:
        *reason = ERR_peek_error() == 0 ? "no reason" : ERR_reason_error_string(ERR_peek_error());
        ERR_clear_error();
        return -1;
    }
}

int handshake(struct pair *pair)
{
    int round, client = 0, server = 0;

    for (round = 0; round < ROUNDS; ++round) {
        if (client != -1)
            client = step(pair->client, &pair->client_error);
        if (server != -1)
            server = step(pair->server, &pair->server_error);
        if (client == 1 && server == 1) {
            read_tickets(pair);
            return 1;
        }
        /* After a failure the other side gets one more turn to read the alert. */
        if (client == -1 || server == -1) {
            if (client == 0)
                step(pair->client, &pair->client_error);
            return 0;
        }
    }
    pair->server_error = "did not finish";
    return 0;
}

int early_handshake(struct pair *pair, int *accepted)
{
    size_t written = 0, got = 0;
    unsigned char data[16];

    *accepted = 0;
    CHECK(SSL_write_early_data(pair->client, "early", 5, &written));
    if (SSL_read_early_data(pair->server, data, sizeof(data), &got) == SSL_READ_EARLY_DATA_SUCCESS)
        *accepted = got == 5 && memcmp(data, "early", 5) == 0;
    /* A second call reaches the end of the early data, or the same "none". */
    if (*accepted)
        (void)SSL_read_early_data(pair->server, data, sizeof(data), &got);
    return handshake(pair);
}

int exchange(struct pair *pair)
{
    char byte = 0;

    if (SSL_write(pair->client, "c", 1) != 1 || SSL_read(pair->server, &byte, 1) != 1 || byte != 'c')
        return 0;
    return SSL_write(pair->server, "s", 1) == 1 && SSL_read(pair->client, &byte, 1) == 1
        && byte == 's';
}

void read_tickets(struct pair *pair)
{
    char byte;

    (void)SSL_read(pair->client, &byte, 0);
    (void)SSL_peek(pair->client, &byte, 1);
    ERR_clear_error();
}

void close_clean(struct pair *pair)
{
    SSL_shutdown(pair->client);
    SSL_shutdown(pair->server);
    SSL_shutdown(pair->server);
    SSL_shutdown(pair->client);
    ERR_clear_error();
}

void pair_free(struct pair *pair)
{
    SSL_free(pair->server);
    SSL_free(pair->client);
    pair->server = pair->client = NULL;
}

const char *outcome(const struct pair *pair, int done)
{
    if (done)
        return SSL_session_reused(pair->server) ? "resumed" : "full";
    if (pair->server_error != NULL)
        return pair->server_error;
    return pair->client_error != NULL ? pair->client_error : "failed";
}

SSL_SESSION *connection(const char *name, SSL_CTX *server, SSL_CTX *client, SSL_SESSION *resume)
{
    struct pair pair = pair_new(server, client, resume);
    int done = handshake(&pair);
    SSL_SESSION *session = NULL;

    fact_text(name, outcome(&pair, done));
    if (done) {
        CHECK(exchange(&pair));
        session = SSL_get1_session(pair.client);
        close_clean(&pair);
    }
    pair_free(&pair);
    return session;
}

void session_drop(SSL_SESSION **session)
{
    SSL_SESSION_free(*session);
    *session = NULL;
}

void fact_counters(SSL_CTX *ctx)
{
    FACT("number", SSL_CTX_sess_number(ctx));
    FACT("connect", SSL_CTX_sess_connect(ctx));
    FACT("connect_good", SSL_CTX_sess_connect_good(ctx));
    FACT("connect_renegotiate", SSL_CTX_sess_connect_renegotiate(ctx));
    FACT("accept", SSL_CTX_sess_accept(ctx));
    FACT("accept_good", SSL_CTX_sess_accept_good(ctx));
    FACT("accept_renegotiate", SSL_CTX_sess_accept_renegotiate(ctx));
    FACT("hits", SSL_CTX_sess_hits(ctx));
    FACT("cb_hits", SSL_CTX_sess_cb_hits(ctx));
    FACT("misses", SSL_CTX_sess_misses(ctx));
    FACT("timeouts", SSL_CTX_sess_timeouts(ctx));
    FACT("cache_full", SSL_CTX_sess_cache_full(ctx));
}

/* test: valgrind=memcheck */
/*
 * A connection that ends without its close_notify takes its session along, in
 * the ways that libssl means it: by SSL_free, SSL_clear, alerts and end of file.
 */
#include "harness/harness.h"

typedef void ending(struct pair *pair);

static void just_free(struct pair *pair)
{
    (void)pair;
}

static void shutdown_once(struct pair *pair)
{
    FACT("shutdown", SSL_shutdown(pair->server));
}

static void quiet(struct pair *pair)
{
    SSL_set_quiet_shutdown(pair->server, 1);
    FACT("shutdown", SSL_shutdown(pair->server));
}

static void marked_sent(struct pair *pair)
{
    SSL_set_shutdown(pair->server, SSL_SENT_SHUTDOWN);
}

static void marked_received(struct pair *pair)
{
    SSL_set_shutdown(pair->server, SSL_RECEIVED_SHUTDOWN);
}

static void received_only(struct pair *pair)
{
    char byte;

    SSL_shutdown(pair->client);
    FACT("read", SSL_read(pair->server, &byte, 1));
    FACT("error", SSL_get_error(pair->server, 0));
}

static void end_of_file(struct pair *pair)
{
    char byte;
    int got;

    BIO_ctrl(SSL_get_wbio(pair->client), BIO_C_SHUTDOWN_WR, 0, NULL);
    got = SSL_read(pair->server, &byte, 1);
    FACT("read", got);
    FACT("error", SSL_get_error(pair->server, got));
    fact_error("reason");
}

static void alert_received(struct pair *pair)
{
    /* A record of type 21, fatal, in clear: bad for both versions in their own ways. */
    static const unsigned char garbage[] = { 21, 3, 3, 0, 2, 2, 40 };
    char byte;
    int got;

    CHECK(BIO_write(SSL_get_wbio(pair->client), garbage, sizeof(garbage)) == sizeof(garbage));
    got = SSL_read(pair->server, &byte, 1);
    FACT("read", got);
    fact_error("reason");
}

static void garbage_received(struct pair *pair)
{
    static const unsigned char garbage[] = { 23, 3, 3, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                             0,  0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    char byte;
    int got;

    CHECK(BIO_write(SSL_get_wbio(pair->client), garbage, sizeof(garbage)) == sizeof(garbage));
    got = SSL_read(pair->server, &byte, 1);
    FACT("read", got);
    fact_error("reason");
}

static void cleared(struct pair *pair)
{
    FACT("clear", SSL_clear(pair->server));
    FACT("has a session", SSL_get_session(pair->server) != NULL);
}

static void cleared_after_shutdown(struct pair *pair)
{
    SSL_shutdown(pair->server);
    FACT("clear", SSL_clear(pair->server));
    FACT("has a session", SSL_get_session(pair->server) != NULL);
}

static void other_session_set(struct pair *pair)
{
    SSL_SESSION *other = session_simple('O');

    FACT("set", SSL_set_session(pair->server, other));
    FACT("other ended", freed('O'));
    SSL_SESSION_free(other);
    FACT("other ended", freed('O'));
}

static void null_session_set(struct pair *pair)
{
    FACT("set", SSL_set_session(pair->server, NULL));
}

static const struct {
    const char *name;
    ending *end;
} endings[] = {
    { "SSL_free alone", just_free },
    { "one SSL_shutdown", shutdown_once },
    { "quiet shutdown", quiet },
    { "marked as sent", marked_sent },
    { "marked as received", marked_received },
    { "the peer's close_notify only", received_only },
    { "end of file", end_of_file },
    { "an alert in clear", alert_received },
    { "garbage", garbage_received },
    { "SSL_clear", cleared },
    { "SSL_clear after SSL_shutdown", cleared_after_shutdown },
    { "another session set", other_session_set },
    { "no session set", null_session_set },
};

static void ends(enum kind kind, size_t i, int resumed)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session = NULL, *next;
    struct pair pair;

    printf("[%s, %s, %s]\n", kind_name(kind), endings[i].name, resumed ? "resumed" : "full");
    app_install(server);
    if (resumed)
        session = connection("before", server, client, NULL);
    pair = pair_new(server, client, session);
    FACT("done", handshake(&pair));
    FACT("exchange", exchange(&pair));
    next = SSL_get1_session(pair.client);
    endings[i].end(&pair);
    FACT("number before SSL_free", SSL_CTX_sess_number(server));
    SSL_free(pair.server);
    FACT("number after", SSL_CTX_sess_number(server));
    /* The client must not take offence, or it would not offer the session. */
    SSL_set_shutdown(pair.client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(pair.client);
    session_drop(&session);
    session = connection("afterwards", server, client, next);
    session_drop(&session);
    session_drop(&next);
    context_free_told(server);
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

int main(void)
{
    static const enum kind kinds[] = { TLS12_ID, TLS12_TICKET, TLS13_STATEFUL, DTLS12_ID };
    size_t kind, i;

    for (kind = 0; kind < 4; ++kind)
        for (i = 0; i < sizeof(endings) / sizeof(endings[0]); ++i) {
            /* A datagram cannot end, and garbage in it is dropped. */
            if (kinds[kind] == DTLS12_ID && i >= 6 && i <= 8)
                continue;
            ends(kinds[kind], i, 0);
            ends(kinds[kind], i, 1);
        }
    return 0;
}

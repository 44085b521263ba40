/* test: only=linked | env=SESSCACHE_SHARED=anon:4M */
/* The host tier between processes that were forked from one: what is found, and what ends a session for all. */
#include "harness/harness.h"
#include "harness/workers.h"

static const enum kind kinds[] = { TLS12_ID, TLS13_STATEFUL, DTLS12_ID };

static void found_by_others(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct worker one = worker_start(server, client), two = worker_start(server, client);
    struct token token = worker_connect(&one);

    expect("the other one", worker_resume(&two, &token, 0), RESUMED);
    expect("and again", worker_resume(&two, &token, 0), RESUMED);
    expect("its own", worker_resume(&one, &token, 0), RESUMED);
    worker_end(&one);
    expect("after the first has ended", worker_resume(&two, &token, 0), RESUMED);
    worker_end(&two);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

static void ended_for_all(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct worker one = worker_start(server, client), two = worker_start(server, client);
    struct token token = worker_connect(&one), other = worker_connect(&one);

    expect("before", worker_resume(&two, &token, 0), RESUMED);
    worker_remove(&two, &token);
    expect("removed by another", worker_resume(&one, &token, 0), FULL);
    expect("one that was not", worker_resume(&two, &other, 0), RESUMED);

    other = worker_connect(&one);
    worker_flush(&two, 1);
    expect("after a flush of what has expired", worker_resume(&two, &other, 0), RESUMED);
    worker_flush(&two, 0);
    expect("after a flush of everything by another", worker_resume(&one, &other, 0), FULL);

    token = worker_connect(&one);
    other = worker_connect(&two);
    worker_flush(&one, time(NULL) + 100000);
    expect("flushed early by its own", worker_resume(&two, &token, 0), FULL);
    expect("another's", worker_resume(&one, &other, 0), RESUMED);

    token = worker_connect(&one);
    worker_free_context(&one);
    expect("after its context was freed", worker_resume(&two, &token, 0), RESUMED);
    worker_end(&one);
    worker_end(&two);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

/* Stock takes a session out that was not closed cleanly. */
static void unclean(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct worker two = worker_start(server, client);
    struct pair pair = pair_new(server, client, NULL);
    struct token token;
    SSL_SESSION *session;

    CHECK(handshake(&pair) && exchange(&pair));
    session = SSL_get1_session(pair.client);
    token = token_of(session);
    SSL_SESSION_free(session);
    expect("while it is open", worker_resume(&two, &token, 0), RESUMED);
    pair_free(&pair);
    expect("closed without a word", worker_resume(&two, &token, 0), FULL);
    worker_end(&two);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

static void by_mode(long mode, const char *name, enum came wanted)
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    struct worker one, two;
    struct token token;

    SSL_CTX_set_session_cache_mode(server, mode);
    one = worker_start(server, client);
    two = worker_start(server, client);
    token = worker_connect(&one);
    expect(name, worker_resume(&two, &token, 0), wanted);
    worker_set_mode(&two, SSL_SESS_CACHE_OFF);
    expect("  switched off there", worker_resume(&two, &token, 0), FULL);
    worker_end(&one);
    worker_end(&two);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

/* What has to make room in one process's cache stays for all: eviction is not invalidation. */
static void evicted(void)
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    struct worker one, two;
    struct token token;

    SSL_CTX_sess_set_cache_size(server, 2);
    one = worker_start(server, client);
    two = worker_start(server, client);
    token = worker_connect(&one);
    worker_connect(&one);
    worker_connect(&one);
    worker_connect(&one);
    CHECK(worker_number(&one) <= 2);
    expect("evicted, by another", worker_resume(&two, &token, 0), RESUMED);
    expect("evicted, by its own", worker_resume(&one, &token, 0), RESUMED);
    worker_end(&one);
    worker_end(&two);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

static void client_certificate(void)
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    struct worker one;
    struct token token;
    struct pair pair;
    SSL_SESSION *session;
    X509 *peer;

    demand_client_certificate(server, client);
    CHECK(SSL_CTX_add_client_CA(server, authority()->certificate));
    one = worker_start(server, client);
    token = worker_connect(&one);
    session = token_session(&token);
    pair = pair_new(server, client, session);
    CHECK(handshake(&pair));
    CHECK(SSL_session_reused(pair.server));
    peer = SSL_get_peer_certificate(pair.server);
    CHECK(SSL_get_verify_result(pair.server) == X509_V_OK);
    CHECK(peer != NULL && X509_cmp(peer, client_identity()->certificate) == 0);
    X509_free(peer);
    close_clean(&pair);
    pair_free(&pair);
    SSL_SESSION_free(session);
    worker_end(&one);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

int main(void)
{
    size_t at;

    for (at = 0; at < sizeof(kinds) / sizeof(kinds[0]); ++at) {
        part(kind_name(kinds[at]));
        found_by_others(kinds[at]);
        ended_for_all(kinds[at]);
        unclean(kinds[at]);
    }
    part("modes");
    by_mode(SSL_SESS_CACHE_SERVER, "server", RESUMED);
    by_mode(SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL, "server, no internal cache", RESUMED);
    by_mode(SSL_SESS_CACHE_CLIENT, "client", FULL);
    by_mode(SSL_SESS_CACHE_OFF, "off", FULL);
    part("eviction");
    evicted();
    part("client certificates");
    client_certificate();
    return 0;
}

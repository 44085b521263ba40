/* test: only=linked | env=SESSCACHE_SHARED=anon:4M | env=SESSCACHE_TICKETS=stateful */
/* Who gets tickets that pass the cache by, when the operator wants none: those who asked for them. */
#include "harness/harness.h"
#include "harness/workers.h"

/* A ticket of TLS 1.3 that is as long as an id names a session in the cache. */
static int holds_session(SSL_SESSION *session)
{
    const unsigned char *ticket;
    size_t length;

    SSL_SESSION_get0_ticket(session, &ticket, &length);
    return length > 32;
}

static void expect_ticket(const char *name, struct pair *pair, int wanted)
{
    SSL_SESSION *session;

    CHECK(handshake(pair) && exchange(pair));
    session = SSL_get1_session(pair->client);
    fact_text(name, holds_session(session) ? "ticket" : "no ticket");
    CHECK(holds_session(session) == wanted);
    SSL_SESSION_free(session);
    close_clean(pair);
    pair_free(pair);
}

static void connects(const char *name, SSL_CTX *server, SSL_CTX *client, int wanted)
{
    struct pair pair = pair_new(server, client, NULL);

    expect_ticket(name, &pair, wanted);
}

static void resumes_elsewhere(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct worker one = worker_start(server, client), two = worker_start(server, client);
    struct token token = worker_connect(&one);

    expect("in another process", worker_resume(&two, &token, 0), RESUMED);
    worker_end(&one);
    worker_end(&two);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

static void policy(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct pair pair;

    connects("cache on", server, client, 0);
    CHECK((SSL_CTX_get_options(server) & SSL_OP_NO_TICKET) == 0);

    /* The role is chosen while the cache is off. */
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
    connects("cache off", server, client, 1);
    pair = pair_new(server, client, NULL);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER);
    expect_ticket("cache off, on later", &pair, 1);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_CLIENT);
    connects("cache for clients", server, client, 1);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    connects("cache without the internal one", server, client, 0);

    /* One connection decides for itself. */
    pair = pair_new(server, client, NULL);
    SSL_clear_options(pair.server, SSL_OP_NO_TICKET);
    expect_ticket("cleared on the connection", &pair, 1);
    connects("the next one", server, client, 0);
    pair = pair_new(server, client, NULL);
    SSL_clear_options(pair.server, SSL_OP_NO_TICKET);
    SSL_set_accept_state(pair.server);
    expect_ticket("cleared, and the role chosen again", &pair, 1);

    /* The context decides. */
    SSL_CTX_clear_options(server, SSL_OP_NO_TICKET);
    connects("cleared on the context", server, client, 1);
    SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
    connects("set on the context", server, client, 0);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

/* One context that is both: what it connects to others keeps its tickets. */
static void client_of_a_server(void)
{
    SSL_CTX *upstream = server_context(TLS12_TICKET), *both = SSL_CTX_new(TLS_method());
    SSL_CTX *client = client_context(TLS12_TICKET);

    SSL_CTX_clear_options(upstream, SSL_OP_NO_TICKET);
    identity_use(both, server_identity());
    CHECK(SSL_CTX_set_max_proto_version(both, TLS1_2_VERSION));
    connects("it as a server", both, client, 0);
    connects("it as a client", upstream, both, 1);
    SSL_CTX_free(client);
    SSL_CTX_free(both);
    SSL_CTX_free(upstream);
}

/* No function chooses the role but SSL_accept. */
static void by_accept(void)
{
    SSL_CTX *server = server_context(TLS12_TICKET), *client = client_context(TLS12_TICKET);
    struct pair pair = { SSL_new(server), SSL_new(client), NULL, NULL };

    pair_join(&pair);
    SSL_set_connect_state(pair.client);
    CHECK(SSL_accept(pair.server) <= 0);
    expect_ticket("by SSL_accept", &pair, 0);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

/* libssl copies the option, so it has to be known whose it is. */
static void duplicated(void)
{
    SSL_CTX *server = server_context(TLS12_TICKET), *client = client_context(TLS12_TICKET);
    struct pair pair = pair_new(server, client, NULL);
    SSL *copy = SSL_dup(pair.server);

    CHECK(copy != NULL);
    CHECK((SSL_get_options(copy) & SSL_OP_NO_TICKET) == 0);
    SSL_free(pair.server);
    pair.server = copy;
    pair_join(&pair);
    expect_ticket("a duplicate", &pair, 0);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

/* Nothing of such a program is shared, so a ticket is all that another process can resume by. */
static void with_data_on_sessions(void)
{
    SSL_CTX *server = server_context(TLS12_TICKET), *client = client_context(TLS12_TICKET);

    CHECK(SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, NULL) > 0);
    connects("with data on sessions", server, client, 1);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

static SSL_CTX *named;

/* As nginx does it: the connection gets the other context's options, and loses what that does not have. */
static int switch_to_named(SSL *ssl, int *alert, void *arg)
{
    (void)alert, (void)arg;
    CHECK(SSL_set_SSL_CTX(ssl, named) == named);
    SSL_clear_options(ssl, SSL_get_options(ssl) & ~SSL_CTX_get_options(named));
    SSL_set_options(ssl, SSL_CTX_get_options(named));
    CHECK((SSL_get_options(ssl) & SSL_OP_NO_TICKET) == 0);
    return SSL_TLSEXT_ERR_OK;
}

/* The ticket that it is given is of the kind that it was looked for by. */
static void by_name(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);

    named = server_context(kind);
    SSL_CTX_set_tlsext_servername_callback(server, switch_to_named);
    connects("switched by name", server, client, 0);
    SSL_CTX_free(named);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

int main(void)
{
    part("tls12");
    policy(TLS12_TICKET);
    by_name(TLS12_TICKET);
    resumes_elsewhere(TLS12_TICKET);
    part("tls13");
    policy(TLS13_STATELESS);
    by_name(TLS13_STATELESS);
    resumes_elsewhere(TLS13_STATELESS);
    part("both roles");
    client_of_a_server();
    by_accept();
    duplicated();
    with_data_on_sessions();
    return 0;
}

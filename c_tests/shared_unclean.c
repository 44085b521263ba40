/* test: only=linked | env=SESSCACHE_SHARED=anon:4M | env=SESSCACHE_TICKETS=stateful */
/*
 * A ticket that holds the session outlives a connection that was not closed cleanly. So must the session whose server forgoes such tickets
 * by our doing. One that forgoes them by its own wish keeps libssl's way: the session is gone, for all.
 */
#include "harness/harness.h"
#include "harness/workers.h"

/* The session of a connection that neither side closed. */
static struct token unclean(SSL_CTX *server, SSL_CTX *client)
{
    struct pair pair = pair_new(server, client, NULL);
    SSL_SESSION *session;
    struct token token;

    CHECK(handshake(&pair) && exchange(&pair));
    session = SSL_get1_session(pair.client);
    token = token_of(session);
    SSL_SESSION_free(session);
    pair_free(&pair);
    return token;
}

static void of_kind(enum kind kind, int own_wish, enum came wanted)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct worker other;
    struct token token;
    SSL_SESSION *session;

    printf("[%s, %s]\n", kind_name(kind), own_wish ? "no tickets by its own wish" : "tickets, but for us");
    if (own_wish)
        SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
    other = worker_start(server, client);
    token = unclean(server, client);
    expect("here", resume_here(server, client, &token, 0), wanted);
    expect("by another process", worker_resume(&other, &token, 0), wanted);
    /* The application's own removal ends it in any case. (A client's object of TLS 1.3 does not know the id.) */
    token = connect_here(server, client);
    session = token_session(&token);
    SSL_CTX_remove_session(server, session);
    SSL_SESSION_free(session);
    if (kind == TLS12_TICKET)
        expect("after it was removed", worker_resume(&other, &token, 0), FULL);
    worker_end(&other);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

int main(void)
{
    of_kind(TLS12_TICKET, 0, RESUMED);
    of_kind(TLS12_TICKET, 1, FULL);
    of_kind(TLS13_STATELESS, 0, RESUMED);
    of_kind(TLS13_STATELESS, 1, FULL);
    return 0;
}

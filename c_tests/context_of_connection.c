/* test: valgrind=memcheck */
/*
 * SSL_set_SSL_CTX and SSL_dup outside of any handshake: whose cache and callbacks
 * count afterwards.
 */
#include "harness/harness.h"

static SSL_CTX *first, *second, *client;

static int first_new(SSL *ssl, SSL_SESSION *session)
{
    (void)session;
    note("new: first's, current is the %s", SSL_get_SSL_CTX(ssl) == first ? "first" : "second");
    return 0;
}

static int second_new(SSL *ssl, SSL_SESSION *session)
{
    (void)session;
    note("new: second's, current is the %s", SSL_get_SSL_CTX(ssl) == first ? "first" : "second");
    return 0;
}

static void begin(const char *name)
{
    part(name);
    first = server_context(TLS12_ID);
    second = server_context(TLS12_ID);
    client = client_context(TLS12_ID);
    SSL_CTX_sess_set_new_cb(first, first_new);
    SSL_CTX_sess_set_new_cb(second, second_new);
}

static void finish(struct pair *pair)
{
    FACT("done", handshake(pair));
    FACT("in the first", SSL_CTX_sess_number(first));
    FACT("in the second", SSL_CTX_sess_number(second));
    close_clean(pair);
    pair_free(pair);
    SSL_CTX_free(first);
    SSL_CTX_free(second);
    SSL_CTX_free(client);
}

static void switched_before(void)
{
    struct pair pair;

    begin("switched before the handshake");
    pair = pair_new(first, client, NULL);
    fact_same("returns", SSL_set_SSL_CTX(pair.server, second), second);
    fact_same("current", SSL_get_SSL_CTX(pair.server), second);
    finish(&pair);
}

static void switched_and_back(void)
{
    struct pair pair;

    begin("switched and back");
    pair = pair_new(first, client, NULL);
    SSL_set_SSL_CTX(pair.server, second);
    fact_same("returns", SSL_set_SSL_CTX(pair.server, first), first);
    finish(&pair);
}

static void switched_to_null(void)
{
    struct pair pair;

    begin("switched to NULL: back to where it came from");
    pair = pair_new(first, client, NULL);
    SSL_set_SSL_CTX(pair.server, second);
    fact_same("returns", SSL_set_SSL_CTX(pair.server, NULL), first);
    finish(&pair);
}

static void switched_to_itself(void)
{
    struct pair pair;

    begin("switched to itself");
    pair = pair_new(first, client, NULL);
    fact_same("returns", SSL_set_SSL_CTX(pair.server, first), first);
    finish(&pair);
}

/* The duplicate is made from the current context, so that is where its sessions go. */
static void duplicated(int switched)
{
    struct pair pair;
    SSL *copy;

    begin(switched ? "duplicated after a switch" : "duplicated");
    pair = pair_new(first, client, NULL);
    if (switched)
        SSL_set_SSL_CTX(pair.server, second);
    copy = SSL_dup(pair.server);
    CHECK(copy != NULL);
    fact_same("current of the duplicate is the second", SSL_get_SSL_CTX(copy), second);
    FACT("another object", copy != pair.server);
    SSL_free(pair.server);
    pair.server = copy;
    pair_join(&pair);
    finish(&pair);
}

/* Asking about an id follows the context of origin too. */
static void matching_ids(void)
{
    SSL_SESSION *session = session_simple('A');
    SSL *ssl;

    begin("SSL_has_matching_session_id");
    CHECK(SSL_CTX_add_session(first, session));
    ssl = SSL_new(first);
    FACT("before", SSL_has_matching_session_id(ssl, (const unsigned char *)"A", 1));
    SSL_set_SSL_CTX(ssl, second);
    FACT("after a switch", SSL_has_matching_session_id(ssl, (const unsigned char *)"A", 1));
    SSL_free(ssl);
    ssl = SSL_new(second);
    FACT("of the second", SSL_has_matching_session_id(ssl, (const unsigned char *)"A", 1));
    SSL_free(ssl);
    SSL_SESSION_free(session);
    SSL_CTX_free(first);
    SSL_CTX_free(second);
    SSL_CTX_free(client);
    FACT("ended", freed('A'));
}

/* The first context is freed by its owner while the switched connection lives. */
static void outlived(void)
{
    struct pair pair;

    begin("the first context lives on in the connection alone");
    pair = pair_new(first, client, NULL);
    SSL_set_SSL_CTX(pair.server, second);
    SSL_CTX_up_ref(first);
    SSL_CTX_free(first);
    finish(&pair);
}

int main(void)
{
    switched_before();
    switched_and_back();
    switched_to_null();
    switched_to_itself();
    duplicated(0);
    duplicated(1);
    matching_ids();
    outlived();
    return 0;
}

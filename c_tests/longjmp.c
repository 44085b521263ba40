/* test: leaks=yes */
/*
 * Callbacks that leave by longjmp, out through libssl (Perl's die does that). The
 * context must go on working. Only where libssl holds no lock at that moment.
 */
#include "harness/harness.h"

#include <setjmp.h>

static jmp_buf away;
static volatile int jumped;

static void jump(void)
{
    ++jumped;
    longjmp(away, 1);
}

static int jumping_new(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    jump();
    return 0;
}

static void jumping_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx, (void)session;
    jump();
}

static SSL_SESSION *jumping_get(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    (void)ssl, (void)id, (void)length, (void)copy;
    jump();
    return NULL;
}

/* The context as a whole: cache, callbacks and counters. */
static void works_on(SSL_CTX *server, SSL_CTX *client)
{
    SSL_SESSION *session, *next;

    app_install(server);
    session = connection("afterwards", server, client, NULL);
    next = connection("resumed", server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&next);
    session_drop(&session);
}

/* The broken connection is given up: no more is known of it than that it may be freed. */
static void from_handshake(enum kind kind, const char *name, int which)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *volatile session = NULL;
    struct pair pair;

    printf("[%s, %s]\n", kind_name(kind), name);
    jumped = 0;
    if (which == 1) {
        session = connection("first", server, client, NULL);
        context_flush(server, 0);
        SSL_CTX_sess_set_get_cb(server, jumping_get);
    } else {
        SSL_CTX_sess_set_new_cb(server, jumping_new);
    }
    pair = pair_new(server, client, session);
    if (setjmp(away) == 0)
        FACT("done", handshake(&pair));
    FACT("jumped", jumped);
    SSL_set_quiet_shutdown(pair.server, 1);
    SSL_set_shutdown(pair.server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    pair_free(&pair);
    SSL_SESSION_free(session);
    works_on(server, client);
    /* Sessions of the broken handshake may have lost a reference to the jump: not counted. */
    SSL_CTX_sess_set_remove_cb(server, NULL);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    app_reset();
}

static void from_removal(void)
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    SSL_SESSION *session = session_simple('A');
    volatile int i;

    part("remove callback, of SSL_CTX_remove_session");
    jumped = 0;
    SSL_CTX_sess_set_remove_cb(server, jumping_remove);
    for (i = 0; i < 5; ++i) {
        CHECK(SSL_CTX_add_session(server, session));
        if (setjmp(away) == 0)
            SSL_CTX_remove_session(server, session);
        note("jumped %d, number %ld", jumped, SSL_CTX_sess_number(server));
    }
    SSL_SESSION_free(session);
    works_on(server, client);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

/* Many in a row: nothing that counts depth may run full. */
static void many(void)
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    volatile int i;

    part("many jumps");
    jumped = 0;
    for (i = 0; i < 40; ++i) {
        struct pair pair = pair_new(server, client, NULL);

        SSL_CTX_sess_set_new_cb(server, jumping_new);
        if (setjmp(away) == 0)
            handshake(&pair);
        SSL_set_shutdown(pair.server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        pair_free(&pair);
    }
    FACT("jumped", jumped);
    FACT("number", SSL_CTX_sess_number(server));
    works_on(server, client);
    SSL_CTX_sess_set_remove_cb(server, NULL);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    app_reset();
}

int main(void)
{
    from_handshake(TLS12_ID, "new callback", 0);
    from_handshake(TLS12_ID, "get callback", 1);
    from_handshake(TLS13_STATEFUL, "new callback", 0);
    from_handshake(TLS13_STATEFUL, "get callback", 1);
    from_removal();
    many();
    return 0;
}

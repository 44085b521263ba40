/* test: valgrind=memcheck */
/*
 * The end of a context: the remove callback runs for every session while the
 * context's ex_data is still there, whoever gives up the last reference.
 */
#include "harness/harness.h"

static int slot;
static int slot_freed;

static void slot_free(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    if (ptr != NULL)
        ++slot_freed;
}

static void read_slot(SSL_CTX *ctx, SSL_SESSION *session)
{
    const char *text = (const char *)SSL_CTX_get_ex_data(ctx, slot);
    void *app_data = SSL_CTX_get_app_data(ctx);

    (void)session;
    note("ex_data %s, app data %s, freed so far %d", text == NULL ? "NULL" : text,
         app_data == NULL ? "NULL" : (const char *)app_data, slot_freed);
}

static SSL_CTX *context(void)
{
    SSL_CTX *ctx = server_context(TLS12_ID);
    char label;

    slot_freed = 0;
    app_install(ctx);
    app.on_remove = read_slot;
    CHECK(SSL_CTX_set_ex_data(ctx, slot, (void *)"in the slot"));
    CHECK(SSL_CTX_set_app_data(ctx, (void *)"in the app data"));
    for (label = 'A'; label <= 'C'; ++label) {
        SSL_SESSION *session = session_timed(label, 100000 + label, 100000);

        CHECK(SSL_CTX_add_session(ctx, session));
        SSL_SESSION_free(session);
    }
    return ctx;
}

static void told(void)
{
    FACT("ex_data freed", slot_freed);
    FACT("sessions ended", freed('A') + freed('B') + freed('C'));
    fact_calls("calls");
    app_reset();
}

static void by_its_owner(void)
{
    SSL_CTX *ctx = context();

    part("by SSL_CTX_free");
    FACT("extra reference", SSL_CTX_up_ref(ctx));
    SSL_CTX_free(ctx);
    FACT("still there", SSL_CTX_sess_number(ctx));
    context_free_told(ctx);
    told();
}

static void by_a_connection(void)
{
    SSL_CTX *ctx = context();
    SSL *ssl = SSL_new(ctx);

    part("by SSL_free");
    SSL_CTX_free(ctx);
    FACT("still there", SSL_CTX_sess_number(ctx));
    gather_begin();
    SSL_free(ssl);
    gather_end("removed by the end of the connection");
    told();
}

static void with_a_live_connection(void)
{
    SSL_CTX *ctx = context(), *client = client_context(TLS12_ID);
    struct pair pair = pair_new(ctx, client, NULL);

    part("by a connection after its handshake, closed uncleanly");
    SSL_CTX_free(ctx);
    SSL_CTX_free(client);
    FACT("done", handshake(&pair));
    gather_begin();
    pair_free(&pair);
    gather_end("removed by the end of the connection");
    told();
}

static void without_callback(void)
{
    SSL_CTX *ctx = context();

    part("remove callback taken away before");
    SSL_CTX_sess_set_remove_cb(ctx, NULL);
    context_free_told(ctx);
    told();
}

static void held_sessions(void)
{
    SSL_CTX *ctx = context();
    SSL_SESSION *held = session_simple('H');

    part("a session outlives the context");
    CHECK(SSL_CTX_add_session(ctx, held));
    context_free_told(ctx);
    FACT("resumable", SSL_SESSION_is_resumable(held));
    FACT("ended", freed('H'));
    /* Its former owner is gone: neither of these may look for it. */
    FACT("set_timeout", session_set_timeout(held, 5));
    FACT("set_time", session_set_time(held, 777));
    SSL_SESSION_free(held);
    FACT("ended", freed('H'));
    told();
}

/* The next context may well get the same address: it must know nothing. */
static void address_reused(void)
{
    int round, leftovers = 0;

    part("one context after the other");
    for (round = 0; round < 50; ++round) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_method());
        SSL_SESSION *session = session_simple('R');

        leftovers += SSL_CTX_sess_number(ctx) != 0 || has_id(ctx, "R")
            || SSL_CTX_sess_get_remove_cb(ctx) != NULL || SSL_CTX_sess_get_cache_size(ctx) != 20480
            || SSL_CTX_get_session_cache_mode(ctx) != SSL_SESS_CACHE_SERVER;
        SSL_CTX_add_session(ctx, session);
        SSL_CTX_sess_set_cache_size(ctx, round);
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        SSL_CTX_sess_set_remove_cb(ctx, app_remove);
        app.quiet = 1;
        SSL_SESSION_free(session);
        SSL_CTX_free(ctx);
    }
    FACT("leftovers", leftovers);
    FACT("ended", freed('R'));
    told();
}

int main(void)
{
    slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, slot_free);
    CHECK(slot >= 0);
    by_its_owner();
    by_a_connection();
    with_a_live_connection();
    without_callback();
    held_sessions();
    address_reused();
    SSL_CTX_free(NULL);
    return 0;
}

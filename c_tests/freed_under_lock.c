/*
 * Free functions of a session's data that call back into the cache which lets it go: where libssl does so under its lock, what
 * they ask is refused. (1.1.1 takes the lock twice and goes on, which ends in no defined way: left out.)
 */
#include "harness/harness.h"

static SSL_CTX *ctx;
static SSL_SESSION *extra;
static int index_of_name;

static void come_back(void *parent, void *name, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    static int within;

    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    if (name == NULL || within)
        return;
    within = 1;
    note("%s ends: number %ld, evicted %ld", (const char *)name, SSL_CTX_sess_number(ctx), SSL_CTX_sess_cache_full(ctx));
    note("  added %d, found %d", SSL_CTX_add_session(ctx, extra), has_id(ctx, "X"));
    note("  time of another %ld", session_set_time(extra, 5000));
    note("  number %ld", SSL_CTX_sess_number(ctx));
    within = 0;
}

static void removed(SSL_CTX *told, SSL_SESSION *session)
{
    CHECK(told == ctx);
    note("removed %c", label_of(session));
}

static void store(char label, const char *id, const char *name)
{
    SSL_SESSION *session = session_made(label, TLS1_3_VERSION, id, 1800000000 + label, 100000);

    CHECK(SSL_SESSION_set_ex_data(session, index_of_name, (void *)name));
    FACT("added", SSL_CTX_add_session(ctx, session));
    SSL_SESSION_free(session);
}

static void begin(const char *name)
{
    part(name);
    ctx = SSL_CTX_new(TLS_method());
    extra = session_made('X', TLS1_3_VERSION, "X", 1000, 100000);
    SSL_CTX_sess_set_remove_cb(ctx, removed);
}

static void finish(void)
{
    FACT("number", SSL_CTX_sess_number(ctx));
    context_flush(ctx, 0);
    FACT("after a flush of everything", SSL_CTX_sess_number(ctx));
    SSL_CTX_free(ctx);
    SSL_SESSION_free(extra);
}

int main(void)
{
    if (OpenSSL_version_num() < 0x30000000UL) {
        part("nothing on 1.1.1");
        return 0;
    }
    index_of_name = SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, come_back);
    begin("evicted");
    SSL_CTX_sess_set_cache_size(ctx, 2);
    store('A', "A", "the first");
    store('B', "B", "the second");
    store('C', "C", "the third");
    finish();
    begin("replaced");
    store('A', "A", "the first");
    store('B', "A", "the second");
    finish();
    begin("expired");
    store('A', "A", "the first");
    context_flush(ctx, 1900000000);
    finish();
    return 0;
}

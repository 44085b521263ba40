#include "callbacks.h"

#include <string.h>

#include "facts.h"
#include "sessions.h"

struct app app;

/* Sessions of handshakes are labelled 1, 2, ... as the new callback meets them. */
static const char names[] = "123456789abcdefghijklmnopqrstuvwxyz";
static size_t named;

static void name_session(SSL_SESSION *session)
{
    if (label_of(session) == '?')
        label_set(session, names[named++ % (sizeof(names) - 1)]);
}

/* Removals of one flush, told in one line. */
static char gathered[256];
static size_t gathered_length;
static int gathering;

static void keep_session(SSL_SESSION *session)
{
    CHECK(app.stored < STORE_SIZE);
    app.store[app.stored++] = session;
}

int app_new(SSL *ssl, SSL_SESSION *session)
{
    SSL_CTX *ctx = app.session_context != NULL ? app.session_context : SSL_get_SSL_CTX(ssl);

    ++app.news;
    name_session(session);
    if (!app.quiet)
        note("new %c: %s, reused %d, in init %d, good %ld, cached %ld, resumable %d, same as the SSL's %d",
             label_of(session), SSL_is_server(ssl) ? "server" : "client", SSL_session_reused(ssl),
             SSL_in_init(ssl), SSL_CTX_sess_accept_good(ctx) + SSL_CTX_sess_connect_good(ctx),
             SSL_CTX_sess_number(ctx), SSL_SESSION_is_resumable(session),
             SSL_get_session(ssl) == session);
    if (app.on_new != NULL)
        app.on_new(ssl, session);
    if (app.look_only) {
        SSL_SESSION_up_ref(session);
        keep_session(session);
    }
    if (app.keep)
        keep_session(session);
    return app.keep;
}

static void forget_session(SSL_SESSION *session)
{
    int i;

    for (i = 0; i < app.stored; ++i)
        if (app.store[i] == session) {
            SSL_SESSION_free(session);
            app.store[i] = app.store[--app.stored];
            return;
        }
}

void app_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
    ++app.removes;
    if (gathering && gathered_length < sizeof(gathered) - 1)
        gathered[gathered_length++] = label_of(session);
    else if (!app.quiet)
        note("remove %c: context %s, resumable %d", label_of(session),
             app.session_context == NULL || ctx == app.session_context ? "same" : "other",
             SSL_SESSION_is_resumable(session));
    if (app.on_remove != NULL)
        app.on_remove(ctx, session);
    if (app.forget)
        forget_session(session);
}

SSL_SESSION *app_find(const unsigned char *id, size_t length)
{
    int i;

    for (i = 0; i < app.stored; ++i) {
        unsigned int stored_length;
        const unsigned char *stored = SSL_SESSION_get_id(app.store[i], &stored_length);

        if (stored_length == length && memcmp(stored, id, length) == 0)
            return app.store[i];
    }
    return NULL;
}

SSL_SESSION *app_get(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    SSL_SESSION *found = app.answer != NULL ? app.answer : app_find(id, (size_t)length);

    ++app.gets;
    if (!app.quiet)
        note("get: id of %d bytes, copy preset %d, server %d, version %x, session %s, finds %c",
             length, *copy, SSL_is_server(ssl), (unsigned int)SSL_version(ssl),
             SSL_get_session(ssl) == NULL ? "none yet" : "there", label_of(found));
    if (app.on_get != NULL)
        app.on_get(ssl);
    if (app.copy != COPY_UNTOUCHED)
        *copy = app.copy == COPY_ONE;
    if (app.own_reference && found != NULL)
        SSL_SESSION_up_ref(found);
    return found;
}

void app_install(SSL_CTX *ctx)
{
    app.session_context = ctx;
    SSL_CTX_sess_set_new_cb(ctx, app_new);
    SSL_CTX_sess_set_remove_cb(ctx, app_remove);
    SSL_CTX_sess_set_get_cb(ctx, app_get);
}

void app_reset(void)
{
    struct app none;

    memset(&none, 0, sizeof(none));
    while (app.stored > 0)
        SSL_SESSION_free(app.store[--app.stored]);
    app = none;
    named = 0;
    freed_reset();
}

static int by_value(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

void gather_begin(void)
{
    gathered_length = 0;
    gathering = 1;
}

void gather_end(const char *name)
{
    gathering = 0;
    gathered[gathered_length] = 0;
    if (app.sorted || OpenSSL_version_num() < 0x30000000UL)
        qsort(gathered, gathered_length, 1, by_value);
    fact_text(name, gathered_length == 0 ? "nothing" : gathered);
}

void flush_told(const char *name, SSL_CTX *ctx, long time)
{
    gather_begin();
    context_flush(ctx, time);
    gather_end(name);
}

void context_free_told(SSL_CTX *ctx)
{
    gather_begin();
    SSL_CTX_free(ctx);
    gather_end("removed by the end of the context");
}

void fact_calls(const char *name)
{
    char text[64];

    snprintf(text, sizeof(text), "new %d, get %d, remove %d", app.news, app.gets, app.removes);
    fact_text(name, text);
    app.news = app.gets = app.removes = 0;
}

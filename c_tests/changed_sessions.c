/* test: valgrind=memcheck */
/*
 * Setters and duplicates of sessions that are cached. A changed key leaves an
 * entry that nobody can look up; all that is asked is that nothing is lost or
 * freed twice.
 */
#include "harness/harness.h"

static void duplicates(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *a = session_simple('A'), *copy;

    part("a duplicate of a cached session");
    app_install(ctx);
    CHECK(SSL_CTX_add_session(ctx, a));
    copy = SSL_SESSION_dup(a);
    fact_label("label of the duplicate", copy);
    label_set(copy, 'D');
    FACT("resumable", SSL_SESSION_is_resumable(copy));
    FACT("set_time of the duplicate", session_set_time(copy, 10));
    FACT("time of the cached one is its own", session_time(a) > 10);
    FACT("remove by the duplicate", SSL_CTX_remove_session(ctx, copy));
    FACT("cached one is resumable", SSL_SESSION_is_resumable(a));
    SSL_SESSION_free(copy);
    copy = SSL_SESSION_dup(a);
    FACT("add the duplicate", SSL_CTX_add_session(ctx, copy));
    FACT("add the first", SSL_CTX_add_session(ctx, a));
    FACT("number", SSL_CTX_sess_number(ctx));
    SSL_SESSION_free(copy);
    SSL_SESSION_free(a);
    context_free_told(ctx);
    FACT("ended", freed('A') + freed('D'));
    app_reset();
}

static void marked_duplicate(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *a = session_simple('A'), *copy;

    part("a duplicate of a marked session");
    CHECK(SSL_CTX_add_session(ctx, a));
    context_flush(ctx, 0);
    copy = SSL_SESSION_dup(a);
    FACT("resumable", SSL_SESSION_is_resumable(copy));
    FACT("added", SSL_CTX_add_session(ctx, copy));
    SSL_SESSION_free(copy);
    SSL_SESSION_free(a);
    SSL_CTX_free(ctx);
    FACT("ended", freed('A'));
    app_reset();
}

/* The id is emptied and put back, as HAProxy does, while the session is cached. */
static void id_and_back(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *a = session_simple('A');

    part("the id emptied and restored");
    CHECK(SSL_CTX_add_session(ctx, a));
    CHECK(SSL_SESSION_set1_id(a, (const unsigned char *)"", 0));
    CHECK(SSL_SESSION_set1_id(a, (const unsigned char *)"A", 1));
    FACT("found", has_id(ctx, "A"));
    FACT("removed", SSL_CTX_remove_session(ctx, a));
    FACT("number", SSL_CTX_sess_number(ctx));
    SSL_SESSION_free(a);
    SSL_CTX_free(ctx);
    FACT("ended", freed('A'));
    app_reset();
}

static void another_id(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *a = session_simple('A'), *b = session_simple('B');

    part("another id for good");
    CHECK(SSL_CTX_add_session(ctx, a) && SSL_CTX_add_session(ctx, b));
    CHECK(SSL_SESSION_set1_id(a, (const unsigned char *)"Z", 1));
    FACT("number", SSL_CTX_sess_number(ctx));
    SSL_SESSION_free(a);
    SSL_SESSION_free(b);
    context_flush(ctx, 0);
    SSL_CTX_free(ctx);
    FACT("ended", freed('B'));
    app_reset();
}

enum change { OTHER_ID, OTHER_END, OTHER_VERSION };

static void change(SSL_SESSION *session, enum change how)
{
    static const char *const ids[] = { "moved away from A", "A, with another end" };

    if (how == OTHER_VERSION)
        CHECK(SSL_SESSION_set_protocol_version(session, TLS1_2_VERSION));
    else
        CHECK(SSL_SESSION_set1_id(session, (const unsigned char *)ids[how], (unsigned int)strlen(ids[how])));
}

static void change_back(SSL_SESSION *session)
{
    CHECK(SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION));
    CHECK(SSL_SESSION_set1_id(session, (const unsigned char *)"A, with its end", 15));
}

/* What was changed has left its old name, and is no more removed by it. */
static void another_of_the_old_name(enum change how)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *a = session_simple('A'), *b = session_simple('B');

    part("another object of the old name");
    app_install(ctx);
    change_back(a);
    change_back(b);
    CHECK(SSL_CTX_add_session(ctx, a));
    change(a, how);
    FACT("found", has_id(ctx, "A, with its end"));
    FACT("removed", SSL_CTX_remove_session(ctx, b));
    FACT("number", SSL_CTX_sess_number(ctx));
    FACT("resumable", SSL_SESSION_is_resumable(a));
    change_back(a);
    FACT("found", has_id(ctx, "A, with its end"));
    FACT("removed", SSL_CTX_remove_session(ctx, b));
    FACT("number", SSL_CTX_sess_number(ctx));
    SSL_SESSION_free(a);
    SSL_SESSION_free(b);
    SSL_CTX_free(ctx);
    FACT("ended", freed('A') + freed('B'));
    app_reset();
}

static void another_content(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *a = session_simple('A');

    part("context id, appdata, early data");
    CHECK(SSL_CTX_add_session(ctx, a));
    FACT("context id", SSL_SESSION_set1_id_context(a, (const unsigned char *)"ctx", 3));
    FACT("appdata", SSL_SESSION_set1_ticket_appdata(a, "data", 4));
    FACT("early data", SSL_SESSION_set_max_early_data(a, 100));
    FACT("found", has_id(ctx, "A"));
    FACT("id too long", SSL_SESSION_set1_id(a, (const unsigned char *)"0123456789abcdef0123456789abcdefX", 33));
    FACT("found", has_id(ctx, "A"));
    ERR_clear_error();
    SSL_SESSION_free(a);
    SSL_CTX_free(ctx);
    FACT("ended", freed('A'));
    app_reset();
}

int main(void)
{
    duplicates();
    marked_duplicate();
    id_and_back();
    another_of_the_old_name(OTHER_ID);
    another_of_the_old_name(OTHER_END);
    another_of_the_old_name(OTHER_VERSION);
    another_content();
    /* Last: 1.1.1 keeps a dead pointer of such a session in its table. */
    another_id();
    return 0;
}

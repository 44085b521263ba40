/* test: valgrind=memcheck */
/*
 * The new callback with each return value, for each kind of session: who owns
 * which reference, and that a 0 does not take the session out of the cache.
 */
#include "harness/harness.h"

static void one_connection(enum kind kind, int keep)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session;
    char label;

    part(kind_name(kind));
    FACT("new callback returns", keep);
    app_install(server);
    app.keep = keep;
    session = connection("first", server, client, NULL);
    FACT("in the cache", SSL_CTX_sess_number(server));
    FACT("kept by the application", app.stored);
    label = label_of(app.stored > 0 ? app.store[0] : NULL);
    session_drop(&session);

    /* Without callbacks the cache must do its work alone. */
    SSL_CTX_sess_set_get_cb(server, NULL);
    session = connection("again", server, client, NULL);
    SSL_SESSION *resumed = connection("resume", server, client, session);
    FACT("in the cache", SSL_CTX_sess_number(server));
    session_drop(&resumed);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    if (keep) {
        FACT("freed while kept", freed(label));
        app_reset();
        FACT("freed when given back", freed(label));
    }
    fact_calls("calls");
    app_reset();
}

int main(void)
{
    int kind, keep;

    for (kind = TLS12_ID; kind <= DTLS12_ID; ++kind)
        for (keep = 0; keep <= 1; ++keep)
            one_connection((enum kind)kind, keep);
    return 0;
}

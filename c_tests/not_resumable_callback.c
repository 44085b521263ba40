/* test: valgrind=memcheck */
/*
 * The callback that declares a new session not resumable: nothing is stored, no
 * new callback, no ticket (TLS 1.2 full handshakes only).
 */
#include "harness/harness.h"

static int answer;

static int not_resumable(SSL *ssl, int forward_secure)
{
    (void)ssl;
    note("asked, forward secure %d", forward_secure != 0);
    return answer;
}

static void of_kind(enum kind kind, int says, int on_connection)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;
    struct pair pair;
    unsigned int length;

    printf("[%s, says %d%s]\n", kind_name(kind), says, on_connection ? ", on the connection" : "");
    answer = says;
    app_install(server);
    if (!on_connection)
        SSL_CTX_set_not_resumable_session_callback(server, not_resumable);
    pair = pair_new(server, client, NULL);
    if (on_connection)
        SSL_set_not_resumable_session_callback(pair.server, not_resumable);
    FACT("done", handshake(&pair));
    session = SSL_get1_session(pair.client);
    SSL_SESSION_get_id(session, &length);
    FACT("the client's id", length);
    FACT("has a ticket", SSL_SESSION_has_ticket(session));
    FACT("server's is resumable", SSL_SESSION_is_resumable(SSL_get_session(pair.server)));
    FACT("number", SSL_CTX_sess_number(server));
    close_clean(&pair);
    pair_free(&pair);
    next = connection("again", server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

int main(void)
{
    int kind, says;

    for (kind = TLS12_ID; kind <= DTLS12_ID; ++kind)
        for (says = 0; says <= 1; ++says) {
            of_kind((enum kind)kind, says, 0);
            of_kind((enum kind)kind, says, 1);
        }
    return 0;
}

/* test: valgrind=memcheck */
/*
 * TLS 1.3 stores a session only if something could need it: stateful tickets,
 * anti-replay, or a remove callback. The new callback comes in any case. Asked at
 * the moment of each ticket, from the connection and not from the context.
 */
#include "harness/harness.h"

static struct {
    int remove_callback;
    unsigned long long context_options, connection_options;
    int context_early, connection_early;
    int tickets;
} setup;

static void run(const char *name)
{
    SSL_CTX *server = server_context(TLS13_STATELESS), *client = client_context(TLS13_STATELESS);
    struct pair pair;
    SSL_SESSION *session, *next;

    part(name);
    app_install(server);
    if (!setup.remove_callback)
        SSL_CTX_sess_set_remove_cb(server, NULL);
    SSL_CTX_set_options(server, setup.context_options);
    SSL_CTX_set_num_tickets(server, (size_t)setup.tickets);
    if (setup.context_early)
        SSL_CTX_set_max_early_data(server, 1000);
    pair = pair_new(server, client, NULL);
    SSL_set_options(pair.server, setup.connection_options);
    if (setup.connection_early)
        SSL_set_max_early_data(pair.server, setup.connection_early > 0 ? 1000 : 0);
    FACT("done", handshake(&pair));
    FACT("number", SSL_CTX_sess_number(server));
    session = SSL_get1_session(pair.client);
    close_clean(&pair);
    pair_free(&pair);
    next = connection("resume", server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

static void reset(void)
{
    memset(&setup, 0, sizeof(setup));
    setup.tickets = 1;
}

int main(void)
{
    reset();
    run("stateless");
    setup.remove_callback = 1;
    run("stateless with a remove callback");
    reset();
    setup.context_options = SSL_OP_NO_TICKET;
    run("NO_TICKET on the context");
    reset();
    setup.connection_options = SSL_OP_NO_TICKET;
    run("NO_TICKET on the connection");
    reset();
    setup.context_early = 1;
    run("early data on the context");
    reset();
    setup.connection_early = 1;
    run("early data on the connection");
    setup.context_early = 1;
    setup.connection_early = -1;
    run("early data on the context, not on the connection");
    reset();
    setup.context_early = 1;
    setup.context_options = SSL_OP_NO_ANTI_REPLAY;
    run("early data without anti-replay");
    reset();
    setup.context_early = 1;
    setup.connection_options = SSL_OP_NO_ANTI_REPLAY;
    run("anti-replay off on the connection");
    reset();
    setup.tickets = 3;
    setup.context_options = SSL_OP_NO_TICKET;
    run("three tickets, stateful");
    reset();
    setup.tickets = 0;
    setup.context_options = SSL_OP_NO_TICKET;
    run("no tickets at all");
    return 0;
}

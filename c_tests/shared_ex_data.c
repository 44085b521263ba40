/* test: only=linked | env=SESSCACHE_SHARED=anon:4M */
/* A program that keeps data on its sessions shares none from then on: a copy would lack the data. */
#include "harness/harness.h"
#include "harness/workers.h"

static void offered(const char *name, SSL_CTX *server, SSL_CTX *client, enum came wanted)
{
    struct worker one = worker_start(server, client), two = worker_start(server, client);
    struct token token = worker_connect(&one);

    expect(name, worker_resume(&two, &token, 0), wanted);
    expect("  by its own process", worker_resume(&one, &token, 0), RESUMED);
    worker_end(&one);
    worker_end(&two);
}

int main(void)
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    struct worker before = worker_start(server, client);
    struct token token = connect_here(server, client);

    offered("without", server, client, RESUMED);
    CHECK(SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL) > 0);
    CHECK(SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL) > 0);
    offered("with data on contexts and connections", server, client, RESUMED);
    CHECK(SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, NULL) > 0);
    offered("with an index for sessions", server, client, FULL);
    /* A process that keeps none goes on. */
    expect("in one that was forked before", worker_resume(&before, &token, 0), RESUMED);
    worker_end(&before);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    return 0;
}

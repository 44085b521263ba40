/* test: only=linked | env=SESSCACHE_SHARED=anon:4M */
/* Early data over all processes: a session is resumed once, and recorded bytes are accepted once, whoever gets them. */
#include "harness/harness.h"
#include "harness/workers.h"

#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 4, ROUNDS = 60, FLIGHT = 16 * 1024 };

static SSL_CTX *server, *client;

static void raced(int early)
{
    struct worker workers[WORKERS];
    int round, at, won = 0, most = 0;

    for (at = 0; at < WORKERS; ++at)
        workers[at] = worker_start(server, client);
    for (round = 0; round < ROUNDS; ++round) {
        struct token token = worker_connect(&workers[round % WORKERS]);
        int resumed = 0;

        for (at = 0; at < WORKERS; ++at)
            worker_resume_begin(&workers[at], &token, early);
        for (at = 0; at < WORKERS; ++at) {
            enum came came = worker_resume_end(&workers[at]);

            CHECK(came != FAILED);
            resumed += came != FULL;
        }
        won += resumed;
        most = resumed > most ? resumed : most;
    }
    FACT("won of the rounds", won);
    CHECK(won == ROUNDS && most == 1);
    for (at = 0; at < WORKERS; ++at)
        worker_end(&workers[at]);
}

/* What a client sends first: its hello and the early data. */
static size_t first_flight(const struct token *token, unsigned char *bytes)
{
    SSL_SESSION *session = token_session(token);
    BIO *out = BIO_new(BIO_s_mem()), *in = BIO_new(BIO_s_mem());
    SSL *ssl = SSL_new(client);
    size_t written;
    int length;

    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(ssl, in, out);
    CHECK(SSL_set_session(ssl, session));
    CHECK(SSL_write_early_data(ssl, "early", 5, &written));
    length = BIO_read(out, bytes, FLIGHT);
    CHECK(length > 0 && length < FLIGHT);
    SSL_free(ssl);
    SSL_SESSION_free(session);
    return (size_t)length;
}

static int accepts(const unsigned char *bytes, size_t length)
{
    BIO *in = BIO_new_mem_buf(bytes, (int)length), *out = BIO_new(BIO_s_mem());
    SSL *ssl = SSL_new(server);
    unsigned char data[16];
    size_t got = 0;
    int result;

    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(ssl, in, out);
    SSL_set_accept_state(ssl);
    result = SSL_read_early_data(ssl, data, sizeof(data), &got) == SSL_READ_EARLY_DATA_SUCCESS;
    CHECK(!result || (got == 5 && memcmp(data, "early", 5) == 0));
    /* As an attacker leaves it. */
    SSL_set_quiet_shutdown(ssl, 1);
    SSL_free(ssl);
    ERR_clear_error();
    return result;
}

static void replayed(void)
{
    int round, accepted = 0;

    for (round = 0; round < ROUNDS; ++round) {
        struct token token = connect_here(server, client);
        unsigned char bytes[FLIGHT];
        size_t length = first_flight(&token, bytes);
        int ready[2], answers[2], at, sum = 0;
        char byte;

        CHECK(pipe(ready) == 0 && pipe(answers) == 0);
        fflush(NULL);
        for (at = 0; at < WORKERS; ++at) {
            pid_t child = fork();

            CHECK(child >= 0);
            if (child == 0) {
                close(ready[1]);
                CHECK(read(ready[0], &byte, 1) == 0);
                byte = (char)accepts(bytes, length);
                CHECK(write(answers[1], &byte, 1) == 1);
                _exit(0);
            }
        }
        close(ready[0]);
        close(ready[1]); /* now all at once */
        for (at = 0; at < WORKERS; ++at) {
            CHECK(read(answers[0], &byte, 1) == 1);
            sum += byte;
        }
        while (wait(NULL) > 0)
            ;
        close(answers[0]);
        close(answers[1]);
        CHECK(sum == 1);
        accepted += sum;
        CHECK(!accepts(bytes, length));
    }
    FACT("accepted of the flights", accepted);
}

int main(void)
{
    server = server_context(TLS13_EARLY);
    client = client_context(TLS13_EARLY);
    part("resumed without early data");
    raced(0);
    part("resumed with early data");
    raced(1);
    part("replayed");
    replayed();
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    return 0;
}

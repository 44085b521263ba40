/* test: differs=9 | sanitize=none */
/* NULL where libssl alone crashes: in children, one for each call. Not for sanitizers, which report the crash. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "harness/harness.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void add(void)
{
    SSL_CTX_add_session(NULL, NULL);
}

static void remove_one(void)
{
    SSL_SESSION *session = session_simple('A');

    SSL_CTX_remove_session(NULL, session);
    SSL_SESSION_free(session);
}

static void flush(void)
{
    SSL_CTX_flush_sessions(NULL, 0);
}

static void table(void)
{
    SSL_CTX_sessions(NULL);
}

static void set_callback(void)
{
    SSL_CTX_sess_set_remove_cb(NULL, NULL);
}

static void get_callback(void)
{
    SSL_CTX_sess_get_get_cb(NULL);
}

static void set_generator(void)
{
    SSL_CTX_set_generate_session_id(NULL, NULL);
}

static void ask_for_an_id(void)
{
    SSL_has_matching_session_id(NULL, (const unsigned char *)"A", 1);
}

static void called(const char *name, void (*call)(void))
{
    const struct rlimit no_core = { 0, 0 };
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        call();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    differs(9, name, WIFSIGNALED(status) ? "crashes" : "returns", "crashes", "returns");
}

int main(void)
{
    called("SSL_CTX_add_session", add);
    called("SSL_CTX_remove_session", remove_one);
    called("SSL_CTX_flush_sessions", flush);
    called("SSL_CTX_sessions", table);
    called("SSL_CTX_sess_set_remove_cb", set_callback);
    called("SSL_CTX_sess_get_get_cb", get_callback);
    called("SSL_CTX_set_generate_session_id", set_generator);
    if (OpenSSL_version_num() < 0x30200000UL)
        called("SSL_has_matching_session_id", ask_for_an_id);
    return 0;
}

/* Processes forked from a test, each with the contexts that it had, told what to do over a socket. */
#ifndef HARNESS_WORKERS_H
#define HARNESS_WORKERS_H

#include <sys/types.h>

#include <openssl/ssl.h>

enum { TOKEN_MAX = 64 * 1024 };

/* A client's session on its way between processes. */
struct token {
    size_t length;
    unsigned char der[TOKEN_MAX];
};

struct worker {
    pid_t pid;
    int socket;
};

/* What a resumption came to. */
enum came { FAILED, FULL, RESUMED, EARLY };

struct worker worker_start(SSL_CTX *server, SSL_CTX *client);
/* A full handshake, closed cleanly; the client's session. */
struct token worker_connect(struct worker *worker);
/* A connection that offers this session; with early data if early is not 0. */
enum came worker_resume(struct worker *worker, const struct token *token, int early);
/* The same told to several before any is waited for: they race. */
void worker_resume_begin(struct worker *worker, const struct token *token, int early);
enum came worker_resume_end(struct worker *worker);
/* SSL_CTX_remove_session of the session that its cache finds under the token's id; 1 if something was removed. */
int worker_remove(struct worker *worker, const struct token *token);
void worker_flush(struct worker *worker, long time);
/* SSL_CTX_free, and the worker lives on without a context. */
void worker_free_context(struct worker *worker);
long worker_number(struct worker *worker);
void worker_set_mode(struct worker *worker, long mode);
/* Ends by _exit and is waited for. */
void worker_end(struct worker *worker);

/* As the workers do it, in this process. */
struct token token_of(SSL_SESSION *session);
SSL_SESSION *token_session(const struct token *token);
enum came resume_here(SSL_CTX *server, SSL_CTX *client, const struct token *token, int early);
struct token connect_here(SSL_CTX *server, SSL_CTX *client);
/* States what it came to, which has to be this. */
void expect(const char *name, enum came came, enum came wanted);

/* The same of a session that a worker of one server makes, offered to a worker of another. */
void expect_between(const char *name, SSL_CTX *from, SSL_CTX *to, SSL_CTX *client, enum came wanted);

#endif

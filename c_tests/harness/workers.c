#include "workers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "facts.h"
#include "sessions.h"
#include "tls.h"

enum order { CONNECT, RESUME, REMOVE, FLUSH, FREE_CONTEXT, NUMBER, SET_MODE, END };

struct message {
    int order;
    long argument;
};

static void put(int socket, const void *data, size_t length)
{
    const char *at = data;

    while (length > 0) {
        ssize_t written = send(socket, at, length, MSG_NOSIGNAL);

        CHECK(written > 0);
        at += written;
        length -= (size_t)written;
    }
}

static int take(int socket, void *data, size_t length)
{
    char *at = data;

    while (length > 0) {
        ssize_t got = read(socket, at, length);

        if (got <= 0)
            return 0;
        at += got;
        length -= (size_t)got;
    }
    return 1;
}

static void put_token(int socket, const struct token *token)
{
    put(socket, &token->length, sizeof(token->length));
    put(socket, token->der, token->length);
}

static struct token take_token(int socket)
{
    static struct token token;

    CHECK(take(socket, &token.length, sizeof(token.length)));
    CHECK(token.length <= sizeof(token.der) && take(socket, token.der, token.length));
    return token;
}

struct token token_of(SSL_SESSION *session)
{
    struct token token = { 0, { 0 } };
    unsigned char *at = token.der;
    int length = i2d_SSL_SESSION(session, NULL);

    CHECK(length > 0 && (size_t)length <= sizeof(token.der));
    token.length = (size_t)i2d_SSL_SESSION(session, &at);
    return token;
}

SSL_SESSION *token_session(const struct token *token)
{
    const unsigned char *at = token->der;
    SSL_SESSION *session = d2i_SSL_SESSION(NULL, &at, (long)token->length);

    CHECK(session != NULL);
    return session;
}

static const char *came_name(enum came came)
{
    static const char *const names[] = { "failed", "full", "resumed", "resumed with early data" };

    return names[came];
}

void expect(const char *name, enum came came, enum came wanted)
{
    fact_text(name, came_name(came));
    CHECK(came == wanted);
}

struct token connect_here(SSL_CTX *server, SSL_CTX *client)
{
    struct pair pair = pair_new(server, client, NULL);
    SSL_SESSION *session;
    struct token token;

    CHECK(handshake(&pair) && exchange(&pair));
    session = SSL_get1_session(pair.client);
    CHECK(session != NULL);
    token = token_of(session);
    SSL_SESSION_free(session);
    close_clean(&pair);
    pair_free(&pair);
    return token;
}

enum came resume_here(SSL_CTX *server, SSL_CTX *client, const struct token *token, int early)
{
    SSL_SESSION *session = token_session(token);
    struct pair pair = pair_new(server, client, session);
    int accepted = 0, done = early ? early_handshake(&pair, &accepted) : handshake(&pair);
    enum came came = FAILED;

    if (done) {
        came = accepted ? EARLY : SSL_session_reused(pair.server) ? RESUMED : FULL;
        close_clean(&pair);
    }
    pair_free(&pair);
    SSL_SESSION_free(session);
    return came;
}

/* The server's session has the id that a stateful ticket of TLS 1.3 holds; up to TLS 1.2 both sides have the same. */
static int remove_here(SSL_CTX *server, const struct token *token)
{
    SSL_SESSION *session = token_session(token);
    const unsigned char *ticket;
    size_t length;
    int removed;

    if (SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION) {
        SSL_SESSION_get0_ticket(session, &ticket, &length);
        CHECK(length == 32 && SSL_SESSION_set1_id(session, ticket, 32));
    }
    removed = SSL_CTX_remove_session(server, session);

    SSL_SESSION_free(session);
    return removed;
}

static void obey(int socket, SSL_CTX *server, SSL_CTX *client)
{
    struct message message;
    struct token token;
    long answer;

    while (take(socket, &message, sizeof(message)) && message.order != END) {
        answer = 0;
        switch ((enum order)message.order) {
        case CONNECT:
            token = connect_here(server, client);
            put_token(socket, &token);
            continue;
        case RESUME:
            token = take_token(socket);
            answer = resume_here(server, client, &token, (int)message.argument);
            break;
        case REMOVE:
            token = take_token(socket);
            answer = remove_here(server, &token);
            break;
        case FLUSH:
            context_flush(server, message.argument);
            break;
        case FREE_CONTEXT:
            SSL_CTX_free(server);
            server = NULL;
            break;
        case NUMBER:
            answer = SSL_CTX_sess_number(server);
            break;
        case SET_MODE:
            SSL_CTX_set_session_cache_mode(server, message.argument);
            break;
        case END:
            break;
        }
        put(socket, &answer, sizeof(answer));
    }
    _exit(0);
}

struct worker worker_start(SSL_CTX *server, SSL_CTX *client)
{
    struct worker worker;
    int sockets[2];

    fflush(NULL);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    worker.pid = fork();
    CHECK(worker.pid >= 0);
    if (worker.pid == 0) {
        close(sockets[0]);
        obey(sockets[1], server, client);
    }
    close(sockets[1]);
    worker.socket = sockets[0];
    return worker;
}

static void tell(struct worker *worker, enum order order, long argument)
{
    struct message message;

    memset(&message, 0, sizeof(message));
    message.order = (int)order;
    message.argument = argument;
    put(worker->socket, &message, sizeof(message));
}

static long hear(struct worker *worker)
{
    long answer;

    CHECK(take(worker->socket, &answer, sizeof(answer)));
    return answer;
}

struct token worker_connect(struct worker *worker)
{
    tell(worker, CONNECT, 0);
    return take_token(worker->socket);
}

void worker_resume_begin(struct worker *worker, const struct token *token, int early)
{
    tell(worker, RESUME, early);
    put_token(worker->socket, token);
}

enum came worker_resume_end(struct worker *worker)
{
    return (enum came)hear(worker);
}

enum came worker_resume(struct worker *worker, const struct token *token, int early)
{
    worker_resume_begin(worker, token, early);
    return worker_resume_end(worker);
}

int worker_remove(struct worker *worker, const struct token *token)
{
    tell(worker, REMOVE, 0);
    put_token(worker->socket, token);
    return (int)hear(worker);
}

void worker_flush(struct worker *worker, long time)
{
    tell(worker, FLUSH, time);
    hear(worker);
}

void worker_free_context(struct worker *worker)
{
    tell(worker, FREE_CONTEXT, 0);
    hear(worker);
}

long worker_number(struct worker *worker)
{
    tell(worker, NUMBER, 0);
    return hear(worker);
}

void worker_set_mode(struct worker *worker, long mode)
{
    tell(worker, SET_MODE, mode);
    hear(worker);
}

void worker_end(struct worker *worker)
{
    int status;

    tell(worker, END, 0);
    close(worker->socket);
    CHECK(waitpid(worker->pid, &status, 0) == worker->pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void expect_between(const char *name, SSL_CTX *from, SSL_CTX *to, SSL_CTX *client, enum came wanted)
{
    struct worker one = worker_start(from, client), other = worker_start(to, client);
    struct token token = worker_connect(&one);

    expect(name, worker_resume(&other, &token, 0), wanted);
    worker_end(&one);
    worker_end(&other);
}

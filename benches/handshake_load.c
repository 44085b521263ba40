/*
 * Loads a TLS server with resumed handshakes:
 *
 *   handshake_load PORT 1.2|1.3 THREADS [MILLISECONDS]
 *   handshake_load free-port
 *
 * Each thread makes a few sessions by full handshakes, untimed, and then connects
 * with them in turn: TLS 1.2 by session id, TLS 1.3 by the latest ticket of each.
 * A connection ends when the server has closed it; nothing is asked. Without
 * MILLISECONDS it does so once for each line that it reads, which says how long.
 *
 * Prints "begin" when the sessions are there, and for each time of load:
 * connections that were resumed, those that were not, seconds; of the time that
 * each took, in microseconds, the median and the 99th percentile. A connection that
 * fails ends the program.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { THREADS_MAX = 16, SESSIONS = 16, PATIENCE_SECONDS = 10, TIMES_MAX = 1 << 20 };

struct load {
    pthread_t thread;
    SSL_SESSION *sessions[SESSIONS];
    /* Which of them is next. */
    int next;
    unsigned long resumed, full;
    /* What each connection took, as far as there is room. */
    int64_t *times;
    size_t count;
};

static SSL_CTX *ctx;
static struct sockaddr_in server = { .sin_family = AF_INET };
static struct load loads[THREADS_MAX];
static int64_t milliseconds;
static int is_tls13;

static void die(const char *what)
{
    fprintf(stderr, "handshake_load: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int connect_tcp(void)
{
    /* Closed by a reset once the server has closed, so that no port has to wait. */
    struct linger at_once = { 1, 0 };
    struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        die("no socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&server, sizeof server) != 0)
        die("nobody listens");
    return fd;
}

static void await_end(int fd)
{
    char bytes[512];

    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
}

/* One connection with the session in this place, which is then the newest. */
static int connect_once(SSL_SESSION **session)
{
    SSL *ssl = SSL_new(ctx);
    SSL_SESSION *newest;
    int fd = connect_tcp(), is_resumed;
    char byte;

    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || (*session != NULL && SSL_set_session(ssl, *session) != 1))
        die("no connection could be made");
    if (SSL_connect(ssl) != 1)
        die("a handshake failed");
    /* Returns when a ticket was read: nothing else is sent. */
    if (is_tls13 && SSL_read(ssl, &byte, 1) > 0)
        die("the server spoke first");
    ERR_clear_error();
    is_resumed = SSL_session_reused(ssl);
    newest = SSL_get1_session(ssl);
    if (newest == NULL || !SSL_SESSION_is_resumable(newest))
        die("the server gave no session");
    SSL_SESSION_free(*session);
    *session = newest;
    SSL_shutdown(ssl);
    await_end(fd);
    SSL_free(ssl);
    close(fd);
    return is_resumed;
}

static void *prepare(void *argument)
{
    struct load *load = argument;
    int at;

    load->times = malloc(TIMES_MAX * sizeof *load->times);
    if (load->times == NULL)
        die("no memory");
    for (at = 0; at < SESSIONS; ++at)
        connect_once(&load->sessions[at]);
    return NULL;
}

static void *run(void *argument)
{
    struct load *load = argument;
    int64_t begin = now(), last, end = begin + milliseconds * 1000000;

    load->resumed = load->full = load->count = 0;
    while (begin < end) {
        if (connect_once(&load->sessions[load->next]))
            ++load->resumed;
        else
            ++load->full;
        load->next = (load->next + 1) % SESSIONS;
        last = begin;
        begin = now();
        if (load->count < TIMES_MAX)
            load->times[load->count++] = begin - last;
    }
    return NULL;
}

/* Each on a processor of its own, as far as there are enough: where the system would put them makes a difference. */
static void start(int at, void *work(void *))
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_attr_t attributes;
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET((size_t)(at % processors), &one);
    pthread_attr_init(&attributes);
    pthread_attr_setaffinity_np(&attributes, sizeof one, &one);
    if (pthread_create(&loads[at].thread, &attributes, work, &loads[at]) != 0)
        die("no thread");
    pthread_attr_destroy(&attributes);
}

static void on_all_threads(int threads, void *work(void *))
{
    int at;

    for (at = 0; at < threads; ++at)
        start(at, work);
    for (at = 0; at < threads; ++at)
        pthread_join(loads[at].thread, NULL);
}

static void free_sessions(int threads)
{
    int at, session;

    for (at = 0; at < threads; ++at) {
        for (session = 0; session < SESSIONS; ++session)
            SSL_SESSION_free(loads[at].sessions[session]);
        free(loads[at].times);
    }
}

static void make_context(void)
{
    int version = is_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;

    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL || !SSL_CTX_set_min_proto_version(ctx, version) || !SSL_CTX_set_max_proto_version(ctx, version))
        die("no client context");
    if (!is_tls13)
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    /* So that reading a ticket returns. */
    SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
}

static void print_free_port(void)
{
    socklen_t length = sizeof server;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&server, sizeof server) != 0
        || getsockname(fd, (struct sockaddr *)&server, &length) != 0)
        die("no free port");
    printf("%d\n", ntohs(server.sin_port));
    close(fd);
}

static int by_length(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

/* The times of all threads together, in order. */
static int64_t *sorted_times(int threads, size_t *count)
{
    int64_t *times = malloc((size_t)threads * TIMES_MAX * sizeof *times);
    int at;

    if (times == NULL)
        die("no memory");
    *count = 0;
    for (at = 0; at < threads; ++at) {
        memcpy(times + *count, loads[at].times, loads[at].count * sizeof *times);
        *count += loads[at].count;
    }
    qsort(times, *count, sizeof *times, by_length);
    return times;
}

static void load_server(int threads)
{
    unsigned long resumed = 0, full = 0;
    int64_t begin = now(), *times;
    double seconds;
    size_t count;
    int at;

    on_all_threads(threads, run);
    seconds = (double)(now() - begin) / 1e9;
    for (at = 0; at < threads; ++at) {
        resumed += loads[at].resumed;
        full += loads[at].full;
    }
    times = sorted_times(threads, &count);
    if (count == 0)
        die("there was no time for a connection");
    printf("%lu\t%lu\t%.6f\t%.1f\t%.1f\n", resumed, full, seconds, (double)times[count / 2] / 1e3,
        (double)times[count * 99 / 100] / 1e3);
    fflush(stdout);
    free(times);
}

int main(int argc, char **argv)
{
    char line[32];
    int threads;

    signal(SIGPIPE, SIG_IGN);
    if (argc == 2 && strcmp(argv[1], "free-port") == 0) {
        print_free_port();
        return 0;
    }
    if (argc != 4 && argc != 5)
        die("usage: handshake_load PORT 1.2|1.3 THREADS [MILLISECONDS]");
    server.sin_port = htons((uint16_t)atoi(argv[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_tls13 = strcmp(argv[2], "1.3") == 0;
    threads = atoi(argv[3]);
    if (threads < 1 || threads > THREADS_MAX)
        die("the number of threads is 1 to 16");
    make_context();
    on_all_threads(threads, prepare);
    /* Whoever measures the server by its processor time begins here. */
    puts("begin");
    fflush(stdout);
    if (argc == 5) {
        milliseconds = atol(argv[4]);
        load_server(threads);
    } else {
        while (fgets(line, sizeof line, stdin) != NULL) {
            milliseconds = atol(line);
            load_server(threads);
        }
    }
    free_sessions(threads);
    SSL_CTX_free(ctx);
    return 0;
}

/*
 * Reads programs from standard input, each ended by a line "run", and plays each
 * in a child of its own: what a program does cannot reach the next. Its trace goes to
 * standard output, ended by a line "done".
 */
#include "player.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "../harness/facts.h"

enum { PROGRAM = 1 << 20, SECONDS = 20 };

/* Number of the SSL_CTX ex_data index that was registered last. */
static int last_index;

static int next_index(void)
{
    return SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* The algorithms that a handshake needs are fetched once, here, and not in each child. */
static void warm_up(void)
{
    static const char *const ciphers[] = { "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", "AES-256-CBC" };
    static const char *const digests[] = { "SHA1", "SHA256", "SHA384", "SHA512", "MD5" };
    unsigned char byte;
    size_t i;

    CHECK(OPENSSL_init_ssl(0, NULL));
    world_prepare();
    labels_prepare();
    connections_prepare();
    CHECK(RAND_bytes(&byte, 1) == 1);
    for (i = 0; i < sizeof(ciphers) / sizeof(*ciphers); ++i)
        (void)EVP_get_cipherbyname(ciphers[i]);
    for (i = 0; i < sizeof(digests) / sizeof(*digests); ++i)
        (void)EVP_get_digestbyname(digests[i]);
    ERR_clear_error();
    last_index = next_index();
}

static void child(char *program)
{
    alarm(SECONDS);
    /* Whatever is complained of is a part of the trace. */
    CHECK(dup2(STDOUT_FILENO, STDERR_FILENO) >= 0);
    /* Whoever takes over contexts registers an index for that. None may have been taken over yet: each program
       begins with the first. */
    if (next_index() != last_index + 1)
        puts("! a context was taken over before the program began");
    play(program);
    fflush(stdout);
    _exit(0);
}

static void tell_end(int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        printf("! it did not end within %d seconds\n", SECONDS);
    else if (WIFSIGNALED(status))
        printf("! it was ended by signal %d\n", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        printf("! it ended with status %d\n", WEXITSTATUS(status));
    puts("done");
    fflush(stdout);
}

static void run_in_child(char *program)
{
    pid_t pid;
    int status = 0;

    fflush(stdout);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        child(program);
    CHECK(waitpid(pid, &status, 0) == pid);
    tell_end(status);
}

int main(void)
{
    static char program[PROGRAM];
    char line[512];
    size_t length = 0;

    warm_up();
    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (strcmp(line, "run\n") == 0) {
            run_in_child(program);
            length = 0;
            program[0] = 0;
        } else if (length + strlen(line) < sizeof(program)) {
            strcpy(program + length, line);
            length += strlen(line);
        }
    }
    return 0;
}

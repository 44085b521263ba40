/* Threads that start together, each with random numbers of its own, and one account for each session object. */
#ifndef HARNESS_CROWD_H
#define HARNESS_CROWD_H

#include <openssl/ssl.h>

struct member {
    int number;          /* 0, 1, ... */
    unsigned int random; /* state of its random numbers */
    void (*work)(struct member *);
};

/*
 * The command line of a random program is [SEED [TURNS]]. Without it every run
 * draws the same numbers, if not in the same order.
 */
void crowd_arguments(int argc, char **argv, int turns);
int crowd_turns(void);
/* Runs `work` in so many threads at once and waits for all of them. */
void crowd_run(int threads, void (*work)(struct member *));
unsigned int below(struct member *self, unsigned int end);

/*
 * What became of one session object, counted by whoever did it. With ids that
 * are unique every storing ends in one way: a removal that returned 1, or a call
 * of the remove callback that no removal asked for.
 */
struct account {
    int stored;  /* additions that returned 1 */
    int asked;   /* calls of SSL_CTX_remove_session */
    int removed; /* of those, how many returned 1 */
    int told;    /* calls of the remove callback */
    int ended;   /* frees of the object: 1 in the end */
};

/* To be called once before there are threads. */
void accounts_begin(void);
/* An object has at most one account, which must outlive it. */
void account_open(SSL_SESSION *session, struct account *account);
struct account *account_of(const SSL_SESSION *session);
int account_add(SSL_CTX *ctx, SSL_SESSION *session);
int account_remove(SSL_CTX *ctx, SSL_SESSION *session);
/* The remove callback that keeps the account. */
void account_tell(SSL_CTX *ctx, SSL_SESSION *session);
/* Every storing has come to one end, and so has the object. */
int account_is_even(const struct account *account);

/* Relaxed: the totals are read after the threads have ended. */
void count_up(int *count);

/* 1 in the presence of the library: to be used only where stock itself would be at fault. */
int library_is_there(void);
/* How many sessions a cache of this size holds: one less from 3.0 on. */
long capacity_of(long size);

#endif

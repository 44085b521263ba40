/*
 * Wrong on purpose: has the library write one variable in two threads at once. The stores are the library's own, so
 * ThreadSanitizer sees them only if it is in the library.
 */
#include <pthread.h>
#include <stddef.h>

#include <sesscache.h>

static const char *reason;
static pthread_barrier_t start;

static void *ask(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&start);
    sesscache_active(NULL, &reason);
    return NULL;
}

int main(void)
{
    pthread_t threads[2];
    int i;

    pthread_barrier_init(&start, NULL, 2);
    for (i = 0; i < 2; ++i)
        if (pthread_create(&threads[i], NULL, ask, NULL) != 0)
            return 1;
    for (i = 0; i < 2; ++i)
        pthread_join(threads[i], NULL);
    return 0;
}

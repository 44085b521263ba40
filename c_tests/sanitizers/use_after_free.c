/*
 * Wrong on purpose: has the library write through a pointer to memory that was freed. The store is the library's own, so
 * AddressSanitizer sees it only if it is in the library.
 */
#include <stdlib.h>

#include <sesscache.h>

int main(void)
{
    const char **reason = (const char **)malloc(sizeof(*reason));

    if (reason == NULL)
        return 1;
    free(reason);
#pragma GCC diagnostic ignored "-Wuse-after-free"
    sesscache_active(NULL, reason);
    return 0;
}

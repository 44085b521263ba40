/*
 * Linked into a library that rustc instruments for ThreadSanitizer and that is to use the C compiler's runtime: rustc's LLVM is
 * newer, and calls the memory functions by names of its own. The runtime watches them by their usual names.
 */
#include <stddef.h>
#include <string.h>

void *__tsan_memcpy(void *to, const void *from, size_t size)
{
    return memcpy(to, from, size);
}

void *__tsan_memmove(void *to, const void *from, size_t size)
{
    return memmove(to, from, size);
}

void *__tsan_memset(void *to, int byte, size_t size)
{
    return memset(to, byte, size);
}

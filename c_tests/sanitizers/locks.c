/*
 * Linked into whatever rustc instruments for ThreadSanitizer. Rust's standard library comes without instrumentation. What is
 * inlined from it has some, so the quick way into a lock is seen; the slow way, for a lock that is held, is not. The
 * linker sends its callers here (--wrap).
 */
void __tsan_acquire(void *address);
void real_lock_contended(void *mutex) __asm__("__real_" LOCK_CONTENDED);
void wrap_lock_contended(void *mutex) __asm__("__wrap_" LOCK_CONTENDED);

void wrap_lock_contended(void *mutex)
{
    real_lock_contended(mutex);
    __tsan_acquire(mutex);
}

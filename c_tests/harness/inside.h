/* Past the library: libssl's own functions, whatever is preloaded. */
#ifndef HARNESS_INSIDE_H
#define HARNESS_INSIDE_H

/* By a handle of the libssl that the program is linked with; never NULL. */
void *libssl_function(const char *name);
/* 1 if that libssl calls its own functions directly (-Bsymbolic), 0 if they can be interposed. */
int libssl_is_symbolic(void);

#endif

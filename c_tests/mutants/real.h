/* What the mutants share: the real function behind the one that they take the place of. */
#ifndef MUTANT_REAL_H
#define MUTANT_REAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define OPENSSL_SUPPRESS_DEPRECATED

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

/* Declares `real` with the type of the function. */
#define REAL(name)                                                             \
    __typeof__(name) *real;                                                    \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

#endif

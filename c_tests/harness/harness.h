/*
 * What every C test uses: facts on standard output, TLS in memory, sessions
 * made by hand, callbacks that tell what they see.
 *
 * A program states facts and judges nothing: the runner executes it with libssl
 * alone and with the library, and compares what it printed. So a fact must be
 * the same on every run: no pointers, no times, no random ids.
 */
#ifndef HARNESS_H
#define HARNESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "callbacks.h"
#include "certificates.h"
#include "differs.h"
#include "facts.h"
#include "inside.h"
#include "sessions.h"
#include "tls.h"

#ifdef __cplusplus
}
#endif

#endif

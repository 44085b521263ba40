#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "inside.h"

#include <dlfcn.h>
#include <link.h>

#include <openssl/ssl.h>

#include "facts.h"

/* The library has no SSL_shutdown of its own. */
static struct link_map *libssl(void)
{
    struct link_map *map = NULL;
    Dl_info info;

    CHECK(dladdr1((void *)SSL_shutdown, &info, (void **)&map, RTLD_DL_LINKMAP) && map != NULL);
    return map;
}

void *libssl_function(const char *name)
{
    void *handle = dlopen(libssl()->l_name, RTLD_NOW | RTLD_NOLOAD);
    void *function;

    CHECK(handle != NULL);
    function = dlsym(handle, name);
    CHECK(function != NULL);
    dlclose(handle);
    return function;
}

int libssl_is_symbolic(void)
{
    const ElfW(Dyn) *entry;

    for (entry = libssl()->l_ld; entry->d_tag != DT_NULL; ++entry)
        if (entry->d_tag == DT_SYMBOLIC || (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_SYMBOLIC) != 0))
            return 1;
    return 0;
}

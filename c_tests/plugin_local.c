/* test: libs=none | plugin=plugins/tls_plugin.c | leaks=yes */
/*
 * libssl arrives with a plugin opened RTLD_LOCAL, as in Python and Perl: it is in
 * nobody's global scope. Opened, used, closed, and opened again.
 */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    int turn;

    if (argc != 2)
        return 2;
    for (turn = 0; turn < 2; ++turn) {
        void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        void (*connects)(void);

        if (plugin == NULL) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        *(void **)&connects = dlsym(plugin, "plugin_connects");
        if (connects == NULL)
            return 1;
        connects();
        printf("closed: %d\n", dlclose(plugin));
        fflush(stdout);
    }
    return 0;
}

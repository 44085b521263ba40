/* test: libs=none | plugin=plugins/tls_plugin.c */
/* The same with RTLD_GLOBAL and RTLD_LAZY, as Apache and Ruby open their modules. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    void *plugin;
    void (*connects)(void);

    if (argc != 2)
        return 2;
    plugin = dlopen(argv[1], RTLD_LAZY | RTLD_GLOBAL);
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    *(void **)&connects = dlsym(plugin, "plugin_connects");
    if (connects == NULL)
        return 1;
    connects();
    return 0;
}

/* test: libs=none | plugin=plugins/tls_plugin.c | second=4.0-symbolic */
/*
 * Two different libssl in one process, each brought in by its own plugin. One may
 * be served, the other is left alone; both must work.
 */
#include <dlfcn.h>
#include <stdio.h>

static int open_and_use(const char *path)
{
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void (*connects)(void);

    if (plugin == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 0;
    }
    *(void **)&connects = dlsym(plugin, "plugin_connects");
    if (connects == NULL)
        return 0;
    connects();
    fflush(stdout);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    printf("[first]\n");
    if (!open_and_use(argv[1]))
        return 1;
    printf("[second]\n");
    if (!open_and_use(argv[2]))
        return 1;
    printf("[first again]\n");
    return !open_and_use(argv[1]);
}

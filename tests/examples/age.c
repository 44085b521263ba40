/* Makes stored sessions old: `age FILE...`, each in DER, is rewritten as a session of the year 1970. */
#include <openssl/ssl.h>
#include <stdio.h>

static int age(const char *path)
{
    unsigned char bytes[65536];
    const unsigned char *start = bytes;
    unsigned char *end = bytes;
    FILE *file = fopen(path, "r+");
    SSL_SESSION *session;
    size_t length;

    if (file == NULL)
        return 0;
    length = fread(bytes, 1, sizeof(bytes), file);
    session = d2i_SSL_SESSION(NULL, &start, (long)length);
    if (session == NULL)
        return 0;
    SSL_SESSION_set_time(session, 1);
    length = (size_t)i2d_SSL_SESSION(session, &end);
    SSL_SESSION_free(session);
    /* An earlier second takes fewer bytes: a file of the old length would not be a session. */
    file = freopen(path, "w", file);
    return file != NULL && fwrite(bytes, 1, length, file) == length && fclose(file) == 0;
}

int main(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; ++i) {
        if (!age(argv[i])) {
            perror(argv[i]);
            return 1;
        }
    }
    return argc > 1 ? 0 : 1;
}

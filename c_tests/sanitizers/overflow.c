/* Wrong on purpose, and in the program itself: undefined behaviour, then a byte behind the end of the heap's memory. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    char *copy = (char *)malloc(strlen(argv[0]));
    int most = INT_MAX;

    if (copy == NULL)
        return 1;
    if (argc > 1)
        most += argc;
    else
        strcpy(copy, argv[0]);
    free(copy);
    return most < 0;
}

/* Runs SQL: `sql DATABASE STATEMENT`. Prints the first column of each row. */
#include <sqlite3.h>
#include <stdio.h>

static int print(void *unused, int columns, char **values, char **names)
{
    (void)unused, (void)names;
    puts(columns > 0 && values[0] != NULL ? values[0] : "");
    return 0;
}

int main(int argc, char **argv)
{
    sqlite3 *database;

    if (argc != 3 || sqlite3_open(argv[1], &database) != SQLITE_OK)
        return 1;
    sqlite3_busy_timeout(database, 10000);
    if (sqlite3_exec(database, argv[2], print, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "sql: %s\n", sqlite3_errmsg(database));
        return 1;
    }
    return sqlite3_close(database) == SQLITE_OK ? 0 : 1;
}

/* mutant: generate_id */
/* Whether an id is taken is asked of an empty table. */
#include "real.h"

int SSL_has_matching_session_id(const SSL *ssl, const unsigned char *id, unsigned int length)
{
    (void)ssl, (void)id, (void)length;
    return 0;
}

/*
 * Threads connect at random to the same few servers and resume each other's sessions, while sessions are removed,
 * callbacks exchanged, a cache made small and switched off, connections moved by server name, servers made and
 * freed. What happens is chance. What must hold: a session that nobody took is resumed, one that was taken never is, one
 * that is good for one use has one user, and what is resumed is what was stored.
 *
 * Arguments: [SEED [TURNS]].
 */
#include "harness/harness.h"
#include "harness/crowd.h"

enum { THREADS = 4, TURNS = 40, SMALL = 3, SECRET = 64 };

enum place {
    ROOMY, /* keeps everything */
    RESTLESS /* small, and its size, mode and callbacks change all the time */
};

/* A client's session with what the server knew when it was stored. */
struct token {
    SSL_SESSION *client;
    SSL_SESSION *server; /* the object that was stored, with a reference of ours */
    unsigned char id[SSL_MAX_SSL_SESSION_ID_LENGTH], secret[SECRET];
    unsigned int id_length;
    size_t secret_length;
    enum place place;
    int named;     /* connects by the name of the second server */
    int removable; /* some thread may remove it */
    int gone;      /* some thread has */
    int ready;     /* all of the above is written, and the server had it to store */
    int offered, won;
    struct account account;
};

static enum kind kind;
static SSL_CTX *servers[2], *second, *client;
static struct token *tokens;
static int made, full, resumed, failed;
static int token_index = -1; /* of the connection: the token in the making */

static struct token *next_token(void)
{
    return &tokens[__atomic_fetch_add(&made, 1, __ATOMIC_RELAXED)];
}

/* Any token that is complete, or NULL. */
static struct token *some_token(struct member *self)
{
    int count = __atomic_load_n(&made, __ATOMIC_RELAXED);
    struct token *token = count == 0 ? NULL : &tokens[below(self, (unsigned int)count)];

    return token != NULL && __atomic_load_n(&token->ready, __ATOMIC_ACQUIRE) ? token : NULL;
}

/* The server's new callback: what it is shown is what a resumption has to bring back. */
static int note_new(SSL *ssl, SSL_SESSION *session)
{
    struct token *token = (struct token *)SSL_get_ex_data(ssl, token_index);
    const unsigned char *id;

    if (token == NULL || token->server != NULL)
        return 0;
    id = SSL_SESSION_get_id(session, &token->id_length);
    memcpy(token->id, id, token->id_length);
    token->secret_length = SSL_SESSION_get_master_key(session, token->secret, SECRET);
    SSL_SESSION_up_ref(session);
    token->server = session;
    account_open(session, &token->account);
    return 0;
}

static int note_new_too(SSL *ssl, SSL_SESSION *session)
{
    return note_new(ssl, session);
}

static SSL_SESSION *find_nothing(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    (void)ssl, (void)id, (void)length, (void)copy;
    return NULL;
}

static SSL_SESSION *find_nothing_too(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    return find_nothing(ssl, id, length, copy);
}

static void ignore(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx, (void)session;
}

static int switch_by_name(SSL *ssl, int *alert, void *arg)
{
    (void)alert, (void)arg;
    if (SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != NULL)
        CHECK(SSL_set_SSL_CTX(ssl, second) == second);
    return SSL_TLSEXT_ERR_OK;
}

/*
 * 1.1.1 takes the id from a session that is marked while a connection resumes it, and in TLS 1.2 the client then does not know that
 * it was resumed: the handshake fails. That is libssl's own fault, and only what may be taken at any time can meet it.
 */
static int may_lose_its_id(void)
{
    return OpenSSL_version_num() < 0x30000000UL;
}

static int may_fail(const struct token *token)
{
    return may_lose_its_id() && kind == TLS12_ID && (token->place == RESTLESS || token->removable);
}

/* For a TLS 1.2 resumption, and one of TLS 1.3 without a new ticket: it must be the very session, id and secret. */
static void is_what_was_stored(const struct pair *pair, const struct token *token)
{
    const SSL_SESSION *session = SSL_get_session(pair->server);
    unsigned char secret[SECRET];
    unsigned int length;
    const unsigned char *id = SSL_SESSION_get_id(session, &length);

    if (length != 0 || !may_lose_its_id())
        CHECK(length == token->id_length && memcmp(id, token->id, length) == 0);
    CHECK(SSL_SESSION_get_master_key(session, secret, SECRET) == token->secret_length);
    CHECK(memcmp(secret, token->secret, token->secret_length) == 0);
}

/*
 * A connection that offers `old`, or nothing; the session that comes of it goes to `fresh`, if there is one. 1: resumed,
 * 0: full, -1: failed where it may.
 */
static int connect_once(SSL_CTX *server, const struct token *old, struct token *fresh)
{
    struct pair pair = pair_new(server, client, old == NULL ? NULL : old->client);
    int reused, named = old != NULL ? old->named : fresh->named;

    CHECK(SSL_set_ex_data(pair.server, token_index, fresh));
    if (fresh == NULL)
        CHECK(SSL_set_num_tickets(pair.server, 0));
    if (named)
        CHECK(SSL_set_tlsext_host_name(pair.client, "second.example"));
    if (!handshake(&pair)) {
        CHECK(old != NULL && may_fail(old));
        count_up(&failed);
        pair_free(&pair);
        return -1;
    }
    CHECK(SSL_get_SSL_CTX(pair.server) == (named ? second : server));
    reused = SSL_session_reused(pair.server);
    CHECK(reused == SSL_session_reused(pair.client));
    CHECK(exchange(&pair));
    if (reused && (fresh == NULL || kind == TLS12_ID))
        is_what_was_stored(&pair, old);
    if (fresh != NULL)
        fresh->client = SSL_get1_session(pair.client);
    close_clean(&pair);
    pair_free(&pair);
    return reused;
}

/* Others may offer it from now on, if there was anything to store. */
static void publish(struct token *token)
{
    __atomic_store_n(&token->ready, token->server != NULL, __ATOMIC_RELEASE);
}

/* A full handshake. */
static void begin_session(struct member *self)
{
    struct token *token = next_token();

    token->place = below(self, 4) == 0 ? RESTLESS : ROOMY;
    token->named = token->place == ROOMY && below(self, 3) == 0;
    token->removable = below(self, 2) == 0;
    CHECK(!connect_once(servers[token->place], NULL, token));
    count_up(&full);
    CHECK(token->place == RESTLESS || token->server != NULL);
    publish(token);
}

/* Resumes a session of whichever thread, and checks what can be known beforehand. */
static void resume_session(struct member *self)
{
    struct token *token = some_token(self), *fresh = NULL;
    int gone, reused;

    if (token == NULL)
        return;
    gone = __atomic_load_n(&token->gone, __ATOMIC_ACQUIRE);
    /* Without a new token no session may come of it, full handshake or not. */
    if (kind == TLS12_ID || below(self, 2) == 0) {
        fresh = next_token();
        fresh->place = token->place;
        fresh->named = token->named;
        fresh->removable = token->removable;
    }
    count_up(&token->offered);
    reused = connect_once(servers[token->place], token, fresh);
    if (reused < 0)
        return;
    count_up(reused ? &resumed : &full);
    if (reused)
        count_up(&token->won);
    if (gone)
        CHECK(!reused);
    if (token->place == ROOMY && !token->removable && kind != TLS13_EARLY)
        CHECK(reused);
    if (fresh != NULL)
        publish(fresh);
}

static void remove_session(struct member *self)
{
    struct token *token = some_token(self);

    if (token == NULL || !token->removable)
        return;
    account_remove(servers[token->place], token->server);
    __atomic_store_n(&token->gone, 1, __ATOMIC_RELEASE);
}

static void exchange_callbacks(struct member *self)
{
    SSL_CTX *ctx = servers[below(self, 2)];

    SSL_CTX_sess_set_new_cb(ctx, below(self, 2) == 0 ? note_new : note_new_too);
    SSL_CTX_sess_set_get_cb(ctx, below(self, 2) == 0 ? find_nothing : find_nothing_too);
    /* Stock reads a callback twice, once to see that there is one: only the library stands it when one is cleared. */
    if (library_is_there() && ctx == servers[RESTLESS])
        SSL_CTX_sess_set_get_cb(ctx, NULL);
}

static void unsettle(struct member *self)
{
    static const long modes[] = {
        SSL_SESS_CACHE_SERVER, SSL_SESS_CACHE_SERVER, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_LOOKUP,
        SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_STORE, SSL_SESS_CACHE_OFF,
    };

    SSL_CTX_sess_set_cache_size(servers[RESTLESS], 1 + (long)below(self, 2 * SMALL));
    SSL_CTX_set_session_cache_mode(servers[RESTLESS], modes[below(self, 5)]);
    if (below(self, 4) == 0)
        context_flush(servers[RESTLESS], 0);
}

static SSL_CTX *fresh_server(void)
{
    SSL_CTX *ctx = server_context(kind);

    SSL_CTX_sess_set_new_cb(ctx, note_new);
    SSL_CTX_sess_set_get_cb(ctx, find_nothing);
    SSL_CTX_sess_set_remove_cb(ctx, ignore);
    SSL_CTX_sess_set_cache_size(ctx, 0);
    return ctx;
}

/* A server that only this thread knows, from its beginning to its end. */
static void own_server(void)
{
    SSL_CTX *server = fresh_server();
    struct token first, again;

    memset(&first, 0, sizeof(first));
    memset(&again, 0, sizeof(again));
    CHECK(!connect_once(server, NULL, &first));
    CHECK(connect_once(server, &first, NULL));
    CHECK(SSL_CTX_sess_number(server) == (kind == TLS13_EARLY ? 0 : 1));
    CHECK(!connect_once(server, NULL, &again));
    CHECK(connect_once(server, &again, NULL));
    CHECK(SSL_CTX_sess_hits(server) == 2 && SSL_CTX_sess_accept_good(server) == 4);
    SSL_CTX_free(server);
    session_drop(&first.server);
    session_drop(&again.server);
    session_drop(&first.client);
    session_drop(&again.client);
    CHECK(first.account.ended == 1 && again.account.ended == 1);
}

static void work(struct member *self)
{
    int turn;

    for (turn = 0; turn < crowd_turns(); ++turn)
        switch (below(self, 16)) {
        case 0: case 1: case 2: case 3: begin_session(self); break;
        case 4: case 5: remove_session(self); break;
        case 6: exchange_callbacks(self); break;
        case 7: unsettle(self); break;
        case 8: own_server(); break;
        default: resume_session(self); break;
        }
}

/*
 * In TLS 1.3, too, 1.1.1 may take the id from a session while a connection resumes it (in one of some 150 runs with libssl alone): it
 * still counts as cached then, but nobody can remove it.
 */
static int lost_its_id(const struct token *token)
{
    unsigned int length;

    SSL_SESSION_get_id(token->server, &length);
    return may_lose_its_id() && length == 0;
}

/* Threads that took it: by a removal that said so, or by resuming what is good for one use. */
static void each_was_taken_once(void)
{
    long cached = 0;
    int i;

    for (i = 0; i < made; ++i) {
        const struct token *token = &tokens[i];
        int asked = token->account.asked, takers = token->account.removed;

        if (kind == TLS13_EARLY) {
            asked += token->offered;
            takers += token->won;
        }
        CHECK(takers <= 1);
        if (token->place == ROOMY && token->server != NULL) {
            CHECK(takers == (asked > 0) || (takers == 0 && lost_its_id(token)));
            cached += !takers;
        }
    }
    CHECK(SSL_CTX_sess_number(servers[ROOMY]) == cached);
}

static void counts_are_right(void)
{
    long good = 0, hits = 0;
    SSL_CTX *all[] = { servers[ROOMY], servers[RESTLESS], second };
    int i;

    for (i = 0; i < 3; ++i) {
        good += SSL_CTX_sess_accept_good(all[i]);
        hits += SSL_CTX_sess_hits(all[i]);
    }
    CHECK(good == full + resumed);
    CHECK(hits == resumed + failed);
    CHECK(SSL_CTX_sess_number(second) == 0);
}

/* Room for one token each turn, though not every turn makes one. */
static void begin(void)
{
    tokens = (struct token *)calloc((size_t)(THREADS * crowd_turns()), sizeof(struct token));
    CHECK(tokens != NULL);
    made = full = resumed = failed = 0;
    servers[ROOMY] = fresh_server();
    servers[RESTLESS] = fresh_server();
    second = fresh_server();
    client = client_context(kind);
    SSL_CTX_set_tlsext_servername_callback(servers[ROOMY], switch_by_name);
    SSL_CTX_sess_set_cache_size(servers[RESTLESS], SMALL);
}

static void end(void)
{
    int i;

    SSL_CTX_free(servers[ROOMY]);
    SSL_CTX_free(servers[RESTLESS]);
    SSL_CTX_free(second);
    SSL_CTX_free(client);
    for (i = 0; i < made; ++i) {
        int stored = tokens[i].server != NULL;

        session_drop(&tokens[i].server);
        session_drop(&tokens[i].client);
        CHECK(tokens[i].account.ended == stored);
    }
    free(tokens);
}

static void of_kind(enum kind which)
{
    kind = which;
    part(kind_name(kind));
    begin();
    crowd_run(THREADS, work);
    FACT("some were resumed", resumed > 0);
    each_was_taken_once();
    fact_text("each session", "taken once, or resumed as it was stored");
    counts_are_right();
    fact_text("counters", "right");
    end();
    fact_text("objects", "ended");
}

int main(int argc, char **argv)
{
    crowd_arguments(argc, argv, TURNS);
    accounts_begin();
    token_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    CHECK(token_index >= 0);
    /* Made before there are threads. */
    CHECK(server_identity() != NULL);
    of_kind(TLS12_ID);
    of_kind(TLS13_STATEFUL);
    of_kind(TLS13_EARLY);
    return 0;
}

/* Classes in which nothing is to be found, although they look as if. */
#include "corpus.h"

static const char *const parents[] = {"handle_request", "import_feed", "sync_remote", "refresh_view",
                                      "run_job"};

static void answer(struct corpus *corpus, int64_t records) {
    if (corpus->style.metrics > 0)
        corpus_metric(corpus, corpus->style.metrics == 2 ? "rows" : "records", records);
}

/* Each asks for something else. */
void corpus_class_queries(struct corpus *corpus) {
    static const char *const texts[][2] = {
        {"SELECT * FROM users WHERE id = ", ""},
        {"SELECT name FROM groups WHERE owner = ", " ORDER BY name"},
        {"SELECT count(*) FROM orders WHERE user_id = ", ""},
        {"UPDATE users SET seen = 1 WHERE id = ", ""},
        {"SELECT o.id, i.sku FROM orders o JOIN items i ON i.order_id = o.id WHERE o.user_id = ", ""},
        {"INSERT INTO audit(user_id, what) VALUES (", ", 'login')"},
        {"SELECT value FROM settings WHERE user_id = ", " AND name = 'theme'"},
        {"DELETE FROM sessions WHERE user_id = ", " AND expired = 1"},
        {"SELECT max(created) FROM messages WHERE recipient = ", ""},
        {"WITH t AS (SELECT * FROM tags WHERE item = ", ") SELECT * FROM t"},
    };
    static const char *const functions[] = {"execute", "db_query", "sqlite3_step"};
    const char *function = PICK(corpus, functions);
    unsigned first = corpus_between(corpus, 0, 9), id = corpus_between(corpus, 1, 9999);
    corpus_begin(corpus, PICK(corpus, parents));
    for (unsigned i = corpus_between(corpus, 3, 10); i > 0; i--) {
        const char *const *text = texts[(first + i) % 10];
        corpus_begin(corpus, function);
        corpus_text(corpus, "sql", "%s%u%s", text[0], id, text[1]);
        corpus_work(corpus);
        answer(corpus, corpus_between(corpus, 0, 20));
        corpus_end(corpus);
    }
    corpus_end(corpus);
}

/* How the outcome of a try is told: nothing, error=1, ok=0, a status, a text. */
static void outcome(struct corpus *corpus, unsigned form, bool worked) {
    if (form == 1)
        corpus_metric(corpus, "error", worked ? 0 : 1);
    else if (form == 2)
        corpus_metric(corpus, "ok", worked);
    else if (form == 3)
        corpus_metric(corpus, "status", worked ? 200 : 503);
    else if (form == 4)
        corpus_metric_text(corpus, "result", worked ? "ok" : "timeout");
}

void corpus_class_retries(struct corpus *corpus) {
    static const char *const functions[] = {"send_request", "connect", "acquire_lease", "upload_part"};
    static const char *const counters[] = {"attempt", "retry", "try"};
    const char *function = PICK(corpus, functions), *counter = PICK(corpus, counters);
    unsigned tries = corpus_between(corpus, 3, 7), form = corpus_between(corpus, 1, 4),
             how = corpus_between(corpus, 0, 3);
    if (how == 1 && corpus_chance(corpus, 30))
        form = 0; /* the counter's name has to do */
    if (how == 3)
        counter = "n"; /* the outcome has to do */
    bool gives_up = corpus_chance(corpus, 20);
    uint64_t pause_ns = 2000000 + corpus_random(corpus, 8000000);
    corpus_begin(corpus, PICK(corpus, parents));
    for (unsigned i = 0; i < tries; i++) {
        if (i > 0)
            corpus_pass(corpus, pause_ns + corpus_random(corpus, pause_ns / 4));
        pause_ns *= 2;
        corpus_begin(corpus, function);
        corpus_text(corpus, "host", "db%u", (unsigned)(corpus->style.base % 9));
        if (how == 1 || how == 3)
            corpus_number(corpus, counter, i + (corpus->style.base & 1));
        else if (how == 2)
            corpus_number(corpus, "timeout_ms", (int64_t)50 << i);
        corpus_work(corpus);
        outcome(corpus, form, i + 1 == tries && !gives_up);
        corpus_end(corpus);
    }
    corpus_end(corpus);
}

static void page_call(struct corpus *corpus, unsigned form, const char *name, unsigned page, int64_t size) {
    unsigned offset = page * (unsigned)size;
    switch (form) {
    case 0:
        corpus_number(corpus, "offset", offset);
        corpus_number(corpus, "limit", size);
        break;
    case 1:
        corpus_number(corpus, name, offset);
        break;
    case 2:
        corpus_number(corpus, name, page + (corpus->style.base & 1));
        corpus_number(corpus, "page_size", size);
        break;
    case 3:
        corpus_number(corpus, "page", page + (corpus->style.base & 1));
        break;
    case 4:
    case 5:
        if (page == 0)
            corpus_text(corpus, "cursor", "start");
        else
            corpus_text(corpus, "cursor", "c%llx",
                        (unsigned long long)(corpus->style.base * 7919 + page * 104729));
        break;
    case 6:
        corpus_number(corpus, "after_id",
                      page == 0 ? 0 : (int64_t)(corpus->style.base + page * 1000 + page * page * 37));
        break;
    default:
        corpus_text(corpus, "sql", "SELECT * FROM events ORDER BY id LIMIT %u OFFSET %u", (unsigned)size,
                    offset);
    }
}

void corpus_class_pages(struct corpus *corpus) {
    static const char *const functions[] = {"fetch_page", "list_objects", "query_events", "search"};
    static const char *const names[] = {"offset", "start", "skip", "from"};
    const char *function = PICK(corpus, functions), *name = PICK(corpus, names);
    unsigned form = corpus_between(corpus, 0, 7), pages = corpus_between(corpus, 3, 15);
    int64_t size = 10 * corpus_between(corpus, 1, 50);
    bool told = form > 2 || corpus_chance(corpus, 75); /* how many records came */
    corpus_begin(corpus, PICK(corpus, parents));
    for (unsigned page = 0; page < pages; page++) {
        corpus_begin(corpus, function);
        page_call(corpus, form, name, page, size);
        corpus_work(corpus);
        if (told)
            corpus_metric(corpus, "records",
                          page + 1 < pages ? size : corpus_between(corpus, 1, (unsigned)size));
        if (form == 4) {
            char next[32];
            snprintf(next, sizeof next, "c%llx",
                     (unsigned long long)(corpus->style.base * 7919 + (page + 1) * 104729));
            corpus_metric_text(corpus, "next_cursor", page + 1 < pages ? next : "");
        }
        corpus_end(corpus);
        if (corpus_chance(corpus, 30))
            corpus_leaf(corpus, "store_page");
    }
    corpus_end(corpus);
}

/* Each key once, at the start, and later from the cache. */
void corpus_class_warm_up(struct corpus *corpus) {
    static const char *const fills[] = {"warm_cache", "preload", "startup", "init_tables", "prime"};
    static const char *const loads[] = {"load_template", "query_setting", "read_glyph"};
    const char *load = PICK(corpus, loads);
    unsigned count = corpus_between(corpus, 5, 30), requests = corpus_between(corpus, 10, 40);
    bool same_function = corpus_chance(corpus, 40), puts = corpus_chance(corpus, 30);
    corpus_begin(corpus, PICK(corpus, fills));
    for (unsigned i = 0; i < count; i++) {
        corpus_begin(corpus, load);
        corpus_id(corpus, "key", i);
        corpus_work(corpus);
        if (same_function)
            corpus_metric(corpus, "hit", 0);
        corpus_end(corpus);
        if (puts) {
            corpus_begin(corpus, "cache_put");
            corpus_id(corpus, "key", i);
            corpus_end(corpus);
        }
    }
    corpus_end(corpus);
    for (unsigned i = 0; i < requests; i++) {
        corpus_begin(corpus, "handle_request");
        unsigned first = corpus_between(corpus, 0, count - 1);
        for (unsigned j = corpus_between(corpus, 1, 2); j > 0; j--) {
            corpus_begin(corpus, same_function ? load : "cache_get");
            corpus_id(corpus, "key", (first + j) % count);
            corpus_pass(corpus, corpus->style.unit_ns / 50 + 20);
            if (same_function || corpus_chance(corpus, 50))
                corpus_metric(corpus, "hit", 1);
            corpus_end(corpus);
        }
        corpus_leaf(corpus, "render");
        corpus_end(corpus);
    }
}

void corpus_class_batches(struct corpus *corpus) {
    static const char *const functions[] = {"load_many", "query_batch", "get_all"};
    const char *function = PICK(corpus, functions);
    unsigned form = corpus_between(corpus, 0, 4), next = corpus_between(corpus, 1, 999);
    corpus_begin(corpus, PICK(corpus, parents));
    for (unsigned i = corpus_between(corpus, 2, 6); i > 0; i--) {
        char list[CORPUS_TEXT_MAX] = "";
        unsigned items = corpus_between(corpus, 3, 12);
        int length = 0;
        for (unsigned j = 0; j < items; j++)
            length += snprintf(list + length, sizeof list - (size_t)length, "%s%s%u",
                               j == 0      ? ""
                               : form == 4 ? " "
                                           : ",",
                               form == 1 ? "k" : "", next++);
        corpus_begin(corpus, function);
        if (form == 2)
            corpus_text(corpus, "sql", "SELECT * FROM items WHERE id IN (%s)", list);
        else
            corpus_text(corpus, "ids", "%s%s%s", form == 3 ? "[" : "", list, form == 3 ? "]" : "");
        corpus_work(corpus);
        answer(corpus, items);
        corpus_end(corpus);
    }
    corpus_end(corpus);
}

void corpus_class_in_turn(struct corpus *corpus) {
    static const char *const functions[] = {"load_user",  "load_groups", "load_rights", "load_avatar",
                                            "load_inbox", "load_theme",  "load_quota"};
    corpus_begin(corpus, PICK(corpus, parents));
    unsigned first = corpus_between(corpus, 0, 6), count = corpus_between(corpus, 3, 7);
    bool same = corpus_chance(corpus, 50);
    for (unsigned i = 0; i < count; i++) {
        corpus_begin(corpus, functions[(first + i) % 7]);
        corpus_id(corpus, "id", same ? 0 : i);
        corpus_work(corpus);
        answer(corpus, corpus_between(corpus, 0, 3));
        corpus_end(corpus);
    }
    corpus_end(corpus);
}

void corpus_class_two_parameters(struct corpus *corpus) {
    static const char *const functions[] = {"blend", "distance", "cell_value", "compare"};
    const char *function = PICK(corpus, functions);
    unsigned rows = corpus_between(corpus, 3, 8), columns = corpus_between(corpus, 3, 8);
    bool drawn = corpus_chance(corpus, 40);
    corpus_begin(corpus, PICK(corpus, parents));
    for (unsigned x = 0; x < rows; x++)
        for (unsigned y = 0; y < columns; y++) {
            corpus_begin(corpus, function);
            corpus_number(corpus, "x", drawn ? (int64_t)corpus_random(corpus, 1000000) : x);
            corpus_number(corpus, "y", drawn ? (int64_t)corpus_random(corpus, 1000000) : y);
            corpus_work(corpus);
            corpus_end(corpus);
        }
    corpus_end(corpus);
}

void corpus_class_polling(struct corpus *corpus) {
    static const char *const functions[] = {"poll_status", "check_job", "get_state"};
    const char *function = PICK(corpus, functions);
    unsigned times = corpus_between(corpus, 5, 25), how = corpus_between(corpus, 0, 2);
    bool told = corpus_chance(corpus, 80);
    uint64_t period_ns = 1000000 * corpus_between(corpus, 10, 100), begin_ns = corpus->now_ns;
    if (corpus->style.unit_ns * 4 > period_ns)
        period_ns = corpus->style.unit_ns * 8;
    corpus_begin(corpus, "wait_for_job");
    for (unsigned i = 0; i < times; i++) {
        corpus->now_ns = begin_ns + (i + 1) * period_ns + corpus_random(corpus, period_ns / 50);
        corpus_begin(corpus, function);
        corpus_number(corpus, "job", (int64_t)(corpus->style.base % 1000));
        if (how == 1)
            corpus_number(corpus, "tick", i);
        else if (how == 2)
            corpus_number(corpus, "now", (int64_t)(corpus->now_ns / 1000000));
        corpus_work(corpus);
        if (told)
            corpus_metric(corpus, "done", i + 1 == times);
        corpus_end(corpus);
    }
    corpus_end(corpus);
}

/* Any calls, of each function two under one parent at most. */
static void any_calls(struct corpus *corpus, unsigned depth) {
    static const char *const functions[] = {"parse", "layout", "paint", "encode",
                                            "flush", "merge",  "sort",  "compress"};
    corpus_begin(corpus, functions[(depth * 2 + corpus_between(corpus, 0, 1)) % 8]);
    if (corpus_chance(corpus, 60))
        corpus_number(corpus, "size", (int64_t)corpus_random(corpus, 100000));
    corpus_work(corpus);
    for (unsigned i = corpus_between(corpus, 0, 2); i > 0 && depth < 4; i--)
        any_calls(corpus, depth + 1);
    corpus_end(corpus);
}

void corpus_class_ordinary(struct corpus *corpus) {
    for (unsigned i = corpus_between(corpus, 1, 2); i > 0; i--)
        any_calls(corpus, 0);
}

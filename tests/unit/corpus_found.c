/* Classes with something to be found. */
#include "corpus.h"

static const char *const parents[] = {"list_orders",    "render_page",  "export_all",     "sync_folder",
                                      "handle_request", "build_report", "load_directory", "index_repository"};
static const char *const queries[] = {"query_user",  "load_order", "fetch_item", "get_price", "select_row",
                                      "lookup_host", "read_block", "find_node",  "resolve",   "stat_file"};
static const char *const lists[] = {"query_all", "list_entries", "select_ids"};
static const char *const keys[] = {"id", "user_id", "entry_name", "key", "path", "node", "n"};
static const char *const helpers[] = {"enrich", "render_row", "process_item", "visit", "convert_one"};
static const char *const inner_helpers[] = {"resolve_owner", "with_lock", "cached_lookup"};
static const char *const others[] = {"format_cell", "acquire_lock", "append_row", "update_progress"};
static const char *const scopes[] = {"tenant", "part_id", "table", "db"};

/* How the calls of one program ask: function, key, and what else they say. */
struct query {
    const char *function, *key, *scope;
    bool scoped;
};

static struct query draw_query(struct corpus *corpus) {
    return (struct query){PICK(corpus, queries), PICK(corpus, keys), PICK(corpus, scopes),
                          corpus_chance(corpus, 40)};
}

static void answer(struct corpus *corpus) {
    unsigned metrics = corpus->style.metrics;
    if (metrics == 1)
        corpus_metric(corpus, "found", corpus_chance(corpus, 90));
    if (metrics == 2)
        corpus_metric(corpus, "query_us", (int64_t)(corpus->style.unit_ns / 1100));
    if (metrics >= 2)
        corpus_metric(corpus, "records", corpus_between(corpus, 0, metrics == 2 ? 1 : 6));
}

static void ask(struct corpus *corpus, const struct query *query, unsigned which) {
    corpus_begin(corpus, query->function);
    if (query->scoped)
        corpus_text(corpus, query->scope, "t%u", (unsigned)(corpus->style.base % 50));
    corpus_id(corpus, query->key, which);
    corpus_work(corpus);
    answer(corpus);
    corpus_end(corpus);
}

static void list_first(struct corpus *corpus, unsigned count) {
    if (!corpus_chance(corpus, 60))
        return;
    corpus_begin(corpus, PICK(corpus, lists));
    if (corpus_chance(corpus, 50))
        corpus_text(corpus, "filter", "open");
    corpus_work(corpus);
    if (corpus->style.metrics > 0)
        corpus_metric(corpus, "records", count);
    corpus_end(corpus);
}

static unsigned draw_count(struct corpus *corpus) {
    return corpus_chance(corpus, 80) ? corpus_between(corpus, 3, 25) : corpus_between(corpus, 26, 150);
}

/* One or two parents do `what`. */
static void in_parents(struct corpus *corpus,
                       void (*what)(struct corpus *corpus, const struct query *query)) {
    const char *parent = PICK(corpus, parents);
    struct query query = draw_query(corpus);
    bool with_parameter = corpus_chance(corpus, 50);
    for (unsigned i = corpus_between(corpus, 1, 2); i > 0; i--) {
        corpus_begin(corpus, parent);
        if (with_parameter)
            corpus_number(corpus, "request", i + 40);
        what(corpus, &query);
        if (corpus_chance(corpus, 30))
            corpus_leaf(corpus, "write_answer");
        corpus_end(corpus);
    }
    corpus_label(corpus, CORPUS_N_PLUS_ONE, query.function, NULL);
}

static void loop(struct corpus *corpus, const struct query *query) {
    unsigned count = draw_count(corpus);
    list_first(corpus, count);
    for (unsigned i = 0; i < count; i++)
        ask(corpus, query, i);
}

void corpus_class_plain(struct corpus *corpus) {
    in_parents(corpus, loop);
}

static void mixed_loop(struct corpus *corpus, const struct query *query) {
    unsigned count = draw_count(corpus), between = corpus_between(corpus, 1, 3);
    const char *other[] = {PICK(corpus, others), PICK(corpus, others), PICK(corpus, others)};
    list_first(corpus, count);
    for (unsigned i = 0; i < count; i++) {
        if (corpus_chance(corpus, 70))
            corpus_leaf(corpus, other[0]);
        ask(corpus, query, i);
        for (unsigned j = 1; j < between; j++)
            corpus_leaf(corpus, other[j]);
    }
}

void corpus_class_interleaved(struct corpus *corpus) {
    in_parents(corpus, mixed_loop);
}

/* On several threads, from a parent that waits for them on its own. */
static void workers(struct corpus *corpus, const struct query *query) {
    unsigned count = draw_count(corpus), threads = corpus_between(corpus, 2, 6);
    list_first(corpus, count);
    unsigned home = corpus->track;
    uint64_t begin_ns = corpus->now_ns, end_ns = begin_ns;
    for (unsigned thread = 0; thread < threads; thread++) {
        corpus->track = home + 1 + thread;
        corpus->now_ns = begin_ns + corpus_random(corpus, 2000);
        for (unsigned i = thread; i < count; i += threads)
            ask(corpus, query, i);
        end_ns = corpus->now_ns > end_ns ? corpus->now_ns : end_ns;
    }
    corpus->track = home;
    corpus->now_ns = end_ns;
}

void corpus_class_parallel(struct corpus *corpus) {
    in_parents(corpus, workers);
}

void corpus_class_nested(struct corpus *corpus) {
    const char *parent = PICK(corpus, parents), *helper = PICK(corpus, helpers),
               *inner = PICK(corpus, inner_helpers);
    struct query query = draw_query(corpus);
    bool named = corpus_chance(corpus, 60), deep = corpus_chance(corpus, 40),
         more = corpus_chance(corpus, 50);
    unsigned count = draw_count(corpus);
    corpus_begin(corpus, parent);
    list_first(corpus, count);
    for (unsigned i = 0; i < count; i++) {
        corpus_begin(corpus, helper);
        if (named)
            corpus_id(corpus, query.key, i);
        if (deep)
            corpus_begin(corpus, inner);
        ask(corpus, &query, i);
        if (deep)
            corpus_end(corpus);
        if (more)
            corpus_leaf(corpus, "format_cell");
        corpus_end(corpus);
    }
    corpus_end(corpus);
    corpus_label(corpus, CORPUS_N_PLUS_ONE, query.function, helper);
}

/* A tree of nodes, each with a parent before it. */
#define NODES_MAX 60u
struct tree {
    unsigned count, parents[NODES_MAX];
    const struct query *query; /* NULL: the walk itself is all that is done */
};

static void walk(struct corpus *corpus, const struct tree *tree, unsigned node) {
    corpus_begin(corpus, "walk_tree");
    corpus_id(corpus, "node", node);
    if (tree->query != NULL)
        ask(corpus, tree->query, node);
    else
        corpus_work(corpus);
    for (unsigned child = node + 1; child < tree->count; child++)
        if (tree->parents[child] == node)
            walk(corpus, tree, child);
    corpus_end(corpus);
}

void corpus_class_recursive(struct corpus *corpus) {
    struct query query = draw_query(corpus);
    unsigned width = corpus_between(corpus, 1, 8); /* 1: one node under the other */
    struct tree tree = {.count = corpus_between(corpus, 6, NODES_MAX)};
    for (unsigned i = 1; i < tree.count; i++)
        tree.parents[i] = i - 1 - corpus_between(corpus, 0, (i < width ? i : width) - 1);
    tree.query = width == 1 || corpus_chance(corpus, 70) ? &query : NULL;
    corpus_begin(corpus, PICK(corpus, parents));
    walk(corpus, &tree, 0);
    corpus_end(corpus);
    corpus_label(corpus, CORPUS_N_PLUS_ONE, "walk_tree", tree.query != NULL ? query.function : NULL);
}

/* The query's text, with other literals each time. */
void corpus_class_literals(struct corpus *corpus) {
    static const char *const functions[] = {"execute", "sqlite3_step", "db_query", "run_statement"};
    static const char *const names[] = {"sql", "query", "statement", "text"};
    const char *function = PICK(corpus, functions), *name = PICK(corpus, names);
    unsigned count = draw_count(corpus), form = corpus_between(corpus, 0, 4);
    corpus_begin(corpus, PICK(corpus, parents));
    for (unsigned i = 0; i < count; i++) {
        unsigned id = (unsigned)(corpus->style.base % 5000) + i * corpus_between(corpus, 1, 9);
        corpus_begin(corpus, function);
        switch (form) {
        case 0:
            corpus_text(corpus, name, "SELECT * FROM users WHERE id = %u", id * 10 + i);
            break;
        case 1:
            corpus_text(corpus, name, "select name, age from people where email='p%u@example.org'", i);
            break;
        case 2:
            corpus_text(corpus, name, "INSERT INTO log(id, level, message) VALUES (%u, %u, 'it''s %u')", i,
                        i % 3, id);
            break;
        case 3:
            corpus_text(corpus, name, "UPDATE items SET price = %u.50 WHERE sku = 'a-%u'", id, i);
            break;
        default:
            corpus_text(corpus, name, "DELETE FROM sessions WHERE token = 0x%x AND age > 30", id * 131 + i);
        }
        corpus_work(corpus);
        answer(corpus);
        corpus_end(corpus);
    }
    corpus_end(corpus);
    corpus_label(corpus, CORPUS_N_PLUS_ONE, function, NULL);
}

/* exists_node and load_node ask for one entry. */
void corpus_class_other_caller(struct corpus *corpus) {
    static const char *const first[] = {"exists_node", "check_access", "validate"};
    static const char *const second[] = {"load_node", "read_content", "open_item"};
    const char *one = PICK(corpus, first), *two = PICK(corpus, second);
    struct query query = draw_query(corpus);
    corpus_begin(corpus, PICK(corpus, parents));
    unsigned times = corpus_between(corpus, 1, 2);
    for (unsigned i = 0; i < times; i++) {
        corpus_begin(corpus, one);
        uint64_t before = corpus->random;
        ask(corpus, &query, i);
        corpus_end(corpus);
        if (corpus_chance(corpus, 30))
            corpus_leaf(corpus, "acquire_lock");
        corpus_begin(corpus, two);
        corpus->random = before; /* the same question has the same answer */
        ask(corpus, &query, i);
        if (corpus_chance(corpus, 50))
            corpus_leaf(corpus, "read_bytes");
        corpus_end(corpus);
    }
    corpus_end(corpus);
    corpus_label(corpus, CORPUS_OTHER_CALLER, query.function, NULL);
}

void corpus_class_at_once(struct corpus *corpus) {
    struct query query = draw_query(corpus);
    corpus_begin(corpus, PICK(corpus, parents));
    for (unsigned i = corpus_between(corpus, 1, 3); i > 0; i--) {
        unsigned which = corpus_between(corpus, 0, 1);
        uint64_t before = corpus->random;
        for (unsigned j = corpus_between(corpus, 2, 5); j > 0; j--) {
            corpus->random = before; /* the same question has the same answer */
            ask(corpus, &query, which);
        }
        corpus_leaf(corpus, "append_row");
    }
    corpus_end(corpus);
    corpus_label(corpus, CORPUS_AT_ONCE, query.function, NULL);
}

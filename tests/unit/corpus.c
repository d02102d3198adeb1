/* Building a program's calls, and its dice. */
#include "corpus.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *const corpus_class_names[CORPUS_CLASSES] = {
#define CORPUS_NAME(name) #name,
    CORPUS_EACH_CLASS(CORPUS_NAME)};

static void (*const classes[CORPUS_CLASSES])(struct corpus *corpus) = {
#define CORPUS_FUNCTION(name) corpus_class_##name,
    CORPUS_EACH_CLASS(CORPUS_FUNCTION)};

/* splitmix64 (Steele, Lea, Flood 2014) */
uint64_t corpus_random(struct corpus *corpus, uint64_t below) {
    uint64_t word = corpus->random += UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return (word ^ word >> 31) % below;
}

unsigned corpus_between(struct corpus *corpus, unsigned least, unsigned most) {
    return least + (unsigned)corpus_random(corpus, most - least + 1);
}

bool corpus_chance(struct corpus *corpus, unsigned percent) {
    return corpus_random(corpus, 100) < percent;
}

const char *corpus_pick(struct corpus *corpus, const char *const *words, size_t count) {
    return words[corpus_random(corpus, count)];
}

void corpus_pass(struct corpus *corpus, uint64_t ns) {
    corpus->now_ns += ns + 1;
}

void corpus_work(struct corpus *corpus) {
    uint64_t unit_ns = corpus->style.unit_ns;
    corpus_pass(corpus, unit_ns / 2 + corpus_random(corpus, unit_ns));
    if (corpus_chance(corpus, 3))
        corpus_pass(corpus, unit_ns * corpus_between(corpus, 2, 10)); /* something came in between */
}

int corpus_begin(struct corpus *corpus, const char *function) {
    if (corpus->count == corpus->capacity) {
        corpus->capacity = corpus->capacity == 0 ? 64 : corpus->capacity * 2;
        corpus->calls = realloc(corpus->calls, corpus->capacity * sizeof *corpus->calls);
        if (corpus->calls == NULL)
            abort();
    }
    corpus_pass(corpus, 100 + corpus_random(corpus, corpus->style.unit_ns / 10 + 1));
    int index = (int)corpus->count++;
    corpus->calls[index] = (struct corpus_call){
        .parent = corpus->open, .function = function, .track = corpus->track, .start_ns = corpus->now_ns};
    corpus->open = index;
    return index;
}

void corpus_end(struct corpus *corpus) {
    struct corpus_call *call = &corpus->calls[corpus->open];
    corpus_pass(corpus, 50 + corpus_random(corpus, corpus->style.unit_ns / 20 + 1));
    call->end_ns = corpus->now_ns;
    corpus->open = call->parent;
}

static struct corpus_value *parameter(struct corpus *corpus, const char *name) {
    struct corpus_call *call = &corpus->calls[corpus->open];
    struct corpus_value *value = &call->parameters[call->parameter_count++];
    value->name = name;
    return value;
}

void corpus_number(struct corpus *corpus, const char *name, int64_t number) {
    parameter(corpus, name)->number = number;
}

void corpus_text(struct corpus *corpus, const char *name, const char *format, ...) {
    struct corpus_value *value = parameter(corpus, name);
    value->is_text = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value->text, sizeof value->text, format, arguments);
    va_end(arguments);
}

void corpus_metric(struct corpus *corpus, const char *name, int64_t number) {
    struct corpus_call *call = &corpus->calls[corpus->open];
    call->metrics[call->metric_count++] = (struct corpus_value){.name = name, .number = number};
}

void corpus_metric_text(struct corpus *corpus, const char *name, const char *text) {
    struct corpus_call *call = &corpus->calls[corpus->open];
    struct corpus_value *value = &call->metrics[call->metric_count++];
    *value = (struct corpus_value){.name = name, .is_text = true};
    snprintf(value->text, sizeof value->text, "%s", text);
}

/* Mixed, so that they look drawn and are all different. */
static uint64_t mixed(const struct corpus *corpus, unsigned which) {
    return (corpus->style.base + which + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

void corpus_id(struct corpus *corpus, const char *name, unsigned which) {
    static const char *const names[] = {"anna", "bernd", "chen", "dora", "emil", "fatma", "gita", "hugo"};
    uint64_t bits = mixed(corpus, which);
    switch (corpus->style.ids) {
    case 0: /* counted from one */
        corpus_number(corpus, name, which + 1);
        break;
    case 1: /* counted from somewhere */
        corpus_number(corpus, name, (int64_t)(corpus->style.base % 100000 + which));
        break;
    case 2: /* drawn, and sorted as a database would */
        corpus_number(corpus, name, (int64_t)(1000 + which * 97 + bits % 97));
        break;
    case 3:
        corpus_number(corpus, name, (int64_t)(bits >> 32));
        break;
    case 4:
        corpus_text(corpus, name, "%08x-%04x-4%03x", (unsigned)(bits >> 32), (unsigned)bits & 0xffff,
                    (unsigned)(bits >> 20) & 0xfff);
        break;
    case 5:
        corpus_text(corpus, name, "%s%u", names[which % 8], which / 8);
        break;
    case 6:
        corpus_text(corpus, name, "item_%c%c%u.txt", 'a' + (char)(bits % 26), 'a' + (char)(bits / 26 % 26),
                    which);
        break;
    default:
        corpus_text(corpus, name, "/srv/data/%s/%u", names[bits >> 61], which);
    }
}

void corpus_leaf(struct corpus *corpus, const char *function) {
    corpus_begin(corpus, function);
    corpus_work(corpus);
    corpus_end(corpus);
}

void corpus_label(struct corpus *corpus, enum corpus_finding finding, const char *function,
                  const char *other) {
    struct corpus_label *label = &corpus->labels[corpus->label_count++];
    *label = (struct corpus_label){.finding = finding, .functions = {function, other}};
}

/* What happens in any program: once each, and nothing to be found. */
static void once_each(struct corpus *corpus) {
    static const char *const functions[] = {"read_config", "open_log", "connect", "check_license",
                                            "load_locale"};
    unsigned first = corpus_between(corpus, 0, 4);
    for (unsigned i = corpus_between(corpus, 0, 3); i > 0; i--) {
        corpus_begin(corpus, functions[(first + i) % 5]);
        if (corpus_chance(corpus, 50))
            corpus_text(corpus, "path", "/etc/app/%u.conf", i);
        corpus_work(corpus);
        corpus_end(corpus);
    }
}

void corpus_make(struct corpus *corpus, enum corpus_class class, uint64_t seed) {
    static const uint64_t units_ns[] = {3000, 20000, 150000, 1200000};
    *corpus =
        (struct corpus){.class = class, .random = seed * CORPUS_CLASSES + class, .open = -1, .track = 1};
    corpus->now_ns = 1000000;
    corpus->style = (struct corpus_style){.ids = corpus_between(corpus, 0, 7),
                                          .metrics = corpus_between(corpus, 0, 3),
                                          .base = corpus_random(corpus, 1000000) + 100,
                                          .unit_ns = units_ns[corpus_between(corpus, 0, 3)]};
    bool main_span = corpus_chance(corpus, 40);
    if (main_span)
        corpus_begin(corpus, "main");
    if (class != CORPUS_warm_up || corpus_chance(corpus, 50))
        once_each(corpus);
    classes[class](corpus);
    if (main_span)
        corpus_end(corpus);
}

void corpus_free(struct corpus *corpus) {
    free(corpus->calls);
    *corpus = (struct corpus){0};
}

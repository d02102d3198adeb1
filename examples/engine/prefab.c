/* Reads prefabs: a line is a word that says what it is about, and its values. */
#define PERF_TARGET "gameplay_factory"
#include <perftrace.h>

#include "prefab.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 8
#define PI 3.14159265F

struct word {
    const char *text;
    int length;
    unsigned column;
};

struct parser {
    struct bundle *bundle;
    struct prefab_error *error;
    unsigned line;
    struct word word[WORDS_MAX];
    int words;
    struct mesh *mesh;        /* the statement before was about this one, */
    struct prefab *prefab;    /* or about this one */
    struct prefab_node *node; /* and this node of it */
};

int prefab_fail(struct prefab_error *error, unsigned line, unsigned column, const char *format, ...) {
    error->line = line;
    error->column = column;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return -1;
}

#define FAIL(parser, word, ...) prefab_fail((parser)->error, (parser)->line, (word)->column, __VA_ARGS__)

/* ---- values ---- */

static int take_name(struct parser *parser, int index, char name[32]) {
    const struct word *word = &parser->word[index];
    if (word->length > 31)
        return FAIL(parser, word, "a name has at most 31 letters");
    snprintf(name, 32, "%.*s", word->length, word->text);
    return 0;
}

/* A finite number in plain decimals, whatever the locale says of points and commas. */
static int take_number(struct parser *parser, int index, float min, float *number) {
    const struct word *word = &parser->word[index];
    const char *at = word->text, *end = at + word->length;
    bool negative = at < end && *at == '-';
    at += negative;
    double value = 0, unit = 1;
    int digits = 0;
    for (; at < end && isdigit((unsigned char)*at); at++, digits++)
        value = value * 10 + (*at - '0');
    if (at < end && *at == '.')
        for (at++; at < end && isdigit((unsigned char)*at); at++, digits++)
            value += (*at - '0') * (unit /= 10);
    if (at != end || digits == 0 || value > 1e6)
        return FAIL(parser, word, "'%.*s' is not a number up to a million", word->length, word->text);
    *number = (float)(negative ? -value : value);
    if (*number < min)
        return FAIL(parser, word, "%.*s is less than %g", word->length, word->text, (double)min);
    return 0;
}

static int take_numbers(struct parser *parser, int count, float min, float *numbers) {
    for (int i = 0; i < count; i++)
        if (take_number(parser, 1 + i, min, &numbers[i]) != 0)
            return -1;
    return 0;
}

/* ---- statements ---- */

static int set_mesh(struct parser *parser) {
    struct bundle *bundle = parser->bundle;
    struct mesh mesh = {.size = {1, 1, 1}, .radius = 1, .lod_distance = {50, 150, 500}, .colour = 0x808080};
    if (take_name(parser, 1, mesh.name) != 0)
        return -1;
    for (unsigned i = 0; i < bundle->meshes; i++)
        if (strcmp(bundle->mesh[i].name, mesh.name) == 0)
            return FAIL(parser, &parser->word[1], "there is a mesh '%s' already", mesh.name);
    if (bundle->meshes == MESHES_MAX)
        return FAIL(parser, &parser->word[0], "more than %d meshes", MESHES_MAX);
    parser->mesh = &bundle->mesh[bundle->meshes++];
    *parser->mesh = mesh;
    parser->prefab = NULL;
    parser->node = NULL;
    return 0;
}

static int set_prefab(struct parser *parser) {
    struct bundle *bundle = parser->bundle;
    struct prefab prefab = {.first = bundle->nodes, .free = ENTITY_NONE};
    if (take_name(parser, 1, prefab.name) != 0)
        return -1;
    for (unsigned i = 0; i < bundle->prefabs; i++)
        if (strcmp(bundle->prefab[i].name, prefab.name) == 0)
            return FAIL(parser, &parser->word[1], "there is a prefab '%s' already", prefab.name);
    if (bundle->prefabs == PREFABS_MAX)
        return FAIL(parser, &parser->word[0], "more than %d prefabs", PREFABS_MAX);
    parser->prefab = &bundle->prefab[bundle->prefabs++];
    *parser->prefab = prefab;
    parser->mesh = NULL;
    parser->node = NULL;
    return 0;
}

/* The node of the prefab in hand that the word names; ENTITY_NONE: there is none. */
static uint32_t find_node(const struct parser *parser, int index) {
    const struct word *word = &parser->word[index];
    const struct prefab_node *nodes = parser->bundle->node + parser->prefab->first;
    for (uint32_t i = 0; i < parser->prefab->count; i++)
        if (strlen(nodes[i].name) == (size_t)word->length &&
            memcmp(nodes[i].name, word->text, (size_t)word->length) == 0)
            return i;
    return ENTITY_NONE;
}

static int set_node(struct parser *parser) {
    struct bundle *bundle = parser->bundle;
    const struct word *word = parser->word;
    struct prefab_node node = {.parent = ENTITY_NONE, .turn = {0, 0, 0, 1}, .scale = 1, .spin_w = 1};
    node.components = COMPONENT_ALIVE;
    if (take_name(parser, 1, node.name) != 0)
        return -1;
    if (find_node(parser, 1) != ENTITY_NONE)
        return FAIL(parser, &word[1], "there is a node '%s' in this prefab already", node.name);
    if (parser->words > 2) {
        if (word[2].length != 5 || memcmp(word[2].text, "under", 5) != 0 || parser->words != 4)
            return FAIL(parser, &word[2], "after the name comes nothing, or: under NAME");
        node.parent = find_node(parser, 3);
        if (node.parent == ENTITY_NONE)
            return FAIL(parser, &word[3], "no node '%.*s' before this one", word[3].length, word[3].text);
    } else if (parser->prefab->count > 0) {
        return FAIL(parser, &word[1], "only the first node is a root; of this one say: under NAME");
    }
    if (bundle->nodes == NODES_MAX)
        return FAIL(parser, &word[0], "more than %d nodes", NODES_MAX);
    parser->node = &bundle->node[bundle->nodes++];
    *parser->node = node;
    parser->prefab->count++;
    return 0;
}

static int set_size(struct parser *parser) {
    float number[3] = {0, 0, 0};
    if (take_numbers(parser, 3, 0, number) != 0)
        return -1;
    parser->mesh->size = (struct vec3){number[0], number[1], number[2]};
    parser->mesh->radius = sqrtf(vec3_dot(parser->mesh->size, parser->mesh->size)) / 2;
    return 0;
}

static int set_lods(struct parser *parser) {
    float *distance = parser->mesh->lod_distance;
    if (take_numbers(parser, LODS - 1, 0, distance) != 0)
        return -1;
    for (int i = 1; i < LODS - 1; i++)
        if (distance[i] < distance[i - 1])
            return FAIL(parser, &parser->word[1 + i], "distances of levels of detail grow");
    return 0;
}

static int set_colour(struct parser *parser) {
    const struct word *word = &parser->word[1];
    int digits = 0;
    while (digits < word->length && isxdigit((unsigned char)word->text[digits]))
        digits++;
    if (digits != 6 || word->length != 6)
        return FAIL(parser, word, "'%.*s' is not a colour: six hexadecimal digits", word->length, word->text);
    char text[7];
    snprintf(text, sizeof text, "%.6s", word->text);
    parser->mesh->colour = (uint32_t)strtoul(text, NULL, 16);
    return 0;
}

static int set_position(struct parser *parser) {
    float number[3] = {0, 0, 0};
    if (take_numbers(parser, 3, -1e6F, number) != 0)
        return -1;
    parser->node->place = (struct vec3){number[0], number[1], number[2]};
    return 0;
}

static int set_turn(struct parser *parser) {
    float degrees = 0;
    if (take_numbers(parser, 1, -1e6F, &degrees) != 0)
        return -1;
    parser->node->turn = quat_about_y(degrees * PI / 180);
    return 0;
}

static int set_scale(struct parser *parser) {
    return take_numbers(parser, 1, 0.001F, &parser->node->scale);
}

static int set_draw(struct parser *parser) {
    struct prefab_node *node = parser->node;
    node->components |= COMPONENT_MESH;
    node->line = parser->line;
    node->column = parser->word[1].column;
    return take_name(parser, 1, node->mesh_name);
}

static int set_spin(struct parser *parser) {
    float degrees = 0;
    if (take_numbers(parser, 1, -1e6F, &degrees) != 0)
        return -1;
    struct quat turn = quat_about_y(degrees * PI / 180);
    parser->node->components |= COMPONENT_SPIN;
    parser->node->spin_y = turn.y;
    parser->node->spin_w = turn.w;
    return 0;
}

static int set_vehicle(struct parser *parser) {
    parser->node->components |= COMPONENT_VEHICLE;
    return 0;
}

/* What there is to say, about what, and with how many values. */
enum about { ANYTHING, A_MESH, A_PREFAB, A_NODE };
static const char *const about_text[] = {"", "mesh", "prefab", "node"};
static const struct statement {
    const char *word;
    enum about about;
    int values_min, values_max;
    int (*set)(struct parser *parser);
} statements[] = {
    {"mesh", ANYTHING, 1, 1, set_mesh},
    {"prefab", ANYTHING, 1, 1, set_prefab},
    {"node", A_PREFAB, 1, 3, set_node},
    {"size", A_MESH, 3, 3, set_size},
    {"lods", A_MESH, LODS - 1, LODS - 1, set_lods},
    {"colour", A_MESH, 1, 1, set_colour},
    {"position", A_NODE, 3, 3, set_position},
    {"turn", A_NODE, 1, 1, set_turn},
    {"scale", A_NODE, 1, 1, set_scale},
    {"draw", A_NODE, 1, 1, set_draw},
    {"spin", A_NODE, 1, 1, set_spin},
    {"vehicle", A_NODE, 0, 0, set_vehicle},
};

static int parse_statement(struct parser *parser) {
    const struct word *word = parser->word;
    const struct statement *statement = NULL;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        if (strlen(statements[i].word) == (size_t)word->length &&
            memcmp(statements[i].word, word->text, (size_t)word->length) == 0)
            statement = &statements[i];
    if (statement == NULL)
        return FAIL(parser, word, "no statement begins with '%.*s'", word->length, word->text);
    const bool given[] = {true, parser->mesh != NULL, parser->prefab != NULL, parser->node != NULL};
    if (!given[statement->about])
        return FAIL(parser, word, "'%s' belongs to a %s, and there is none before it", statement->word,
                    about_text[statement->about]);
    int values = parser->words - 1;
    if (values < statement->values_min)
        return FAIL(parser, &(struct word){.column = word[values].column + (unsigned)word[values].length},
                    "'%s' takes %d values, not %d", statement->word, statement->values_min, values);
    if (values > statement->values_max)
        return FAIL(parser, &word[1 + statement->values_max], "'%s' takes %d values, not %d", statement->word,
                    statement->values_max, values);
    return statement->set(parser);
}

/* Divides [at, end) into words. */
static int split(struct parser *parser, const char *line, const char *end) {
    parser->words = 0;
    for (const char *at = line; at < end;) {
        if (*at == '#')
            break;
        if (*at == ' ' || *at == '\t' || *at == '\r') {
            at++;
            continue;
        }
        struct word word = {at, 0, (unsigned)(at - line) + 1};
        for (; at < end && *at != ' ' && *at != '\t' && *at != '\r'; at++)
            if ((unsigned char)*at < ' ' || *at == 0x7f)
                return FAIL(parser, &(struct word){.column = (unsigned)(at - line) + 1},
                            "a control character (%d)", *at);
        word.length = (int)(at - word.text);
        if (word.length > 64)
            return FAIL(parser, &word, "a word of %d letters; 64 are the most", word.length);
        if (parser->words == WORDS_MAX)
            return FAIL(parser, &word, "more than %d words in a line", WORDS_MAX);
        parser->word[parser->words++] = word;
    }
    return 0;
}

int prefab_parse(struct bundle *bundle, const char *text, size_t bytes, struct prefab_error *error) {
    PERF_SPAN("parse_prefabs", "bytes", bytes);
    *bundle = (struct bundle){.meshes = 0};
    struct parser parser = {.bundle = bundle, .error = error};
    const char *end = text + bytes;
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL)
            stop = end;
        parser.line++;
        if (split(&parser, line, stop) != 0 || (parser.words > 0 && parse_statement(&parser) != 0))
            return -1;
        line = stop + 1;
    }
    for (unsigned i = 0; i < bundle->prefabs; i++)
        if (bundle->prefab[i].count == 0)
            return prefab_fail(error, parser.line, 1, "the prefab '%s' has no node", bundle->prefab[i].name);
    PERF_METRIC("prefabs", bundle->prefabs, "nodes", bundle->nodes, "meshes", bundle->meshes);
    return 0;
}

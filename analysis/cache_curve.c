/* Bins in pages, as places come in heaps: small ones always, and those about as large as what a loop goes over. */
#include "cache_curve.h"

#include "intern.h"

#include <stdlib.h>
#include <string.h>

#define PAGES_MAX (1u << 28)

/* The last place of a bin. */
static uint64_t place_of(const struct analysis_cache_curve *curve, uint64_t bin) {
    if (!curve->coarse || bin < CACHE_ALONE)
        return bin + 1;
    unsigned shift = (unsigned)(bin >> (CACHE_ALONE_BITS - 1)) - 1;
    return (bin - ((uint64_t)shift << (CACHE_ALONE_BITS - 1)) + 1) << shift;
}

static bool reserve_pages(struct analysis_cache_curve *curve, uint64_t page,
                          struct perftrace_budget *budget) {
    uint64_t wanted = page + 1 > curve->page_count * 3 / 2 ? page + 1 : curve->page_count * 3 / 2;
    return page < curve->page_count ||
           (wanted <= PAGES_MAX && array_grow_zeros(budget, (void **)&curve->pages, &curve->page_count,
                                                    wanted, sizeof(*curve->pages)));
}

/* NULL: empty. */
static struct cache_bin *page_of(const struct analysis_cache_curve *curve, uint64_t page) {
    return page == 0 ? (struct cache_bin *)(uintptr_t)curve->first : curve->pages[page];
}

static uint32_t pages_of(const struct analysis_cache_curve *curve) {
    return curve->page_count > 0 ? curve->page_count : 1;
}

static struct cache_bin *new_page(struct perftrace_budget *budget) {
    if (!perftrace_budget_take(budget, CACHE_PAGE_BINS * sizeof(struct cache_bin)))
        return NULL;
    struct cache_bin *page = calloc(CACHE_PAGE_BINS, sizeof *page);
    if (page == NULL)
        perftrace_budget_give(budget, CACHE_PAGE_BINS * sizeof *page);
    return page;
}

static void free_page(struct cache_bin *page, struct perftrace_budget *budget) {
    if (page != NULL)
        perftrace_budget_give(budget, CACHE_PAGE_BINS * sizeof *page);
    free(page);
}

/* To a bin whose page may not be there yet. */
bool cache_curve_add_new(struct analysis_cache_curve *curve, uint64_t place, uint64_t hits, uint64_t ns,
                         struct perftrace_budget *budget) {
    if (place <= CACHE_PAGE_BINS) {
        cache_curve_add_near(curve, place, hits, ns);
        return true;
    }
    uint64_t page = cache_curve_bin(curve, place) / CACHE_PAGE_BINS;
    if (!reserve_pages(curve, page, budget))
        return false;
    if (curve->pages[page] == NULL && (curve->pages[page] = new_page(budget)) == NULL)
        return false;
    return cache_curve_add(curve, place, hits, ns, budget);
}

void cache_curve_take(struct analysis_cache_curve *curve, uint64_t hits, uint64_t ns) {
    for (uint32_t page = 0; page < pages_of(curve) && (hits > 0 || ns > 0); page++)
        for (uint32_t i = 0; i < CACHE_PAGE_BINS && page_of(curve, page) != NULL; i++) {
            struct cache_bin *bin = &page_of(curve, page)[i];
            uint64_t fewer = bin->hits < hits ? bin->hits : hits, less = bin->ns < ns ? bin->ns : ns;
            bin->hits -= fewer;
            bin->ns -= less;
            hits -= fewer;
            ns -= less;
        }
}

/* All bins of a page go into the same page, so that no more memory is needed than is given back. */
bool cache_curve_coarsen(struct analysis_cache_curve *curve, struct perftrace_budget *budget) {
    if (curve->coarse)
        return true;
    struct analysis_cache_curve coarse = {.coarse = true};
    memcpy(coarse.first, curve->first, sizeof coarse.first);
    if (curve->page_count > 0) {
        uint64_t last = cache_curve_bin(&coarse, (uint64_t)curve->page_count * CACHE_PAGE_BINS);
        coarse.page_count = (uint32_t)(last / CACHE_PAGE_BINS) + 1;
        coarse.pages = calloc(coarse.page_count, sizeof(*coarse.pages));
        if (coarse.pages == NULL)
            return false;
    }
    for (uint32_t page = 0; page < curve->page_count; page++) {
        struct cache_bin *old = curve->pages[page];
        if (old == NULL)
            continue;
        uint64_t to = cache_curve_bin(&coarse, (uint64_t)page * CACHE_PAGE_BINS + 1) / CACHE_PAGE_BINS;
        struct cache_bin bins[CACHE_PAGE_BINS];
        memcpy(bins, old, sizeof bins);
        if (coarse.pages[to] == NULL) {
            coarse.pages[to] = old;
            memset(old, 0, sizeof bins);
        } else {
            free_page(old, budget);
        }
        for (uint32_t i = 0; i < CACHE_PAGE_BINS; i++) {
            uint64_t number = cache_curve_bin(&coarse, (uint64_t)page * CACHE_PAGE_BINS + i + 1);
            struct cache_bin *bin = &coarse.pages[to][number % CACHE_PAGE_BINS];
            bin->hits = cache_sum(bin->hits, bins[i].hits);
            bin->ns = cache_sum(bin->ns, bins[i].ns);
        }
    }
    perftrace_budget_give(budget, (curve->page_count - coarse.page_count) * sizeof(*curve->pages));
    free(curve->pages);
    *curve = coarse;
    return true;
}

const struct cache_bin *cache_curve_next(const struct analysis_cache_curve *curve, uint64_t *place) {
    for (uint64_t number = *place == 0 ? 0 : cache_curve_bin(curve, *place) + 1;
         number / CACHE_PAGE_BINS < pages_of(curve); number++) {
        const struct cache_bin *page = page_of(curve, number / CACHE_PAGE_BINS);
        if (page == NULL) {
            number |= CACHE_PAGE_BINS - 1;
        } else if (page[number % CACHE_PAGE_BINS].hits > 0 || page[number % CACHE_PAGE_BINS].ns > 0) {
            *place = place_of(curve, number);
            return &page[number % CACHE_PAGE_BINS];
        }
    }
    return NULL;
}

void cache_curve_free(struct analysis_cache_curve *curve, struct perftrace_budget *budget) {
    for (uint32_t page = 0; page < curve->page_count; page++)
        free_page(curve->pages[page], budget);
    perftrace_budget_give(budget, curve->page_count * sizeof(*curve->pages));
    free(curve->pages);
    *curve = (struct analysis_cache_curve){0};
}

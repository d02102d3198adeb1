/* Ended spans, many at once and in brief. */
#include "batch.h"

#include "hash.h"
#include "stream_state.h"

#include <stdlib.h>
#include <string.h>

/* So much that has been read is kept for a batch at most, and a chunk. */
#define CHUNK_BYTES_MAX ((size_t)1 << 20)

static struct perftrace_batch *open_batch(void) {
    struct perftrace_batch *batch = calloc(1, sizeof *batch);
    for (size_t i = 0; batch != NULL && i < sizeof batch->secrets / sizeof batch->secrets[0]; i++)
        batch->secrets[i] = perftrace_hash_key();
    return batch;
}

static void release(struct perftrace_stream *stream) {
    struct perftrace_batch *batch = stream->batch;
    while (batch->kept != NULL) {
        struct perftrace_kept *kept = batch->kept;
        batch->kept = kept->next;
        perftrace_keep_release(&stream->keeper, kept);
    }
    while (batch->chunks != NULL) {
        struct perftrace_waiting *chunk = batch->chunks;
        batch->chunks = chunk->next;
        free(chunk);
    }
    batch->chunk_bytes = 0;
    batch->count = batch->recorded_count = batch->metric_count = 0;
    batch->full = false;
}

void perftrace_batch_free(struct perftrace_stream *stream) {
    if (stream->batch == NULL)
        return;
    release(stream);
    free(stream->batch->values.texts);
    free(stream->batch);
}

void perftrace_batch_keep_chunk(struct perftrace_batch *batch, struct perftrace_waiting *chunk) {
    if (batch->count == 0) {
        free(chunk);
        return;
    }
    chunk->next = batch->chunks;
    batch->chunks = chunk;
    batch->chunk_bytes += chunk->word_count * sizeof chunk->words[0];
    batch->full |= batch->chunk_bytes > CHUNK_BYTES_MAX;
}

size_t perftrace_stream_calls(struct perftrace_stream *stream, struct perftrace_call **calls) {
    const uint32_t ends =
        PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_SPAN_END) | PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_ASYNC_END);
    if (stream->batch == NULL && (stream->batch = open_batch()) == NULL) {
        stream->no_memory = true;
        return 0;
    }
    struct perftrace_batch *batch = stream->batch;
    release(stream);
    stream->options.unwanted |= ~ends;
    const struct perftrace_item *item = perftrace_stream_next(stream);
    if (item != NULL)
        batch->calls[batch->count++] = *item->call;
    *calls = batch->calls;
    return batch->count;
}

bool perftrace_stream_fill(struct perftrace_stream *stream, struct perftrace_call *call, bool all) {
    if (!call->brief)
        return true;
    call->brief = false;
    struct perftrace_batch *batch = stream->batch;
    const struct perftrace_recorded *recorded = &batch->recorded[call->place - 1];
    const struct perftrace_site_entry *metric_site = NULL;
    bool parameters = all && recorded->parameters != NULL;
    size_t words = 0;
    if (recorded->kept != NULL)
        words = recorded->kept->used;
    else if (parameters)
        words = perftrace_record_length(recorded->site, recorded->parameters - 1, SIZE_MAX);
    if (recorded->metric != NULL) {
        metric_site = perftrace_tables_site(&stream->tables, perftrace_word_site(recorded->metric[0]));
        words += perftrace_record_length(metric_site, recorded->metric, SIZE_MAX);
    }
    if (words > 0 && !perftrace_values_start(&batch->values, words)) {
        stream->no_memory = true;
        return false;
    }
    if (parameters) {
        call->parameters = perftrace_values_add(&batch->values, recorded->site, recorded->parameters);
        call->parameter_count = recorded->site->info.argument_count;
    }
    if (metric_site != NULL) {
        call->metrics = perftrace_values_add(&batch->values, metric_site, recorded->metric + 1);
        call->metric_count = metric_site->info.argument_count;
    } else if (recorded->kept != NULL && recorded->kept->metric_sites > 0) {
        call->metrics = perftrace_values_add_metrics(&batch->values, recorded->kept, &call->metric_count);
    }
    return true;
}

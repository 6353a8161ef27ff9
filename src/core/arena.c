/* Largest pieces first, each into the smallest gap between those that are there and alive at the
 * same time: a large piece that found no gap would cost most. */
#include "arena.h"
#include <stdint.h>
#include <stdlib.h>

static size_t end_of(const ag_piece *p) {
  return p->offset + (p->bytes + AG_ARENA_ALIGN - 1) / AG_ARENA_ALIGN * AG_ARENA_ALIGN;
}

static int alive_together(const ag_piece *p, const ag_piece *q) {
  return p->first <= q->last && q->first <= p->last;
}

/* Of those placed, in the order of their offsets, the ones in p's block and of its time leave gaps:
 * p goes to the smallest one that holds it, or behind them all. */
static size_t best_offset(const ag_piece *p, int nplaced, ag_piece *const *placed) {
  size_t best = 0, least = SIZE_MAX, free_from = 0;
  for (int i = 0; i < nplaced; i++) {
    const ag_piece *q = placed[i];
    if (q->block != p->block || !alive_together(p, q)) continue;
    if (q->offset > free_from && q->offset - free_from >= p->bytes && q->offset - free_from < least)
      best = free_from, least = q->offset - free_from;
    if (end_of(q) > free_from) free_from = end_of(q);
  }
  return least < SIZE_MAX ? best : free_from;
}

static void place(ag_piece *p, int nplaced, ag_piece *const *placed, size_t most) {
  for (p->block = 0;; p->block++) {
    p->offset = best_offset(p, nplaced, placed);
    if (!most || !p->offset || p->offset + p->bytes <= most) return;
  }
}

static int by_bytes(const void *a, const void *b) {
  const ag_piece *p = *(ag_piece *const *)a, *q = *(ag_piece *const *)b;
  if (p->bytes != q->bytes) return p->bytes < q->bytes ? 1 : -1;
  return (p > q) - (p < q); /* the same order wherever qsort comes from */
}

ag_status ag_arena_place(int n, ag_piece *piece, size_t most) {
  ag_piece **todo = malloc(((size_t)n + 1) * sizeof(ag_piece *));
  ag_piece **placed = malloc(((size_t)n + 1) * sizeof(ag_piece *));
  ag_status status = todo && placed ? AG_OK : ag_fail(AG_E_MEMORY, "out of memory");
  for (int i = 0; i < n && status == AG_OK; i++) todo[i] = &piece[i];
  if (status == AG_OK) qsort(todo, (size_t)n, sizeof *todo, by_bytes);
  for (int i = 0; i < n && status == AG_OK; i++) {
    place(todo[i], i, placed, most);
    int at = i;
    for (; at > 0 && placed[at - 1]->offset > todo[i]->offset; at--) placed[at] = placed[at - 1];
    placed[at] = todo[i];
  }
  free(todo);
  free(placed);
  return status;
}

size_t ag_arena_bytes(int n, const ag_piece *piece, int block) {
  size_t bytes = 0;
  for (int i = 0; i < n; i++)
    if (piece[i].block == block && end_of(&piece[i]) > bytes) bytes = end_of(&piece[i]);
  return bytes;
}

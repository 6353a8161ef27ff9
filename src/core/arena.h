/* Where short-lived pieces of memory lie in a few large blocks: pieces that are never alive at the
 * same time may lie over each other. */
#ifndef AG_ARENA_H
#define AG_ARENA_H

#include <stddef.h>
#include "error.h"

typedef struct {
  size_t bytes;
  int first, last; /* the steps at which it is alive, both included */
  int block;       /* where ag_arena_place() puts it, in which block */
  size_t offset;   /* and how many bytes from its start: a multiple of AG_ARENA_ALIGN */
} ag_piece;

enum { AG_ARENA_ALIGN = 256 };

/* Places n pieces in blocks 0, 1, ... of at most `most` bytes (0: as large as it takes), a larger
 * piece alone. */
AG_CHECKED ag_status ag_arena_place(int n, ag_piece *piece, size_t most);
/* Bytes that block `block` must have; 0 behind the last one. */
size_t ag_arena_bytes(int n, const ag_piece *piece, int block);

#endif

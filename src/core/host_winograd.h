/* What the passes of a convolution by Winograd's method share (host_winograd.c): tiles of 4 x 4
 * outputs and the 6 x 6 pixels that they look at. */
#ifndef AG_HOST_WINOGRAD_H
#define AG_HOST_WINOGRAD_H

#include "host_launch.h"

enum {
  AG_WINOGRAD_PLACES = 36,
  AG_WINOGRAD_BYTES = 4194304 /* of a transformed weight, at most */
};

typedef struct {
  const ag_kernel *k;
  const ag_window *w;
  const ag_isa *isa;
  const float *x;
  int64_t in, out, panel; /* channels */
  int64_t wide, rows;     /* tiles in a row; rows of tiles of all samples */
  int64_t most;           /* tiles that are computed at once */
  const float *none;      /* a pixel outside of the image */
} ag_winograd;

/* Where a tile's outputs begin. */
typedef struct {
  int64_t sample, ox, oy;
} ag_winograd_tile;

/* Tile `number` of those from the beginning of row `row` on. */
ag_winograd_tile ag_host_winograd_tile(const ag_winograd *c, int64_t row, int64_t number);
void ag_host_winograd_begin(ag_winograd *c, const ag_kernel *k, const ag_binding *slot);
/* Transforms the pixels that the tile looks at; place i goes to v + i * most * in. */
void ag_host_winograd_take(const ag_winograd *c, ag_winograd_tile t, float *v);
/* What the work for a tile costs, in multiply-adds of a plain sum, as measured: a multiply-add, and
 * the transforms for a channel in and a channel out. */
typedef struct {
  double product, in, out;
} ag_winograd_cost;
/* Whether the kernel is clearly faster so. */
int ag_host_winograd_pays(const ag_kernel *k, ag_winograd_cost cost);

#endif

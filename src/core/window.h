/* Windows: which elements of an image a convolution or a pooling looks at.
 *
 * Images are channels x width x height x samples. Along each of the two axes (0: width, 1: height)
 * output o, element k of its window, reads input position
 *
 *   p = (mul o + dil k - off) / div
 *
 * and nothing (a zero; for a maximum, no candidate) where that is not a whole number or not in
 * [0, in). A convolution with stride s, dilation d and `a` zeros before the image has mul = s,
 * dil = d, off = a, div = 1. The pass back to its input runs over positions p as outputs:
 * o = (p + a - d k) / s, so mul = 1, dil = -d, off = -a, div = s; a transposed convolution is that
 * pass. */
#ifndef AG_WINDOW_H
#define AG_WINDOW_H

#include <stdint.h>

typedef struct {
  int64_t in[2], out[2], k[2]; /* extents of the input, the output, the window */
  int64_t mul[2], dil[2], off[2], div[2];
} ag_window;

/* The pass from outputs back to inputs: in and out trade places. */
static inline ag_window ag_window_reversed(const ag_window *w) {
  ag_window r = *w;
  for (int a = 0; a < 2; a++) {
    r.in[a] = w->out[a], r.out[a] = w->in[a];
    r.mul[a] = w->div[a], r.div[a] = w->mul[a];
    r.dil[a] = -w->dil[a], r.off[a] = -w->off[a];
  }
  return r;
}

#endif

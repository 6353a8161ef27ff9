/* Convolutions of images, channels x width x height x samples, in groups of channels: of the I
 * channels in and O out, group g has I / G and O / G. With p the places that a window looks at
 * (window.h; nothing is read outside of the image) and c over the channels of o's group,
 *
 *   out[o, ox, oy, n] = sum over c, kx, ky of w[o, c - first, kx, ky] x[c, px, py, n]
 *
 * where the weight w is O x I/G x kw x kh, or with `transposed` I x O/G x kw x kh and read as
 * w[c, o - first, kx, ky]: what the weight of the way back is. So a transposed convolution is a
 * convolution with the reversed window and such a weight, and all gradients are of the same two
 * kinds of node. */
#ifndef AG_CONV_H
#define AG_CONV_H

#include "expr.h"

/* What of such a window an image of `in` takes: stride, dilation and the zeros before and after the
 * image, by axis; w->out is 0 or less where the window does not fit. */
typedef struct {
  int64_t k[2], stride[2], dilation[2], before[2], after[2];
} ag_conv_step;
ag_window ag_conv_window(const ag_conv_step *s, const int64_t in[2]);
/* The window of the transposed convolution, which takes `in` to so many: `more` (at least 0 and
 * less than the stride) are added after the result's end. */
ag_window ag_conv_window_transposed(const ag_conv_step *s, const int64_t in[2],
                                    const int64_t more[2]);

AG_CHECKED ag_status ag_expr_conv(ag_array **out, ag_array *x, ag_array *weight, const ag_window *w,
                                  int64_t groups, int transposed);
/* The gradient by the weight (not transposed), g being that by the result:
 * sum over ox, oy, n of g[o, ox, oy, n] x[c, px, py, n]. */
AG_CHECKED ag_status ag_expr_conv_weight(ag_array **out, ag_array *g, ag_array *x,
                                         const ag_window *w, int64_t groups);
/* The gradient by argument i of the node x of either kind, g being its own and `other` what is
 * known of the other argument. */
AG_CHECKED ag_status ag_conv_grad(ag_array **out, const ag_array *x, int i, ag_array *other,
                                  ag_array *g);

#endif

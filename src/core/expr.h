/* Expressions: functions that build pending nodes and check shapes and types
 * there and then. *out gets one reference; arguments are retained. Nothing
 * runs, except when a graph grows too deep (see expr.c). */
#ifndef AG_EXPR_H
#define AG_EXPR_H

#include "array.h"
#include "ops.h"

AG_CHECKED ag_status ag_expr_scalar(ag_array **out, double value, ag_dtype type);
AG_CHECKED ag_status ag_expr_iota(ag_array **out, ag_device *d, ag_dtype type, int64_t n);
AG_CHECKED ag_status ag_expr_random(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape,
                                    ag_distribution dist, uint64_t key);
/* Elementwise `op` of its `arity` arguments: promotes types and recycles as R does. */
AG_CHECKED ag_status ag_expr_apply(ag_array **out, ag_op op, ag_array *const *arg);
AG_CHECKED ag_status ag_expr_unary(ag_array **out, ag_op op, ag_array *a);
AG_CHECKED ag_status ag_expr_binary(ag_array **out, ag_op op, ag_array *a, ag_array *b);
AG_CHECKED ag_status ag_expr_cast(ag_array **out, ag_array *x, ag_dtype type);
/* The float32 array x rounded to bfloat16, and read back as float32: if more than one kernel reads
 * it, bfloat16 is what is stored. Nothing to do where x is that, seen through views. */
AG_CHECKED ag_status ag_expr_keep(ag_array **out, ag_array *x);
AG_CHECKED ag_status ag_expr_view(ag_array **out, ag_array *x, ag_shape shape, const ag_axes *axes);
/* The view, reshape or recycling that `like` is, of x in place of its argument. */
AG_CHECKED ag_status ag_expr_view_like(ag_array **out, const ag_array *like, ag_array *x);
AG_CHECKED ag_status ag_expr_transpose(ag_array **out, ag_array *x);
/* Per dimension: first (0-based), step, extent. */
AG_CHECKED ag_status ag_expr_slice(ag_array **out, ag_array *x, const int64_t *first,
                                   const int64_t *step, const int64_t *extent);
/* Extents of 1 (or missing trailing dimensions) stretch to `shape`. */
AG_CHECKED ag_status ag_expr_broadcast(ag_array **out, ag_array *x, ag_shape shape);
AG_CHECKED ag_status ag_expr_reshape(ag_array **out, ag_array *x, ag_shape shape);
AG_CHECKED ag_status ag_expr_recycle(ag_array **out, ag_array *x, ag_shape shape);
/* Reduces dimensions [first, last); they become extent 1 when `keep`, else they vanish (a full
 * reduction gives 1). */
AG_CHECKED ag_status ag_expr_reduce(ag_array **out, ag_array *x, ag_reduction r, int first,
                                    int last, int keep);
/* The same with a choice: `skip` leaves out NA and NaN, and integers are reduced exactly to `type`
 * (of SUM, MEAN, PROD, MIN, MAX; an AG_I32 that does not hold the sum becomes NA). */
AG_CHECKED ag_status ag_expr_reduce_as(ag_array **out, ag_array *x, ag_reduction r, int first,
                                       int last, int keep, int skip, ag_dtype type);
/* Running SUM, PROD, MIN or MAX along the elements of dimensions [first, last), as R's cumsum();
 * integers stay integers (but for PROD), with NA where the sum does not fit. */
AG_CHECKED ag_status ag_expr_scan(ag_array **out, ag_array *x, ag_reduction r, int first, int last);
/* op(a) %*% op(b), matrices; where one has a third dimension, for each of its indices (an operand
 * without one, or with an extent of 1 there, is used for all of them). */
/* Of those made from now on, if they are of float32: set, and back to AG_EXACT, by who makes
 * them. */
extern ag_precision ag_matmul_precision;
AG_CHECKED ag_status ag_expr_matmul(ag_array **out, ag_array *a, ag_array *b, int ta, int tb);
AG_CHECKED ag_status ag_expr_gather(ag_array **out, ag_array *x, ag_array *index);
/* y of `extent` elements along dimension `along`: element j is the sum over i with index[i] = first
 * + j of x's elements i. An index outside (or NA) goes nowhere. Sums run in the order of i. */
AG_CHECKED ag_status ag_expr_scatter(ag_array **out, ag_array *x, ag_array *index, int along,
                                     int64_t extent, int first);
AG_CHECKED ag_status ag_expr_embed(ag_array **out, ag_array *x, ag_shape shape,
                                   const ag_axes *axes);
/* Elements of x at positions: result dimension q runs over at[q] (a vector of 1-based int32
 * positions; at most AG_MAX_PICK of them are not NULL) or, where that is NULL, over first[q],
 * first[q] + step[q], ... (0-based), n[q] of them. */
typedef struct {
  int64_t first[AG_MAX_DIM], step[AG_MAX_DIM], n[AG_MAX_DIM];
  ag_array *at[AG_MAX_DIM];
} ag_subscript;
AG_CHECKED ag_status ag_expr_take(ag_array **out, ag_array *x, const ag_subscript *s);
/* The vector of positions number i of such a node. */
ag_array *ag_expr_positions(const ag_array *take, int i);
/* `value`, recycled, put at such positions of an array of `shape`: for ag_array_overwrite(). */
AG_CHECKED ag_status ag_expr_put(ag_array **out, ag_shape shape, const ag_subscript *s,
                                 ag_array *value);
/* See AG_SELECT; both have as many elements. */
AG_CHECKED ag_status ag_expr_select(ag_array **out, ag_array *mask, ag_array *value);
AG_CHECKED ag_status ag_expr_concat(ag_array **out, int n, ag_array *const *x);
/* MAX or AVERAGE of windows of images, channels x width x height x samples, of reals; w has div 1,
 * a positive mul and dil, and no window that lies outside of the image. */
AG_CHECKED ag_status ag_expr_pooling(ag_array **out, ag_array *x, ag_pooling op, const ag_window *w,
                                     int count_pad);
/* The gradient of the images below such a node, g being the node's; x and y are what is known of
 * its images and of itself. */
AG_CHECKED ag_status ag_expr_pooling_back(ag_array **out, const ag_array *pooled, ag_array *x,
                                          ag_array *y, ag_array *g);
/* What the pooling x is of other arguments, images of any number of samples. */
AG_CHECKED ag_status ag_expr_pooling_like(ag_array **out, const ag_array *x, ag_array *const *arg);
/* The gradient of the last argument of x, an AG_POOLING_MAX_OF or _BACK: a node of the other kind.
 */
AG_CHECKED ag_status ag_expr_pooling_turned(ag_array **out, const ag_array *x, ag_array *g);
/* Side by side along dimension `along`: the other extents agree, and so do the types. */
AG_CHECKED ag_status ag_expr_bind(ag_array **out, int n, ag_array *const *x, int along);
/* A plan's inputs: a buffer to be bound later, a scalar or the key of a random stream to be set
 * before each run. */
AG_CHECKED ag_status ag_expr_input(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape,
                                   int param);
AG_CHECKED ag_status ag_expr_scalar_input(ag_array **out, ag_dtype type, int param);
AG_CHECKED ag_status ag_expr_random_input(ag_array **out, ag_device *d, ag_dtype type,
                                          ag_shape shape, ag_distribution dist, int param);

#endif

/* Blocks: rectangles of column-major matrices in device memory. What blocked algorithms (LU,
 * Cholesky, QR, ...) are written in, once for all devices: products run on the device, panels on
 * the CPU, which on `host` finds them where they lie. */
#ifndef AG_BLOCK_H
#define AG_BLOCK_H

#include "kernel.h"

typedef struct {
  ag_buffer *buf; /* borrowed */
  ag_dtype type;  /* AG_F64 or AG_F32 */
  int64_t at, ld; /* element (i, j) is number at + i + j * ld of the buffer */
  int64_t rows, cols;
} ag_block;

/* A materialised matrix of reals; a vector is one column. */
ag_block ag_block_of(const ag_array *x);
/* Rows i, ..., i + rows - 1 and columns j, ..., j + cols - 1. */
ag_block ag_block_part(const ag_block *b, int64_t i, int64_t rows, int64_t j, int64_t cols);
/* A new matrix, content undefined; *own holds its memory: ag_buffer_release() it. */
AG_CHECKED ag_status ag_block_new(ag_block *out, ag_buffer **own, ag_device *d, ag_dtype type,
                                  int64_t rows, int64_t cols);
/* Where element (0, 0) lies, if the CPU can use the device's memory as it is (and nothing runs
 * there by itself: the device `host`); else NULL. */
void *ag_block_host(const ag_block *b);

/* C = op(A) op(B), C += op(A) op(B) or C -= op(A) op(B); op(X) is X, or its transpose where tx is
 * not 0. C overlaps neither A nor B. */
AG_CHECKED ag_status ag_block_gemm(ag_into into, const ag_block *c, const ag_block *a, int ta,
                                   const ag_block *b, int tb);
/* to = from, or its transpose; of the same type, not overlapping. */
AG_CHECKED ag_status ag_block_copy(const ag_block *to, const ag_block *from, int transposed);
/* A triangle and how it is solved with: its other half is not read, nor with `unit` its diagonal,
 * which is then all ones. */
typedef struct {
  int right, upper, trans, unit;
} ag_tri;
/* B = op(T)^-1 B, or B op(T)^-1 with `right`, T square, op(T) its transpose with `trans`. Zeros on
 * the diagonal give what division by zero gives. */
AG_CHECKED ag_status ag_block_trsm(const ag_block *t, ag_tri how, const ag_block *b);
/* Exchanges row i with row pivot[i] (from 0), for i = 0, ..., n - 1; `back`: in the other order,
 * which undoes it. */
AG_CHECKED ag_status ag_block_swap(const ag_block *b, const int32_t *pivot, int64_t n, int back);
/* to = the upper or lower triangle of `from`, zeros elsewhere, with ones on the diagonal if `unit`;
 * of one shape and type; they may be the same block. */
AG_CHECKED ag_status ag_block_triangle(const ag_block *to, const ag_block *from, int upper,
                                       int unit);
/* Elements (0, 0), (1, 1), ... as a block of one row. */
ag_block ag_block_diagonal(const ag_block *b);
/* To and from a column-major matrix of the same type in host memory. */
AG_CHECKED ag_status ag_block_read(const ag_block *b, void *dst, int64_t ld);
AG_CHECKED ag_status ag_block_write(const ag_block *b, const void *src, int64_t ld);

#endif

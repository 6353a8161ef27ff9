/* What the writers of matrix products share: for CPU devices (codegen_matmul.c), for GPUs
 * (codegen_matmul_gpu.c). */
#ifndef AG_CODEGEN_MATMUL_H
#define AG_CODEGEN_MATMUL_H

#include "codegen_text.h"

/* Begins the last stage. Its epilogue stands in the text as ag_store(), and ag_store_lanes() where
 * lanes is not 1, its operands are the first arguments. */
void ag_cg_product_begin(ag_cg_writer *w, ag_cg_source *src, const ag_kernel *k,
                         const ag_cg_target *t, int lanes);
/* Arguments: a long; an operand: memory, offset, strides of rows and columns; both, and m, n, k. */
void ag_cg_long_arg(ag_cg_writer *w, int64_t value);
void ag_cg_matrix_args(ag_cg_writer *w, const ag_kernel *k, int is_b);
void ag_cg_matrices_args(ag_cg_writer *w, const ag_kernel *k);
/* At least `items` of them, in groups of `local`. */
void ag_cg_range(ag_cg_stage *s, int64_t items, int64_t local);

/* TILED, GROUPED, SKINNY, TENSOR. */
AG_CHECKED ag_status ag_cg_matmul_gpu(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t,
                                      const ag_mm_variant *v);

#endif

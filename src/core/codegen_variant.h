/* Ways to compute a matrix product on an OpenCL device, and which of them is taken. Products fall
 * into classes by shape; for each class there are a few candidates, of which the first is taken
 * where nothing was measured. No OpenCL call is made here; opencl_tune.c measures. */
#ifndef AG_CODEGEN_VARIANT_H
#define AG_CODEGEN_VARIANT_H

#include "kernel.h"

typedef enum {
  AG_MM_NONE,
  AG_MM_SIMPLE, /* matmul.cl */
  AG_MM_ROWS,
  AG_MM_DOT,
  AG_MM_PACKED,
  AG_MM_TILED, /* matmul_gpu.cl */
  AG_MM_GROUPED,
  AG_MM_SKINNY,
  AG_MM_TENSOR, /* matmul_tensor.cl */
  AG_MM_KINDS
} ag_mm_kind;

/* Parameters as the kernels' texts name them; those of other kinds are 0. */
typedef struct {
  ag_mm_kind kind;
  int tile_m, tile_n, depth; /* TILED, TENSOR (depth: stages); SKINNY: rows, -, slices */
  int item_m, item_n;        /* TILED: of an item; TENSOR: of a warp */
  int vector, wide, pad, buffers;
  int panel, columns; /* PACKED */
} ag_mm_variant;

typedef enum {
  AG_MM_LARGE,  /* large tiles fill the device */
  AG_MM_MEDIUM, /* they do not */
  AG_MM_DEEP,   /* nor do small ones, but there are many terms: several groups share a tile */
  AG_MM_NARROW, /* up to 8 rows or columns */
  AG_MM_CLASSES,
  AG_MM_OTHER = AG_MM_CLASSES /* nothing to choose */
} ag_mm_class;

/* How numbers are multiplied: the rows of a table of choices. */
typedef enum {
  AG_MM_F64,
  AG_MM_F32,
  AG_MM_TF32, /* float32 rounded to 10 bits of mantissa, on tensor cores */
  AG_MM_BF16, /* to 7 bits */
  AG_MM_HOWS
} ag_mm_how;

typedef struct {
  ag_mm_variant best[AG_MM_HOWS][AG_MM_CLASSES]; /* kind 0: not measured */
} ag_mm_choices;

struct ag_cg_target;
const char *ag_mm_class_name(ag_mm_class c); /* "large" */
const char *ag_mm_how_name(ag_mm_how how);   /* "float64", "float32", "tf32", "bf16" */
int64_t ag_mm_products(const ag_kernel *k);  /* at least 1 */
ag_mm_class ag_mm_class_of(const ag_kernel *k, const struct ag_cg_target *t);
ag_mm_how ag_mm_how_of(const ag_kernel *k, const struct ag_cg_target *t);
/* The variant for a product: what the target forces, what was measured, or the first candidate. */
ag_mm_variant ag_mm_choose(const ag_kernel *k, const struct ag_cg_target *t);
/* Into how many parts the terms are cut; 1: they are not. */
int64_t ag_mm_parts(const ag_mm_variant *v, const ag_kernel *k, const struct ag_cg_target *t);
/* The candidates that fit the device: their number, at most AG_MM_CANDIDATES. */
#define AG_MM_CANDIDATES 12
int ag_mm_candidates(ag_mm_variant out[AG_MM_CANDIDATES], ag_mm_how how, ag_mm_class c,
                     const struct ag_cg_target *t);
/* A product that is typical of the class: its shape, type and precision are put into *k. */
void ag_mm_example(ag_kernel *k, ag_mm_how how, ag_mm_class c, const struct ag_cg_target *t);
/* "tiled 128x128x8 items 8x8 vector 4 ..."; a file may hold it. */
#define AG_MM_TEXT 120
void ag_mm_print(const ag_mm_variant *v, char text[AG_MM_TEXT]);

#endif

/* OpenCL C text for kernels. The text holds a kernel's structure only: extents,
 * strides, offsets and constants are arguments, so that kernels that differ in
 * nothing else share one program. No OpenCL call is made here. */
#ifndef AG_CODEGEN_H
#define AG_CODEGEN_H

#include "codegen_variant.h"
#include "kernel.h"
#include "strbuf.h"

/* What the text depends on of the device. */
typedef struct ag_cg_target {
  int is_gpu, has_f64;
  int lanes;    /* floats in a vector register of a CPU device; 1 on a GPU: neighbours coalesce */
  int units;    /* compute units */
  int group;    /* largest work-group */
  size_t local; /* bytes of local memory */
  size_t most;  /* bytes of the largest buffer */
  int tensor;   /* tensor cores: AG_TENSOR_PTX, or what the tests emulate */
  ag_mm_choices products;     /* what was measured */
  const ag_mm_variant *force; /* if not NULL: how products are computed, whatever their shape */
} ag_cg_target;

enum { AG_TENSOR_NONE, AG_TENSOR_PTX, AG_TENSOR_EMULATED };

typedef enum {
  AG_ARG_SLOT,    /* memory of slot `index`                                        */
  AG_ARG_OFFSET,  /* long: offset of slot `index`, plus `value`                    */
  AG_ARG_SCRATCH, /* the device's scratch buffer number `index`                    */
  AG_ARG_LONG,    /* long: `value`                                                 */
  AG_ARG_CONST,   /* konst[index] as `type`                                        */
  AG_ARG_KEY,     /* ulong: key[index]                                             */
  AG_ARG_PASS     /* long: number of the pass                                      */
} ag_cg_arg_kind;

typedef struct {
  ag_cg_arg_kind kind;
  ag_dtype type;
  int index;
  int64_t value;
} ag_cg_arg;

#define AG_CG_MAX_ARGS    192
#define AG_CG_MAX_STAGES  3
#define AG_CG_MAX_SCRATCH 2

/* One launch. */
typedef struct {
  const char *entry; /* name of the kernel function */
  size_t global, local;
  int nargs;
  ag_cg_arg arg[AG_CG_MAX_ARGS];
} ag_cg_stage;

/* All the launches of an ag_kernel: the stages one after the other, `npass` times. */
typedef struct {
  ag_strbuf text; /* one program with all entries */
  int f64;        /* some type of it is double */
  int64_t npass;
  int nstages; /* 0: nothing to do */
  ag_cg_stage stage[AG_CG_MAX_STAGES];
  size_t scratch[AG_CG_MAX_SCRATCH]; /* bytes needed; shared by all kernels of an in-order queue */
} ag_cg_source;

/* The caller drops out->text, also after a failure. */
AG_CHECKED ag_status ag_cg_generate(ag_cg_source *out, const ag_kernel *k,
                                    const ag_cg_target *target);

#endif

/* What the writers of map, reduce and matmul kernels share: the operands of a
 * program as kernel arguments, and its instructions as text. */
#ifndef AG_CODEGEN_TEXT_H
#define AG_CODEGEN_TEXT_H

#include "codegen.h"

#define CG_TEXT 24 /* longest name or literal of an argument */

/* An operand and what the text calls its parts. */
typedef struct {
  const ag_operand *of;
  int64_t stride[AG_MAX_DIM];
  char name[16];                                    /* of its memory */
  char offset[CG_TEXT];                             /* where element 0 of the access lies */
  char first[CG_TEXT], mod[CG_TEXT], step[CG_TEXT]; /* mod accesses: base, mod, step */
  char by[AG_MAX_DIM][CG_TEXT];                     /* strides as text: "0", "1" or an argument */
  int small;                                        /* mod accesses: l fits an int */
} ag_cg_operand;

/* A program being written into one stage. Its dimensions fall into groups that are
 * walked together; coordinate q is the variable `long i<q>` of the text. */
typedef struct {
  const ag_kernel *k;
  const ag_program *prog;
  const ag_cg_target *target;
  ag_cg_source *src;
  ag_cg_stage *stage;
  ag_strbuf params; /* text of the parameter list */
  ag_strbuf names;  /* of the parameters, for passing them on */
  ag_strbuf body;
  size_t bytes; /* of arguments so far */
  int indent;
  int nd, group[AG_MAX_DIM];
  int64_t dim[AG_MAX_DIM];
  char extent[AG_MAX_DIM][CG_TEXT];
  ag_cg_operand in[AG_MAX_IN], out[AG_MAX_OUT];
  struct {
    char weight[AG_MAX_PICK][CG_TEXT], extent[AG_MAX_PICK][CG_TEXT];
  } pick, put;
} ag_cg_writer;

const char *ag_cg_type(ag_dtype type); /* "float" */
const char *ag_cg_lanes(int lanes);    /* "" or "16" */

/* Starts the next stage: `groups` gives the group of each of prog's dimensions. Declares operands,
 * constants and extents as parameters. `prog` may be NULL. */
void ag_cg_begin(ag_cg_writer *w, ag_cg_source *src, const ag_kernel *k, const ag_program *prog,
                 const ag_cg_target *target, const int *groups);
/* Adds the stage to the source as kernel function `entry`, and drops the writer. */
AG_CHECKED ag_status ag_cg_end(ag_cg_writer *w, const char *entry);
void ag_cg_drop(ag_cg_writer *w); /* frees the texts only */
void ag_cg_arg_add(ag_cg_writer *w, ag_cg_arg arg);
/* Adds an argument and the parameter `declaration`. */
void ag_cg_param(ag_cg_writer *w, ag_cg_arg arg, const char *declaration);
/* A long: the parameter `name`, or once arguments are many a literal. What to write is put in
 * `text`. */
void ag_cg_long(ag_cg_writer *w, char text[CG_TEXT], const char *name, int64_t value);

/* -- writing the body ------------------------------------------------------------------------ */
void ag_cg_line(ag_cg_writer *w, const char *format, ...) AG_PRINTF(2, 3);
/* Defines the coordinates of a group from the variable `from`, which is used up. */
void ag_cg_decompose(ag_cg_writer *w, int group, const char *from);
/* The literal of NA of a type. */
const char *ag_cg_na(ag_dtype type);
/* The same from `from`, which keeps its value. */
void ag_cg_coordinates(ag_cg_writer *w, int group, const char *from);
/* Number of dimensions of a group, and the first of them. */
int ag_cg_group_size(const ag_cg_writer *w, int group, int *first);
/* Vector lanes to use along dimension `q`; 1: none. */
int ag_cg_width(const ag_cg_writer *w, int q);
/* The instructions for `lanes` consecutive elements along dimension `q`; then `r<n>` hold their
 * results. */
void ag_cg_instructions(ag_cg_writer *w, int lanes, int q);
void ag_cg_stores(ag_cg_writer *w, int lanes, int q); /* of the program's outputs */
const char *ag_cg_type(ag_dtype type);                /* "float" */
/* "float", "float16" */
void ag_cg_declare(char text[CG_TEXT], ag_dtype type, int lanes);
/* The program of `w` as functions of the text: ag_store(i, j, m, acc, AG_STORE_ARGS) takes element
 * i + j m, of type `acc`, and does the rest; ag_store_lanes(...) `lanes` elements from there on, if
 * that is not 1. AG_STORE_PARAMS are the parameters so far. */
void ag_cg_epilogue(ag_cg_writer *w, ag_dtype acc, int64_t m, int lanes);
/* prelude.cl, and math.cl where the program (may be NULL) needs it. `type`: a further type of the
 * kernel. */
AG_CHECKED ag_status ag_cg_preamble(ag_cg_source *src, const ag_program *prog, ag_dtype type);
/* A file of the kernel folder. */
AG_CHECKED ag_status ag_cg_append_file(ag_strbuf *text, const char *name);
/* Type for decomposing `count` elements: 32 bits where they do. */
const char *ag_cg_index_type(int64_t count);

/* -- the writers, by kernel kind ------------------------------------------------------------- */
AG_CHECKED ag_status ag_cg_map(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t);
AG_CHECKED ag_status ag_cg_reduce(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t);
AG_CHECKED ag_status ag_cg_scan(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t);
AG_CHECKED ag_status ag_cg_matmul(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t);
AG_CHECKED ag_status ag_cg_select(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t);
AG_CHECKED ag_status ag_cg_scatter(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t);
AG_CHECKED ag_status ag_cg_gather(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t);
AG_CHECKED ag_status ag_cg_conv(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t);
AG_CHECKED ag_status ag_cg_sort(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t);
AG_CHECKED ag_status ag_cg_batched(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t);
AG_CHECKED ag_status ag_cg_block(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t);
AG_CHECKED ag_status ag_cg_pooling(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t);

#endif

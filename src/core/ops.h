/* The elementwise operations: ops.def expanded to an enum and a table.
 *
 * Each row makes three operations: the forward one and its two derivatives,
 * AG_OP_exp, AG_OP_exp_da, AG_OP_exp_db. A derivative takes (a, b, y), y being
 * the forward result, and uses those of them that its text names. */
#ifndef AG_OPS_H
#define AG_OPS_H

#include <stdint.h>

typedef enum {
#define OP(name, r, arity, group, forward, da, db, domain, title)                                  \
  AG_OP_##name, AG_OP_##name##_da, AG_OP_##name##_db,
#include "ops.def"
#undef OP
  AG_OP_COUNT
} ag_op;

/* What the group says of types: see ops.def. */
typedef enum {
  AG_ARITH,
  AG_COMPARE,
  AG_LOGIC,
  AG_MATH,
  AG_NN,
  AG_TEST,
  AG_INT,
  AG_INTCOMPARE
} ag_op_group;
/* The type of the arguments; the result's is the same but for those that give logical. */
typedef enum { AG_OF_REAL, AG_OF_LOGICAL, AG_OF_INT } ag_op_domain;

typedef struct {
  const char *name; /* C identifier: "add", "add_da" */
  const char *r;    /* R's name, "+"; "" for derivatives */
  int arity;        /* arguments the text may use: 1 to 3; 3 for a derivative (a, b, y) */
  ag_op_group group;
  const char *text; /* C99 and OpenCL C at once, of a, b, y */
  const char *domain, *title;
  int uses[3];        /* whether the text names a, b, y */
  int differentiable; /* derivatives: 0 if the text is AG_NO_DERIVATIVE */
} ag_op_info;

const ag_op_info *ag_op_get(ag_op op);
ag_op_domain ag_op_takes(ag_op_group group);
/* COMPARE, TEST, INTCOMPARE: logical of other types. */
int ag_op_gives_logical(ag_op_group group);
/* By C or R name and arity (R's unary minus is "-" with arity 1); -1 if there is none. */
int ag_op_find(const char *name, int arity);
/* The row of integers that has R's name and the arity of `op`; -1 if there is none. */
int ag_op_of_integers(ag_op op);

/* What is computed of each of many small matrices: the kinds of inst/kernels/batched.cl. */
typedef enum {
  AG_BATCHED_SOLVE = 1,
  AG_BATCHED_CHOL,
  AG_BATCHED_DET,
  AG_BATCHED_EIGEN
} ag_batched_step;
/* Numbers that one of them, n x n and with k right-hand sides, takes for its work. */
int64_t ag_batched_room(ag_batched_step step, int64_t n, int64_t k);

#endif

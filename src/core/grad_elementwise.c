/* Elementwise nodes: the columns of ops.def say their derivatives, and grad_formula.c those of the
 * columns. */
#include "grad_rules.h"
#include <stdlib.h>
#include <string.h>

static int is_number(const char *text, double *value) {
  char *end;
  *value = strtod(text, &end);
  return *end == 0;
}

ag_status ag_grad_chain(ag_array **out, ag_op op, ag_array *const *arg, ag_array *g) {
  const ag_op_info *column = ag_op_get(op);
  double value;
  ag_array *factor;
  if (!column->differentiable)
    return ag_fail(AG_E_ARGUMENT, "`%s` has no derivative here",
                   ag_op_get((ag_op)(op / 3 * 3))->name);
  if (is_number(column->text, &value)) {
    if (value == 1) {
      *out = ag_array_retain(g);
      return AG_OK;
    }
    AG_TRY(ag_expr_scalar(&factor, value, g->type));
  } else {
    AG_TRY(ag_expr_apply(&factor, op, arg));
  }
  ag_status status = ag_expr_binary(out, AG_OP_mul, g, factor);
  ag_array_release(factor);
  return status;
}

/* A single number stands for an array of its values: its gradient is the sum over them. */
static ag_status give(ag_tape *t, const ag_array *x, ag_array *part) {
  ag_status s = AG_OK;
  ag_array *sum = part;
  if (x->kind == AG_SCALAR && part->kind != AG_SCALAR)
    s = ag_expr_reduce(&sum, part, AG_SUM, 0, part->shape.nd, 0);
  if (sum != part || s != AG_OK) ag_array_release(part);
  return ag_tape_give(t, x, s, sum);
}

/* The argument is one of a forward row: y is the node itself, or a third argument. */
static ag_status part_of_row(ag_tape *t, ag_array **out, ag_array *x, int i, ag_array *g) {
  ag_array *third = x->nargs > 2 ? x->arg[2] : x;
  ag_array *arg[3] = {x->arg[0], x->nargs > 1 ? x->arg[1] : NULL, third};
  const ag_op column = (ag_op)(x->op + 1 + i);
  *out = NULL;
  if (i > 1 || !strcmp(ag_op_get(column)->text, "0")) return AG_OK;
  for (int k = 0; k < 3; k++)
    if (arg[k] && ag_op_get(column)->uses[k]) AG_TRY(ag_tape_known(t, &arg[k], arg[k]));
  return ag_grad_chain(out, column, arg, g);
}

/* Of a derivative: y, which it may use, counts as an argument. */
static ag_status part_of_column(ag_array **out, ag_array *x, int i, ag_array *g) {
  ag_array *slope;
  *out = NULL;
  AG_TRY(ag_grad_of_column(&slope, (ag_op)x->op, x->arg, i, x->type));
  if (!slope) return AG_OK;
  ag_status status = ag_expr_binary(out, AG_OP_mul, g, slope);
  ag_array_release(slope);
  return status;
}

ag_status ag_grad_elementwise(ag_tape *t, ag_array *x, ag_array *g) {
  for (int i = 0; i < x->nargs; i++) {
    ag_array *part;
    if (!ag_tape_has(x->arg[i])) continue;
    AG_TRY(x->op % 3 ? part_of_column(&part, x, i, g) : part_of_row(t, &part, x, i, g));
    if (part) AG_TRY(give(t, x->arg[i], part));
  }
  return AG_OK;
}

ag_status ag_grad_cast(ag_tape *t, ag_array *x, ag_array *g) {
  ag_array *part = NULL;
  if (x->type == AG_B16 || ag_is_widened(x)) /* rounding is passed over */
    return ag_tape_give(t, x->arg[0], AG_OK, ag_array_retain(g));
  if (x->arg[0]->type > AG_F32) return AG_OK; /* integers and logicals carry no gradient */
  ag_status s = ag_expr_cast(&part, g, x->arg[0]->type);
  return ag_tape_give(t, x->arg[0], s, part);
}

/* Arrays that are kept in bfloat16: nodes of that type are made by a cast and read through a cast
 * back, wherever they are needed. */
#include "expr_new.h"

static ag_array *behind_views(ag_array *x) {
  while (ag_is_viewlike(x)) x = x->arg[0];
  return x;
}

ag_status ag_expr_keep(ag_array **out, ag_array *x) {
  ag_array *narrow;
  if (x->type != AG_F32 || x->kind == AG_SCALAR || ag_is_widened(behind_views(x))) {
    *out = ag_array_retain(x);
    return AG_OK;
  }
  AG_TRY(ag_expr_cast(&narrow, x, AG_B16));
  ag_status status = ag_expr_cast(out, narrow, AG_F32);
  ag_array_release(narrow);
  return status;
}

ag_status ag_expr_view_like(ag_array **out, const ag_array *like, ag_array *x) {
  switch (like->kind) {
  case AG_VIEW: return ag_expr_view(out, x, like->shape, &like->u.axes);
  case AG_RESHAPE: return ag_expr_reshape(out, x, like->shape);
  default: return ag_expr_recycle(out, x, like->shape);
  }
}

/* The same views of what was widened. */
static ag_status narrow_below(ag_array **out, ag_array *x) {
  ag_array *below;
  if (ag_is_widened(x)) {
    *out = ag_array_retain(x->arg[0]);
    return AG_OK;
  }
  AG_TRY(narrow_below(&below, x->arg[0]));
  ag_status status = ag_expr_view_like(out, x, below);
  ag_array_release(below);
  return status;
}

ag_status ag_expr_operand(ag_array **out, ag_array *x, ag_dtype type) {
  ag_array *narrow;
  if (!ag_is_widened(behind_views(x))) return ag_expr_cast(out, x, type);
  AG_TRY(narrow_below(&narrow, x));
  ag_status status = ag_expr_cast(out, narrow, type);
  ag_array_release(narrow);
  return status;
}

/* Derivatives of the derivatives in ops.def: their texts are read as formulas, and the formula is
 * differentiated by the rules for + - * /, the conditional and the functions, whose own derivatives
 * are columns of ops.def again. So a row needs no third column, and derivatives of any order exist.
 *
 * The texts are expressions of C: a ? b : c, |, &, comparisons, + -, * /, unary -, (real)(...),
 * numbers, a, b, y, and functions of one or two arguments. */
#include "bag.h"
#include "grad_rules.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A part of the formula: its value, and its derivative, NULL where that is zero. */
typedef struct {
  ag_array *value, *slope;
} dual;

typedef struct {
  const char *at; /* what is not read yet */
  ag_array *const *arg;
  int by; /* a, b or y: what is differentiated by */
  ag_dtype type;
  ag_bag bag;
} formula;

static dual choice(formula *f);

/* -- reading --------------------------------------------------------------------------------- */
static int next_is(formula *f, const char *token) {
  while (*f->at == ' ') f->at++;
  size_t n = strlen(token);
  if (strncmp(f->at, token, n)) return 0;
  f->at += n;
  return 1;
}

static dual unreadable(formula *f) {
  if (f->bag.status == AG_OK)
    f->bag.status = ag_fail(AG_E_ARGUMENT, "a derivative is not differentiated at \"%s\"", f->at);
  return (dual){NULL, NULL};
}

static void expect(formula *f, const char *token) {
  if (!next_is(f, token)) (void)unreadable(f);
}

/* -- rules ----------------------------------------------------------------------------------- */
static int is_constant(const ag_array *x) { return x && x->kind == AG_SCALAR && x->param < 0; }

/* + - * / of constants is a constant. */
static ag_array *join(formula *f, ag_op op, ag_array *p, ag_array *q) {
  if (!is_constant(p) || !is_constant(q)) return ag_bag_op(&f->bag, op, p, q);
  const double a = p->u.value, b = q->u.value;
  switch (op) {
  case AG_OP_add: return ag_bag_scalar(&f->bag, a + b, f->type);
  case AG_OP_sub: return ag_bag_scalar(&f->bag, a - b, f->type);
  case AG_OP_mul: return ag_bag_scalar(&f->bag, a * b, f->type);
  case AG_OP_div: return ag_bag_scalar(&f->bag, a / b, f->type);
  default: return ag_bag_op(&f->bag, op, p, q);
  }
}

static ag_array *negated(formula *f, ag_array *p) {
  return is_constant(p) ? ag_bag_scalar(&f->bag, -p->u.value, f->type)
                        : ag_bag_op(&f->bag, AG_OP_neg, p, NULL);
}

/* Products and sums of derivatives, which may be zero. */
static ag_array *times(formula *f, ag_array *slope, ag_array *value) {
  if (!slope) return NULL;
  return is_constant(slope) && slope->u.value == 1 ? value : join(f, AG_OP_mul, slope, value);
}

static ag_array *plus(formula *f, ag_array *p, ag_array *q) {
  return p && q ? join(f, AG_OP_add, p, q) : p ? p : q;
}

static ag_array *negative(formula *f, ag_array *p) { return p ? negated(f, p) : NULL; }

static dual combined(formula *f, ag_op op, dual p, dual q) {
  dual r = {join(f, op, p.value, q.value), NULL};
  ag_array *part;
  switch (op) {
  case AG_OP_add: r.slope = plus(f, p.slope, q.slope); break;
  case AG_OP_sub: r.slope = plus(f, p.slope, negative(f, q.slope)); break;
  case AG_OP_mul: r.slope = plus(f, times(f, p.slope, q.value), times(f, q.slope, p.value)); break;
  case AG_OP_div: /* (p' - r q') / q */
    part = plus(f, p.slope, negative(f, times(f, q.slope, r.value)));
    r.slope = part ? join(f, AG_OP_div, part, q.value) : NULL;
    break;
  default: break; /* comparisons and what joins them */
  }
  return r;
}

/* A function of ops.def, by the chain rule. */
static dual applied(formula *f, ag_op op, dual p, dual q) {
  dual r = {ag_bag_op(&f->bag, op, p.value, q.value), NULL};
  ag_array *arg[3] = {p.value, q.value, r.value}, *slope[2] = {p.slope, q.slope};
  for (int i = 0; i < 2 && f->bag.status == AG_OK; i++) {
    ag_array *part = NULL;
    if (!slope[i] || !strcmp(ag_op_get((ag_op)(op + 1 + i))->text, "0")) continue;
    ag_status s = ag_grad_chain(&part, (ag_op)(op + 1 + i), arg, slope[i]);
    r.slope = plus(f, r.slope, ag_bag_keep(&f->bag, s, part));
  }
  return r;
}

/* -- the grammar, from what binds most to what binds least ----------------------------------- */
/* erfc(p) = 1 - erf(p): only its derivative matters here, to which the 1 is nothing. */
static dual complement(formula *f, dual p) {
  const dual one = {ag_bag_scalar(&f->bag, 1, f->type), NULL}, none = {NULL, NULL};
  return combined(f, AG_OP_sub, one, applied(f, AG_OP_erf, p, none));
}

static dual function(formula *f, const char *name) {
  dual p = choice(f), q = {NULL, NULL};
  int arity = 1;
  if (next_is(f, ",")) q = choice(f), arity = 2;
  expect(f, ")");
  if (!strcmp(name, "erfc")) return complement(f, p);
  if (!strncmp(name, "ag_", 3)) name += 3;
  int op = ag_op_find(strcmp(name, "fabs") ? name : "abs", arity);
  return op < 0 || f->bag.status != AG_OK ? unreadable(f) : applied(f, (ag_op)op, p, q);
}

static dual variable(formula *f, const char *name) {
  static const char names[] = "aby";
  const char *found = strlen(name) == 1 ? strchr(names, *name) : NULL;
  if (!found) return unreadable(f);
  dual r = {f->arg[found - names], NULL};
  if (found - names == f->by) r.slope = ag_bag_scalar(&f->bag, 1, f->type);
  return r;
}

static dual primary(formula *f) {
  char name[32] = "", *end;
  size_t n = 0;
  (void)next_is(f, "(real)");
  if (next_is(f, "(")) {
    dual r = choice(f);
    expect(f, ")");
    return r;
  }
  double number = strtod(f->at, &end);
  if (end != f->at) {
    f->at = end;
    return (dual){ag_bag_scalar(&f->bag, number, f->type), NULL};
  }
  while (n + 1 < sizeof name && (isalnum((unsigned char)*f->at) || *f->at == '_'))
    name[n++] = *f->at++;
  return next_is(f, "(") ? function(f, name) : variable(f, name);
}

static dual signed_part(formula *f) {
  if (!next_is(f, "-")) return primary(f);
  dual p = signed_part(f);
  return (dual){negated(f, p.value), negative(f, p.slope)};
}

typedef struct {
  const char *token;
  ag_op op;
} infix;

/* `part` joined by operators that bind alike, from the left. */
static dual chain(formula *f, const infix *operators, dual (*part)(formula *)) {
  dual p = part(f);
  for (const infix *o = operators; o->token && f->bag.status == AG_OK;) {
    if (!next_is(f, o->token)) {
      o++;
      continue;
    }
    p = combined(f, o->op, p, part(f));
    o = operators;
  }
  return p;
}

static dual product(formula *f) {
  static const infix of[] = {{"*", AG_OP_mul}, {"/", AG_OP_div}, {NULL, AG_OP_mul}};
  return chain(f, of, signed_part);
}

static dual sum(formula *f) {
  static const infix of[] = {{"+", AG_OP_add}, {"-", AG_OP_sub}, {NULL, AG_OP_add}};
  return chain(f, of, product);
}

static dual comparison(formula *f) {
  static const infix of[] = {{"<=", AG_OP_le}, {">=", AG_OP_ge}, {"==", AG_OP_eq}, {"!=", AG_OP_ne},
                             {"<", AG_OP_lt},  {">", AG_OP_gt},  {NULL, AG_OP_eq}};
  return chain(f, of, sum);
}

static dual condition(formula *f) {
  static const infix of[] = {{"&", AG_OP_and}, {"|", AG_OP_or}, {NULL, AG_OP_and}};
  return chain(f, of, comparison);
}

static dual choice(formula *f) {
  dual test = condition(f);
  if (f->bag.status != AG_OK || !next_is(f, "?")) return test;
  dual yes = choice(f);
  expect(f, ":");
  dual no = choice(f), r = {NULL, NULL};
  if (f->bag.status != AG_OK) return r;
  r.value = ag_bag_choose(&f->bag, test.value, yes.value, no.value);
  if (!yes.slope && !no.slope) return r;
  ag_array *zero = ag_bag_scalar(&f->bag, 0, f->type);
  r.slope =
      ag_bag_choose(&f->bag, test.value, yes.slope ? yes.slope : zero, no.slope ? no.slope : zero);
  return r;
}

ag_status ag_grad_of_column(ag_array **out, ag_op op, ag_array *const *arg, int by, ag_dtype type) {
  formula f = {.at = ag_op_get(op)->text, .arg = arg, .by = by, .type = type};
  dual whole = choice(&f);
  if (f.bag.status == AG_OK && *f.at) (void)unreadable(&f);
  return ag_bag_end(&f.bag, out, whole.slope);
}

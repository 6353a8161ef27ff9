/* The table of operations: ops.def expanded, with what can be read off its texts. */
#include "ops.h"

#include <ctype.h>
#include <string.h>

#define OP(name, r, arity, group, forward, da, db, domain, title)                                  \
  {#name, r, arity, AG_##group, #forward, domain, title, {0, 0, 0}, 0},                            \
      {#name "_da", "", 3, AG_##group, #da, domain, "derivative of " #name, {0, 0, 0}, 0},         \
      {#name "_db", "", 3, AG_##group, #db, domain, "derivative of " #name, {0, 0, 0}, 0},
static ag_op_info table[AG_OP_COUNT] = {
#include "ops.def"
};
#undef OP

static int in_identifier(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* Whether `text` uses the variable `v`. */
static int names_variable(const char *text, char v) {
  for (const char *t = strchr(text, v); t; t = strchr(t + 1, v)) {
    int alone = (t == text || !in_identifier(t[-1])) && !in_identifier(t[1]);
    if (alone) return 1;
  }
  return 0;
}

/* Fills the columns that follow from the text. Idempotent, so a race of two threads is harmless. */
static void complete_table(void) {
  for (int i = 0; i < AG_OP_COUNT; i++) {
    ag_op_info *op = &table[i];
    for (int k = 0; k < 3; k++) op->uses[k] = names_variable(op->text, "aby"[k]);
    op->differentiable = strcmp(op->text, "AG_NO_DERIVATIVE") != 0;
  }
}

const ag_op_info *ag_op_get(ag_op op) {
  static int complete = 0;
  if (!complete) {
    complete_table();
    complete = 1;
  }
  return &table[op];
}

ag_op_domain ag_op_takes(ag_op_group group) {
  return group == AG_LOGIC                           ? AG_OF_LOGICAL
         : group == AG_INT || group == AG_INTCOMPARE ? AG_OF_INT
                                                     : AG_OF_REAL;
}

int ag_op_gives_logical(ag_op_group group) {
  return group == AG_COMPARE || group == AG_TEST || group == AG_INTCOMPARE;
}

int ag_op_of_integers(ag_op op) {
  for (int i = 0; i < AG_OP_COUNT; i += 3)
    if (ag_op_takes(table[i].group) == AG_OF_INT && table[i].arity == table[op].arity &&
        *table[op].r && !strcmp(table[i].r, table[op].r))
      return i;
  return -1;
}

int ag_op_find(const char *name, int arity) {
  if (!*name) return -1;
  for (int i = 0; i < AG_OP_COUNT; i++) {
    const ag_op_info *op = &table[i];
    if (op->arity == arity && (!strcmp(op->name, name) || !strcmp(op->r, name))) return i;
  }
  return -1;
}

int64_t ag_batched_room(ag_batched_step step, int64_t n, int64_t k) {
  if (step == AG_BATCHED_SOLVE) return n * (n + k) + 1;
  return n * (step == AG_BATCHED_EIGEN ? 2 * n + 1 : n) + 1;
}

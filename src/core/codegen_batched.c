/* BATCHED kernels: batched.cl with its arguments. */
#include "codegen_text.h"

/* A GPU has work for so many bytes; further problems are further passes. */
#define MOST_ROOM ((int64_t)256 << 20)
#define GROUP     64

static ag_cg_arg number(int64_t value) { return (ag_cg_arg){.kind = AG_ARG_LONG, .value = value}; }
static void add_number(ag_cg_writer *w, int64_t value) { ag_cg_arg_add(w, number(value)); }

static void add_slot(ag_cg_writer *w, int slot) {
  ag_cg_arg_add(w, (ag_cg_arg){.kind = AG_ARG_SLOT, .index = slot});
  ag_cg_arg_add(w, (ag_cg_arg){.kind = AG_ARG_OFFSET, .index = slot});
}

static void add_arrays(ag_cg_writer *w, const ag_kernel *k) {
  add_slot(w, AG_BATCHED_A);
  switch (k->batched.step) {
  case AG_BATCHED_SOLVE:
    add_slot(w, k->batched.identity ? AG_BATCHED_A : AG_BATCHED_B); /* any memory */
    add_slot(w, AG_BATCHED_X);
    add_slot(w, AG_BATCHED_Y);
    add_number(w, k->batched.k);
    add_number(w, k->batched.identity);
    break;
  case AG_BATCHED_CHOL:
    add_slot(w, AG_BATCHED_X);
    add_slot(w, AG_BATCHED_Y);
    break;
  case AG_BATCHED_DET: add_slot(w, AG_BATCHED_X); break;
  case AG_BATCHED_EIGEN:
    add_slot(w, AG_BATCHED_X);
    add_slot(w, k->batched.vectors ? AG_BATCHED_Y : AG_BATCHED_X);
    add_number(w, k->batched.vectors);
    break;
  }
}

ag_status ag_cg_batched(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  static const char *const entry[] = {"", "ag_batched_solve", "ag_batched_chol", "ag_batched_det",
                                      "ag_batched_eigen"};
  const int wide = k->batched.type == AG_F64, all = wide ? t->lanes / 2 : t->lanes;
  const int64_t lanes = all < 2 ? 1 : all, local = lanes > 1 ? 1 : GROUP;
  const int64_t room = ag_batched_room(k->batched.step, k->batched.n, k->batched.k);
  const int64_t bytes = room * lanes * (wide ? 8 : 4), most = MOST_ROOM / bytes;
  int64_t items = (k->batched.batch + lanes - 1) / lanes, passes;
  if (items == 0) return AG_OK;
  if (items > most) items = most > 0 ? most : 1;
  passes = (k->batched.batch + items * lanes - 1) / (items * lanes);
  AG_TRY(ag_cg_preamble(src, NULL, k->batched.type));
  ag_strbuf_add(&src->text, "#define KIND %d\n#define REAL %s\n#define WIDE %d\n#define LANES %d\n",
                (int)k->batched.step, ag_cg_type(k->batched.type), wide, (int)lanes);
  AG_TRY(ag_cg_append_file(&src->text, "batched.cl"));
  ag_cg_writer w;
  ag_cg_begin(&w, src, k, NULL, t, NULL);
  add_arrays(&w, k);
  add_number(&w, k->batched.n);
  add_number(&w, k->batched.batch);
  ag_cg_arg_add(&w, (ag_cg_arg){.kind = AG_ARG_SCRATCH, .type = k->batched.type});
  add_number(&w, room);
  add_number(&w, items);
  ag_cg_arg_add(&w, (ag_cg_arg){.kind = AG_ARG_PASS});
  w.stage->entry = entry[k->batched.step];
  w.stage->local = (size_t)local;
  w.stage->global = (size_t)((items + local - 1) / local * local);
  ag_cg_drop(&w);
  src->npass = passes;
  src->scratch[0] = (size_t)(items * bytes);
  return AG_OK;
}

/* POOLING kernels: pooling.cl with its arguments. */
#include "codegen_text.h"

#define GROUP 64

/* Channels that an item computes: on a CPU device as many as a vector has lanes, if they divide
 * them. */
static int lanes_of(const ag_kernel *k, const ag_cg_target *t) {
  int lanes = t->is_gpu ? 1 : k->pooling.type == AG_F64 ? t->lanes / 2 : t->lanes;
  while (lanes > 1 && k->pooling.channels % lanes) lanes /= 2;
  return lanes < 1 ? 1 : lanes;
}

static void add_slot(ag_cg_writer *w, int slot, int64_t base) {
  ag_cg_arg_add(w, (ag_cg_arg){.kind = AG_ARG_SLOT, .index = slot});
  ag_cg_arg_add(w, (ag_cg_arg){.kind = AG_ARG_OFFSET, .index = slot, .value = base});
}

static void add_numbers(ag_cg_writer *w, const ag_kernel *k, int64_t items) {
  const ag_window *v = &k->pooling.window;
  const int64_t number[] = {items,
                            k->pooling.count_pad,
                            k->pooling.channels,
                            v->in[0],
                            v->in[1],
                            v->out[0],
                            v->out[1],
                            v->k[0],
                            v->k[1],
                            v->mul[0],
                            v->mul[1],
                            v->dil[0],
                            v->dil[1],
                            v->off[0],
                            v->off[1]};
  for (size_t i = 0; i < sizeof number / sizeof *number; i++)
    ag_cg_arg_add(w, (ag_cg_arg){.kind = AG_ARG_LONG, .value = number[i]});
}

ag_status ag_cg_pooling(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  static const char *const entry[] = {"ag_pooling_max", "ag_pooling_average", "ag_pooling_max_of",
                                      "ag_pooling_max_back", "ag_pooling_average_back"};
  const ag_window *v = &k->pooling.window;
  const int back = k->pooling.op >= AG_POOLING_MAX_BACK, lanes = lanes_of(k, t);
  const int64_t places = back ? v->in[0] * v->in[1] : v->out[0] * v->out[1],
                items = k->pooling.channels / lanes * places * k->pooling.samples;
  ag_cg_writer w;
  if (items == 0) return AG_OK;
  src->f64 = k->pooling.type == AG_F64;
  ag_strbuf_add(&src->text, "#define REAL %s\n#define TRUTH %s\n#define LANES %d\n",
                ag_cg_type(k->pooling.type), src->f64 ? "long" : "int", lanes);
  AG_TRY(ag_cg_append_file(&src->text, "pooling.cl"));
  ag_cg_begin(&w, src, k, NULL, t, NULL);
  for (int i = 0; i < k->pooling.nin; i++)
    add_slot(&w, k->pooling.slot_in[i], k->pooling.base_in[i]);
  add_slot(&w, k->pooling.slot_out, 0);
  add_numbers(&w, k, items);
  w.stage->entry = entry[k->pooling.op];
  w.stage->local = GROUP;
  w.stage->global = (size_t)((items + GROUP - 1) / GROUP * GROUP);
  ag_cg_drop(&w);
  return AG_OK;
}

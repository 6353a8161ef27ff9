/* Kernels that move elements by position. */
#include "emit.h"

ag_status ag_emit_gather(ag_emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  k->kind = AG_K_GATHER;
  k->gather.type = x->type;
  k->gather.rows = x->shape.dim[0], k->gather.cols = x->shape.dim[1],
  k->gather.in_cols = x->arg[0]->shape.dim[1];
  k->gather.slot_in = ag_emit_run(e, &k->gather.base_in, x->arg[0]);
  k->gather.slot_index = ag_emit_run(e, &k->gather.base_index, x->arg[1]);
  k->gather.slot_out = ag_slot_of(e->b, e->b->cut[e->c].root);
  return AG_OK;
}

ag_status ag_emit_scatter(ag_emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  const ag_array *from = x->arg[0];
  const int along = x->u.scatter.along;
  k->kind = AG_K_SCATTER;
  k->scatter.type = x->type;
  k->scatter.first = x->u.scatter.first;
  k->scatter.pre = k->scatter.post = 1;
  for (int q = 0; q < x->shape.nd; q++)
    if (q != along) *(q < along ? &k->scatter.pre : &k->scatter.post) *= x->shape.dim[q];
  k->scatter.n = from->shape.dim[along], k->scatter.cols = x->shape.dim[along];
  k->scatter.slot_in = ag_emit_run(e, &k->scatter.base_in, x->arg[0]);
  k->scatter.slot_index = ag_emit_run(e, &k->scatter.base_index, x->arg[1]);
  k->scatter.slot_out = ag_slot_of(e->b, e->b->cut[e->c].root);
  return AG_OK;
}

ag_status ag_emit_select(ag_emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  ag_place at = ag_place_identity(ag_emit_space(e));
  k->kind = AG_K_SELECT;
  k->select.type = x->type;
  k->select.mask = ag_emit_node(e, x->arg[0]->mark, &at);
  k->select.value = ag_emit_node(e, x->arg[1]->mark, &at);
  k->select.slot_out = ag_slot_of(e->b, e->b->cut[e->c].root);
  return k->select.mask < 0 || k->select.value < 0 ? AG_E_ARGUMENT : AG_OK;
}

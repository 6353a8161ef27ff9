/* Kernels of convolutions and poolings. */
#include "emit.h"

/* Images, contiguous somewhere in a slot. */
static ag_status images_operand(ag_emitter *e, ag_array *x, int *slot, int64_t *base) {
  *slot = ag_emit_run(e, base, x);
  return *slot < 0 ? ag_fail(AG_E_MEMORY, "out of memory") : AG_OK;
}

/* The strides of a weight: its channels of one side are channels within a group of `per_group`, the
 * groups side by side. */
static ag_status weight_operand(ag_emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  ag_place at;
  ag_array *w = ag_place_operand(&at, x->arg[1]);
  const ag_access a = ag_place_access(&at, &w->shape);
  const int out = x->u.conv.transposed, in = !out; /* its dimensions */
  const int64_t per_group = x->arg[1]->shape.dim[0] / k->conv.groups;
  k->conv.slot_w = ag_slot_of(e->b, w->mark);
  k->conv.base_w = a.base;
  k->conv.w_out = a.stride[out], k->conv.w_in = a.stride[in];
  k->conv.w_group = per_group * a.stride[0];
  k->conv.w_k[0] = a.stride[2], k->conv.w_k[1] = a.stride[3];
  return k->conv.slot_w < 0 ? ag_fail(AG_E_MEMORY, "out of memory") : AG_OK;
}

/* Each output looks at the pixel at its own place alone. */
static int is_pointwise(const ag_kernel *k) {
  const ag_window *w = &k->conv.window;
  for (int a = 0; a < 2; a++)
    if (w->k[a] != 1 || w->mul[a] != 1 || w->div[a] != 1 || w->off[a] || w->in[a] != w->out[a])
      return 0;
  return k->conv.groups == 1;
}

/* Then it is a product: of the weight and the pixels, or of gradients and pixels. */
static void conv_to_matmul(ag_kernel *k) {
  const ag_window *w = &k->conv.window;
  const int64_t pixels = w->in[0] * w->in[1] * k->conv.samples;
  k->kind = AG_K_MATMUL;
  k->mm.type = k->conv.type;
  k->mm.m = k->conv.out, k->mm.batch = 1;
  k->mm.slot_b = k->conv.slot_x, k->mm.base_b = k->conv.base_x;
  if (k->conv.of_weight) {
    k->mm.n = k->conv.in, k->mm.k = pixels;
    k->mm.slot_a = k->conv.slot_y, k->mm.base_a = k->conv.base_y;
    k->mm.rs_a = 1, k->mm.cs_a = k->conv.out;
    k->mm.rs_b = k->conv.in, k->mm.cs_b = 1;
  } else {
    k->mm.n = pixels, k->mm.k = k->conv.in;
    k->mm.slot_a = k->conv.slot_w, k->mm.base_a = k->conv.base_w;
    k->mm.rs_a = k->conv.w_out, k->mm.cs_a = k->conv.w_in;
    k->mm.rs_b = 1, k->mm.cs_b = k->conv.in;
  }
}

ag_status ag_emit_conv(ag_emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  const int of_weight = x->kind == AG_CONV_WEIGHT;
  const ag_shape *images = &x->arg[of_weight]->shape,
                 *results = of_weight ? &x->arg[0]->shape : &x->shape;
  k->kind = AG_K_CONV;
  k->conv.type = x->type;
  k->conv.window = x->u.conv.window;
  k->conv.groups = x->u.conv.groups;
  k->conv.in = images->dim[0], k->conv.out = results->dim[0];
  k->conv.samples = images->dim[3];
  k->conv.of_weight = of_weight;
  AG_TRY(images_operand(e, x->arg[of_weight], &k->conv.slot_x, &k->conv.base_x));
  AG_TRY(of_weight ? images_operand(e, x->arg[0], &k->conv.slot_y, &k->conv.base_y)
                   : weight_operand(e, x));
  if (is_pointwise(k)) conv_to_matmul(k);
  return AG_OK;
}

ag_status ag_emit_pooling(ag_emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  k->kind = AG_K_POOLING;
  k->pooling.op = (ag_pooling)x->op;
  k->pooling.type = x->type;
  k->pooling.window = x->u.pooling.window;
  k->pooling.count_pad = x->u.pooling.count_pad;
  k->pooling.channels = x->shape.dim[0], k->pooling.samples = x->shape.dim[3];
  k->pooling.nin = x->nargs;
  for (int i = 0; i < x->nargs; i++)
    AG_TRY(images_operand(e, x->arg[i], &k->pooling.slot_in[i], &k->pooling.base_in[i]));
  k->pooling.slot_out = ag_slot_of(e->b, e->b->cut[e->c].root);
  return AG_OK;
}

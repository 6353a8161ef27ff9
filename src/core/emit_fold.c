/* The iteration space of a kernel: dimensions are dropped and merged where all operands allow it.
 */
#include "emit.h"

typedef struct {
  ag_program *p;
  ag_operand *all[AG_MAX_IN + AG_MAX_OUT];
  int n, group[AG_MAX_DIM];
} folding;

static void remove_dim(folding *f, int k) {
  ag_program *p = f->p;
  for (int q = k; q + 1 < p->nd; q++) {
    p->dim[q] = p->dim[q + 1];
    f->group[q] = f->group[q + 1];
    for (int i = 0; i < f->n; i++) f->all[i]->at.stride[q] = f->all[i]->at.stride[q + 1];
  }
  for (int i = 0; i < f->n; i++) f->all[i]->at.stride[p->nd - 1] = 0;
  p->nd--;
}

static int can_merge(const folding *f, int k) {
  if (f->group[k] != f->group[k - 1]) return 0;
  for (int i = 0; i < f->n; i++)
    if (f->all[i]->at.stride[k] != f->all[i]->at.stride[k - 1] * f->p->dim[k - 1]) return 0;
  return 1;
}

static void fold_dims(folding *f) {
  ag_program *p = f->p;
  for (int k = p->nd - 1; k >= 0 && p->nd > 1; k--)
    if (p->dim[k] == 1) remove_dim(f, k);
  for (int k = p->nd - 1; k > 0; k--) {
    if (!can_merge(f, k)) continue;
    p->dim[k - 1] *= p->dim[k];
    p->dim[k] = p->dim[k - 1]; /* removing k - 1 keeps the inner strides below */
    for (int i = 0; i < f->n; i++) f->all[i]->at.stride[k] = f->all[i]->at.stride[k - 1];
    remove_dim(f, k - 1);
  }
}

/* Group 0, 1, 2: before, within, after the reduced dimensions; all 0 for other kernels. */
void ag_emit_fold(ag_kernel *k, int first, int last) {
  ag_program *p = &k->prog;
  folding f = {.p = p};
  for (int q = 0; q < p->nd; q++) f.group[q] = q < first ? 0 : q < last ? 1 : 2;
  for (int i = 0; i < p->nin; i++) f.all[f.n++] = &p->in[i];
  for (int i = 0; i < p->nout; i++) f.all[f.n++] = &p->out[i];
  fold_dims(&f);
  if (k->kind != AG_K_REDUCE && k->kind != AG_K_SCAN) return;
  k->reduce.npre = k->reduce.nred = 0;
  for (int q = 0; q < p->nd; q++) {
    k->reduce.npre += f.group[q] == 0;
    k->reduce.nred += f.group[q] == 1;
  }
}

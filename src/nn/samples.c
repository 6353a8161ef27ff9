#include "samples.h"
#include <stdlib.h>

#define CHUNK (1 << 18) /* values converted between two writes */
#define TILE  16        /* samples read together, so that each cache line is used whole */

/* n samples of p values. Value j of a sample, in the reversed order, is x[sample + at[j]]. */
typedef struct {
  int64_t n, p;
  const double *x;
  int64_t *at;
  ag_dtype type;
} source;

static ag_shape reversed(const ag_shape *s) {
  ag_shape r = {.nd = s->nd};
  for (int q = 0; q < s->nd; q++) r.dim[q] = s->dim[s->nd - 1 - q];
  return r;
}

static ag_status places(source *s, const ag_shape *shape) {
  int64_t stride[AG_MAX_DIM], i[AG_MAX_DIM] = {0};
  s->at = malloc((size_t)(s->p + 1) * sizeof *s->at);
  if (!s->at) return ag_fail(AG_E_MEMORY, "no memory for %lld places", (long long)s->p);
  stride[0] = 1;
  for (int q = 1; q < shape->nd; q++) stride[q] = stride[q - 1] * shape->dim[q - 1];
  for (int64_t j = 0, at = 0; j < s->p; j++) { /* the last dimension runs fastest */
    s->at[j] = at;
    for (int q = shape->nd - 1; q > 0; q--) {
      at += stride[q];
      if (++i[q] < shape->dim[q]) break;
      at -= stride[q] * i[q];
      i[q] = 0;
    }
  }
  return AG_OK;
}

/* Samples first .. first + m - 1, one after the other. */
static void transpose(void *out, const source *s, int64_t first, int64_t m) {
  float *y = out;
  double *z = out;
  const int64_t p = s->p;
  for (int64_t i0 = 0; i0 < m; i0 += TILE) {
    int64_t end = i0 + TILE < m ? i0 + TILE : m;
    for (int64_t j = 0; j < p; j++) {
      const double *x = s->x + first + s->at[j];
      if (s->type == AG_F32)
        for (int64_t i = i0; i < end; i++) y[j + p * i] = (float)x[i];
      else
        for (int64_t i = i0; i < end; i++) z[j + p * i] = x[i];
    }
  }
}

static ag_status fill(ag_buffer *buf, const source *s) {
  int64_t step = CHUNK / (s->p + 1) > TILE ? CHUNK / (s->p + 1) : TILE;
  size_t sample = (size_t)s->p * ag_dtype_size(s->type);
  void *part = malloc((size_t)step * sample + 1);
  if (!part) return ag_fail(AG_E_MEMORY, "no memory for %lld samples", (long long)step);
  ag_status status = AG_OK;
  for (int64_t first = 0; first < s->n && status == AG_OK; first += step) {
    int64_t m = first + step < s->n ? step : s->n - first;
    transpose(part, s, first, m);
    status = ag_buffer_write(buf, (size_t)first * sample, part, (size_t)m * sample);
  }
  free(part);
  return status;
}

ag_status ag_samples_write(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape,
                           const double *x) {
  int64_t count = ag_shape_count(&shape), n = shape.dim[0];
  source s = {.n = n, .p = n ? count / n : 0, .x = x, .type = type};
  ag_buffer *buf;
  AG_TRY(ag_buffer_new(&buf, d, (size_t)count * ag_dtype_size(type)));
  ag_status status = places(&s, &shape);
  if (status == AG_OK) status = fill(buf, &s);
  if (status == AG_OK) status = ag_array_from_buffer(out, buf, 0, type, reversed(&shape));
  free(s.at);
  ag_buffer_release(buf);
  return status;
}

ag_status ag_samples_of(ag_array **out, ag_dtype type, ag_array *x) {
  ag_array *cast;
  ag_axes axes = {.nd = x->shape.nd};
  for (int q = 0; q < axes.nd; q++) axes.axis[q] = axes.nd - 1 - q, axes.step[q] = 1;
  AG_TRY(ag_expr_cast(&cast, x, type));
  ag_status status = ag_expr_view(out, cast, reversed(&x->shape), &axes);
  ag_array_release(cast);
  return status == AG_OK ? ag_array_force(1, out) : status;
}

/* Blocks: kernels made by hand, built and launched once. */
#include "block.h"
#include <stdlib.h>
#include <string.h>

ag_block ag_block_of(const ag_array *x) {
  return (ag_block){.buf = x->buf,
                    .type = x->type,
                    .at = x->offset,
                    .ld = x->shape.dim[0],
                    .rows = x->shape.dim[0],
                    .cols = x->shape.nd > 1 ? x->shape.dim[1] : 1};
}

ag_block ag_block_part(const ag_block *b, int64_t i, int64_t rows, int64_t j, int64_t cols) {
  ag_block part = *b;
  part.at += i + j * b->ld;
  part.rows = rows, part.cols = cols;
  return part;
}

ag_status ag_block_new(ag_block *out, ag_buffer **own, ag_device *d, ag_dtype type, int64_t rows,
                       int64_t cols) {
  AG_TRY(ag_buffer_new(own, d, (size_t)(rows * cols) * ag_dtype_size(type)));
  *out = (ag_block){.buf = *own, .type = type, .ld = rows, .rows = rows, .cols = cols};
  return AG_OK;
}

void *ag_block_host(const ag_block *b) {
  if (strcmp(b->buf->dev->table->kind, "host")) return NULL;
  return (char *)b->buf->mem + (size_t)b->at * ag_dtype_size(b->type);
}

static ag_binding binding(const ag_block *b) { return (ag_binding){b->buf->mem, b->at}; }

/* Builds, launches and frees the kernel. */
static ag_status run(ag_device *d, ag_kernel *k, const ag_binding *slot) {
  ag_status status = ag_device_build(d, k);
  if (status == AG_OK) status = ag_device_launch(d, k, slot);
  if (k->code) d->table->unbuild(d, k);
  free(k);
  return status;
}

static ag_status kernel_new(ag_kernel **out, ag_kernel_kind kind, int nslots) {
  *out = calloc(1, sizeof **out);
  if (!*out) return ag_fail(AG_E_MEMORY, "out of memory");
  (*out)->kind = kind;
  (*out)->nslots = nslots;
  return AG_OK;
}

/* -- products ---------------------------------------------------------------------------------- */
/* The terms [first, first + k) of the product. */
static ag_status gemm_step(ag_into into, const ag_block *c, const ag_block *a, int ta,
                           const ag_block *b, int tb, int64_t first, int64_t k) {
  ag_kernel *kernel;
  const ag_binding slot[3] = {binding(a), binding(b), binding(c)};
  AG_TRY(kernel_new(&kernel, AG_K_MATMUL, 3));
  kernel->mm.type = c->type;
  kernel->mm.m = c->rows, kernel->mm.n = c->cols, kernel->mm.k = k;
  kernel->mm.slot_a = 0, kernel->mm.slot_b = 1, kernel->mm.slot_c = 2;
  kernel->mm.rs_a = ta ? a->ld : 1, kernel->mm.cs_a = ta ? 1 : a->ld;
  kernel->mm.rs_b = tb ? b->ld : 1, kernel->mm.cs_b = tb ? 1 : b->ld;
  kernel->mm.base_a = first * kernel->mm.cs_a, kernel->mm.base_b = first * kernel->mm.rs_b;
  kernel->mm.block = 1, kernel->mm.ldc = c->ld, kernel->mm.into = into;
  return run(c->buf->dev, kernel, slot);
}

ag_status ag_block_gemm(ag_into into, const ag_block *c, const ag_block *a, int ta,
                        const ag_block *b, int tb) {
  const int64_t k = ta ? a->rows : a->cols;
  const int packed = !ag_block_host(c) && !c->buf->dev->is_gpu && c->cols >= 4 && k > 0;
  const int64_t most = packed ? AG_BLOCK_DEPTH : k;
  int64_t first = 0;
  if (c->rows == 0 || c->cols == 0 || (k == 0 && into != AG_INTO_SET)) return AG_OK;
  do {
    const int64_t depth = k - first < most ? k - first : most;
    AG_TRY(gemm_step(into, c, a, ta, b, tb, first, depth));
    if (into == AG_INTO_SET) into = AG_INTO_ADD;
    first += depth;
  } while (first < k);
  return AG_OK;
}

/* -- triangles and rows ------------------------------------------------------------------------ */
static ag_status block_kernel(ag_kernel **out, ag_block_step step, const ag_block *a,
                              const ag_block *b, const ag_block *size) {
  AG_TRY(kernel_new(out, AG_K_BLOCK, 2));
  (*out)->block.step = step;
  (*out)->block.type = size->type;
  (*out)->block.rows = size->rows, (*out)->block.cols = size->cols;
  (*out)->block.lda = a->ld, (*out)->block.ldb = b->ld;
  return AG_OK;
}

static ag_status trsm_leaf(const ag_block *t, ag_tri how, const ag_block *b) {
  ag_kernel *k;
  const ag_binding slot[2] = {binding(t), binding(b)};
  AG_TRY(block_kernel(&k, AG_BLOCK_TRSM, t, b, b));
  k->block.right = how.right, k->block.upper = how.upper;
  k->block.trans = how.trans, k->block.unit = how.unit;
  return run(b->buf->dev, k, slot);
}

/* The half of B whose unknowns are [i, i + n). */
static ag_block unknowns(const ag_block *b, int right, int64_t i, int64_t n) {
  return right ? ag_block_part(b, 0, b->rows, i, n) : ag_block_part(b, i, n, 0, b->cols);
}

ag_status ag_block_trsm(const ag_block *t, ag_tri how, const ag_block *b) {
  const int64_t n = t->rows;
  if (n == 0 || b->rows == 0 || b->cols == 0) return AG_OK;
  if (n <= AG_BLOCK_TRI || ag_block_host(b)) return trsm_leaf(t, how, b);
  const int64_t half = (n / 2 + AG_BLOCK_TRI - 1) / AG_BLOCK_TRI * AG_BLOCK_TRI, rest = n - half;
  const ag_block t1 = ag_block_part(t, 0, half, 0, half),
                 t2 = ag_block_part(t, half, rest, half, rest),
                 off = how.upper ? ag_block_part(t, 0, half, half, rest)
                                 : ag_block_part(t, half, rest, 0, half),
                 b1 = unknowns(b, how.right, 0, half), b2 = unknowns(b, how.right, half, rest);
  /* op(T) lower, or from the right upper: the first unknowns come first */
  const int first = (how.upper != how.trans) == how.right;
  AG_TRY(ag_block_trsm(first ? &t1 : &t2, how, first ? &b1 : &b2));
  AG_TRY(
      how.right
          ? ag_block_gemm(AG_INTO_SUB, first ? &b2 : &b1, first ? &b1 : &b2, 0, &off, how.trans)
          : ag_block_gemm(AG_INTO_SUB, first ? &b2 : &b1, &off, how.trans, first ? &b1 : &b2, 0));
  return ag_block_trsm(first ? &t2 : &t1, how, first ? &b2 : &b1);
}

/* What the exchanges come to: row to[c] gets what was in row from[c], for `count` rows. `row` has
 * room for the number of rows. */
static int64_t moved_rows(const int32_t *pivot, int64_t n, int back, int64_t rows, int32_t *row,
                          int32_t *to) {
  int64_t count = 0;
  for (int64_t i = 0; i < rows; i++) row[i] = (int32_t)i;
  for (int64_t s = 0; s < n; s++) {
    const int64_t i = back ? n - 1 - s : s;
    const int32_t t = row[i];
    row[i] = row[pivot[i]];
    row[pivot[i]] = t;
  }
  for (int64_t i = 0; i < rows; i++)
    if (row[i] != i) to[count++] = (int32_t)i;
  for (int64_t c = 0; c < count; c++) to[count + c] = row[to[c]];
  return count;
}

static ag_status permute(const ag_block *b, const int32_t *moved, int64_t count) {
  ag_kernel *k;
  ag_buffer *list;
  const size_t bytes = (size_t)(2 * count) * sizeof *moved;
  if (count == 0) return AG_OK;
  AG_TRY(ag_buffer_new(&list, b->buf->dev, bytes));
  ag_status status = ag_buffer_write(list, 0, moved, bytes);
  if (status == AG_OK) status = block_kernel(&k, AG_BLOCK_PERMUTE, b, b, b);
  if (status == AG_OK) {
    const ag_binding slot[2] = {binding(b), {list->mem, 0}};
    k->block.count = count;
    status = run(b->buf->dev, k, slot);
  }
  ag_buffer_release(list);
  return status;
}

ag_status ag_block_swap(const ag_block *b, const int32_t *pivot, int64_t n, int back) {
  if (b->cols == 0 || n == 0) return AG_OK;
  /* rows, and at most two per exchange, twice */
  int32_t *row = malloc((size_t)(b->rows + 4 * n) * sizeof *row);
  if (!row) return ag_fail(AG_E_MEMORY, "out of memory");
  const int64_t count = moved_rows(pivot, n, back, b->rows, row, row + b->rows);
  ag_status status = permute(b, row + b->rows, count);
  free(row);
  return status;
}

ag_status ag_block_triangle(const ag_block *to, const ag_block *from, int upper, int unit) {
  ag_kernel *k;
  const ag_binding slot[2] = {binding(from), binding(to)};
  if (to->rows == 0 || to->cols == 0) return AG_OK;
  AG_TRY(block_kernel(&k, AG_BLOCK_TRIANGLE, from, to, to));
  k->block.upper = upper, k->block.unit = unit;
  return run(to->buf->dev, k, slot);
}

ag_block ag_block_diagonal(const ag_block *b) {
  ag_block d = *b;
  d.ld = b->ld + 1, d.rows = 1, d.cols = b->rows < b->cols ? b->rows : b->cols;
  return d;
}

/* -- copies ------------------------------------------------------------------------------------ */
ag_status ag_block_copy(const ag_block *to, const ag_block *from, int transposed) {
  ag_kernel *k;
  const ag_binding slot[2] = {binding(from), binding(to)};
  if (to->rows == 0 || to->cols == 0) return AG_OK;
  AG_TRY(kernel_new(&k, AG_K_MAP, 2));
  ag_program *p = &k->prog;
  p->nd = 2, p->dim[0] = to->rows, p->dim[1] = to->cols, p->count = to->rows * to->cols;
  p->ninstr = p->nin = p->nout = 1;
  p->instr[0] = (ag_instr){.kind = AG_I_LOAD, .type = to->type, .from = to->type};
  p->in[0] = (ag_operand){.slot = 0, .type = to->type};
  p->in[0].at.stride[0] = transposed ? from->ld : 1;
  p->in[0].at.stride[1] = transposed ? 1 : from->ld;
  p->out[0] = (ag_operand){.slot = 1, .type = to->type};
  p->out[0].at.stride[0] = 1, p->out[0].at.stride[1] = to->ld;
  return run(to->buf->dev, k, slot);
}

static void copy_columns(char *to, int64_t ld_to, const char *from, int64_t ld_from,
                         const ag_block *b) {
  const size_t size = ag_dtype_size(b->type);
  for (int64_t j = 0; j < b->cols; j++)
    memcpy(to + (size_t)(j * ld_to) * size, from + (size_t)(j * ld_from) * size,
           (size_t)b->rows * size);
}

static int is_dense(const ag_block *b) { return b->ld == b->rows || b->cols <= 1; }
static size_t bytes_of(const ag_block *b, int64_t elements) {
  return (size_t)elements * ag_dtype_size(b->type);
}

static ag_status move_dense(const ag_block *b, char *host, int write) {
  const size_t at = bytes_of(b, b->at), bytes = bytes_of(b, b->rows * b->cols);
  return write ? ag_buffer_write(b->buf, at, host, bytes) : ag_buffer_read(b->buf, host, at, bytes);
}

/* By way of a copy on the device whose elements are neighbours. */
static ag_status move_spread(const ag_block *b, char *host, int write) {
  ag_buffer *own;
  ag_block dense;
  AG_TRY(ag_block_new(&dense, &own, b->buf->dev, b->type, b->rows, b->cols));
  ag_status status = AG_OK;
  if (write) {
    status = move_dense(&dense, host, 1);
    if (status == AG_OK) status = ag_block_copy(b, &dense, 0);
  } else {
    status = ag_block_copy(&dense, b, 0);
    if (status == AG_OK) status = move_dense(&dense, host, 0);
  }
  ag_buffer_release(own);
  return status;
}

static ag_status move_packed(const ag_block *b, char *host, int write) {
  return is_dense(b) ? move_dense(b, host, write) : move_spread(b, host, write);
}

static ag_status move_block(const ag_block *b, char *host, int64_t ld, int write) {
  char *here = ag_block_host(b), *packed;
  if (b->rows == 0 || b->cols == 0) return AG_OK;
  if (here) {
    if (write) copy_columns(here, b->ld, host, ld, b);
    else copy_columns(host, ld, here, b->ld, b);
    return AG_OK;
  }
  if (ld == b->rows || b->cols == 1) return move_packed(b, host, write);
  packed = malloc(bytes_of(b, b->rows * b->cols));
  if (!packed) return ag_fail(AG_E_MEMORY, "out of memory");
  if (write) copy_columns(packed, b->rows, host, ld, b);
  ag_status status = move_packed(b, packed, write);
  if (!write && status == AG_OK) copy_columns(host, ld, packed, b->rows, b);
  free(packed);
  return status;
}

ag_status ag_block_read(const ag_block *b, void *dst, int64_t ld) {
  return move_block(b, dst, ld, 0);
}

/* One text moves both ways; this way `src` is only read. */
ag_status ag_block_write(const ag_block *b, const void *src, int64_t ld) {
  return move_block(b, (char *)(uintptr_t)src, ld, 1);
}

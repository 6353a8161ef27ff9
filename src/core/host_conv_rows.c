/* The geometry of a convolution on the host, and the rows that it reads. */
#include "host_conv.h"
#include "threads.h"
#include <string.h>

/* Bytes of a piece's rows and outputs: what the second cache holds beside the weight. */
#define PIECE_BYTES 393216

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* -- the window ---------------------------------------------------------------------------- */
int64_t ag_host_conv_row(const ag_window *w, int64_t oy, int64_t ky) {
  const int64_t t = w->mul[1] * oy + w->dil[1] * ky - w->off[1], py = t / w->div[1];
  return t >= 0 && t % w->div[1] == 0 && py < w->in[1] ? py : -1;
}

int64_t ag_host_conv_first(const ag_window *w, int64_t phase, int64_t from) {
  return from <= phase ? 0 : ceil_div(from - phase, w->div[0]);
}

/* The place's position for output 0 of the phase, if the phase looks through it. */
static int sees(const ag_window *w, int64_t phase, int64_t k, int64_t *at) {
  const int64_t t = w->mul[0] * phase + w->dil[0] * k - w->off[0];
  *at = t / w->div[0];
  return t % w->div[0] == 0;
}

static void add_tap(ag_host_conv_job *job, int64_t *spans, int64_t phase, int64_t k, int64_t at,
                    int joins) {
  ag_conv_span *last = job->span + *spans - 1;
  job->order[job->taps] = k;
  if (joins && *spans > job->phase[phase] && at == last->at + last->n) last->n++;
  else job->span[(*spans)++] = (ag_conv_span){.k = k, .n = 1, .at = at, .tap = job->taps};
  job->taps++;
}

static void find_spans(ag_host_conv_job *job, int ascending) {
  const ag_window *w = job->w;
  const int backwards = w->dil[0] < 0;
  const int joins = job->pitch == job->in && !(backwards && ascending) && !job->depth;
  int64_t spans = 0, at;
  job->taps = 0;
  for (int64_t r = 0; r < w->div[0]; r++) {
    job->phase[r] = spans;
    for (int64_t i = 0; i < w->k[0]; i++) {
      const int64_t k = backwards ? w->k[0] - 1 - i : i;
      if (sees(w, r, k, &at)) add_tap(job, &spans, r, k, at, joins);
    }
  }
  job->phase[w->div[0]] = spans;
}

/* The positions that outputs [x0, x1) look at: from *low to before *end, within the image or not.
 */
static void reach(const ag_host_conv_job *job, int64_t x0, int64_t x1, int64_t *low, int64_t *end) {
  const ag_window *w = job->w;
  *low = INT64_MAX, *end = INT64_MIN;
  for (int64_t r = 0; r < w->div[0]; r++) {
    const int64_t j0 = ag_host_conv_first(w, r, x0), j1 = ag_host_conv_first(w, r, x1);
    for (int64_t i = job->phase[r]; i < job->phase[r + 1] && j0 < j1; i++) {
      const ag_conv_span *s = &job->span[i];
      *low = min64(*low, w->mul[0] * j0 + s->at);
      *end = max64(*end, w->mul[0] * (j1 - 1) + s->at + s->n);
    }
  }
  if (*low > *end) *low = *end = 0; /* nothing is looked at */
}

static void set_operands(ag_host_conv_job *job, const ag_kernel *k, const ag_binding *slot) {
  const ag_binding *x = &slot[k->conv.slot_x];
  *job = (ag_host_conv_job){.k = k, .w = &k->conv.window, .isa = ag_isa_get()};
  job->f64 = k->conv.type == AG_F64;
  job->size = job->f64 ? 8 : 4;
  job->in = k->conv.in / k->conv.groups, job->out = k->conv.out / k->conv.groups;
  job->depth = job->in == 1 && job->out == 1;
  job->groups = job->depth ? 1 : k->conv.groups;
  job->lot = job->depth ? k->conv.in : job->in;
  job->x = (const char *)x->mem + (x->offset + k->conv.base_x) * job->size;
}

ag_status ag_host_conv_begin(ag_host_conv_job *job, const ag_kernel *k, const ag_binding *slot,
                             int ascending) {
  set_operands(job, k, slot);
  const ag_window *w = job->w;
  const int64_t places =
      w->k[0] * w->div[0]; /* at most, unless mul and div have no common factor */
  char *mem =
      ag_threads_scratch(AG_SCRATCH_TRIANGLE,
                         (size_t)(places * (int64_t)(sizeof *job->span + 8) + (w->div[0] + 1) * 8));
  int64_t low, end;
  if (!mem) return ag_fail(AG_E_MEMORY, "out of memory");
  job->span = (ag_conv_span *)mem;
  job->order = (int64_t *)(job->span + places);
  job->phase = job->order + places;
  job->pitch = k->conv.in;
  find_spans(job, ascending);
  reach(job, 0, w->out[0], &low, &end);
  job->copies = low < 0 || end > w->in[0] || (k->conv.groups > 1 && !job->depth);
  job->pitch = job->copies ? job->lot : k->conv.in;
  find_spans(job, ascending);
  return AG_OK;
}

/* -- pieces -------------------------------------------------------------------------------- */
/* Rows (or columns) of the image below `n` of the result's. */
static int64_t below(const ag_window *w, int a, int64_t n) {
  const int64_t dil = w->dil[a] < 0 ? -w->dil[a] : w->dil[a];
  return ((n - 1) * w->mul[a] + dil * (w->k[a] - 1)) / w->div[a] + 1;
}

static int64_t rows_below(const ag_host_conv_job *job, int64_t rows) {
  return min64(job->w->in[1], below(job->w, 1, rows));
}

static int64_t piece_bytes(const ag_host_conv_job *job, int64_t rows, int64_t columns) {
  return (rows_below(job, rows) * below(job->w, 0, columns) * job->lot +
          rows * columns * job->k->conv.out) *
         job->size;
}

/* Pieces of about equal size, `unit` or a multiple of it wide. */
static int64_t even(int64_t total, int64_t part, int64_t unit) {
  const int64_t parts = ceil_div(total, part);
  return ceil_div(ceil_div(total, parts), unit) * unit;
}

double ag_host_conv_work(const ag_host_conv_job *job) {
  const ag_window *w = job->w;
  return (double)job->k->conv.out * (double)(w->out[0] * w->out[1]) * (double)job->k->conv.samples *
         (double)job->in * (double)(w->k[0] * w->k[1]) / (double)(w->div[0] * w->div[1]);
}

void ag_host_conv_cut(ag_host_conv_job *job, int64_t tasks) {
  const int64_t width = job->w->out[0], height = job->w->out[1], unit = 8 * job->w->div[0];
  int64_t rows = max64(height, 1), columns = max64(width, 1);
  while (rows > 1 && piece_bytes(job, rows, columns) > PIECE_BYTES) rows = ceil_div(rows, 2);
  while (columns > unit && piece_bytes(job, rows, columns) > PIECE_BYTES)
    columns = even(columns, ceil_div(columns, 2), unit);
  while (rows > 1 &&
         job->k->conv.samples * ceil_div(height, rows) * ceil_div(width, columns) < tasks)
    rows = ceil_div(rows, 2);
  job->rows = even(max64(height, 1), rows, 1);
  job->columns = columns;
  job->tiles_y = ceil_div(height, job->rows);
  job->tiles_x = ceil_div(width, job->columns);
}

ag_conv_piece ag_host_conv_piece(const ag_host_conv_job *job, int64_t number) {
  ag_conv_piece p = {.x0 = number % job->tiles_x * job->columns,
                     .y0 = number / job->tiles_x % job->tiles_y * job->rows,
                     .sample = number / (job->tiles_x * job->tiles_y)};
  p.x1 = min64(p.x0 + job->columns, job->w->out[0]);
  p.y1 = min64(p.y0 + job->rows, job->w->out[1]);
  return p;
}

/* -- rows ---------------------------------------------------------------------------------- */
static int64_t rows_bytes(const ag_host_conv_job *job) {
  if (!job->copies) return 0;
  return (rows_below(job, job->rows) * below(job->w, 0, job->columns) * job->lot * job->size + 63) /
         64 * 64;
}

size_t ag_host_conv_room(const ag_host_conv_job *job) {
  const int64_t runs = job->w->k[1] * max64(job->taps, 1) + job->rows;
  return (size_t)(rows_bytes(job) + runs * (int64_t)sizeof(ag_conv_run));
}

/* Positions [low, end) of a row, with zeros where there is no image. */
static void copy_row(const ag_host_conv_job *job, char *to, const char *row, int64_t low,
                     int64_t end) {
  const int64_t first = min64(max64(low, 0), end), last = max64(min64(end, job->w->in[0]), first);
  const int64_t pixel = job->pitch * job->size, step = job->k->conv.in * job->size;
  memset(to, 0, (size_t)((first - low) * pixel));
  to += (first - low) * pixel, row += first * step;
  if (pixel == step) {
    memcpy(to, row, (size_t)((last - first) * pixel));
    to += (last - first) * pixel;
  } else {
    for (int64_t i = first; i < last; i++, to += pixel, row += step) memcpy(to, row, (size_t)pixel);
  }
  memset(to, 0, (size_t)((end - last) * pixel));
}

/* The rows of the image that the piece's look at. */
static void find_rows(const ag_window *w, const ag_conv_piece *p, int64_t *first, int64_t *last) {
  *first = w->in[1], *last = -1;
  for (int64_t y = p->y0; y < p->y1; y++)
    for (int64_t k = 0; k < w->k[1]; k++) {
      const int64_t row = ag_host_conv_row(w, y, k);
      if (row < 0) continue;
      *first = min64(*first, row), *last = max64(*last, row);
    }
}

ag_conv_rows ag_host_conv_read(const ag_host_conv_job *job, const ag_conv_piece *p, int64_t group,
                               char *room, ag_conv_run **run) {
  const ag_window *w = job->w;
  const int64_t step = w->in[0] * job->k->conv.in;
  const char *image = job->x + (p->sample * w->in[1] * step + group * job->in) * job->size;
  int64_t last, end;
  ag_conv_rows r = {.base = image, .row = step};
  *run = (ag_conv_run *)(room + rows_bytes(job));
  if (!job->copies) return r;
  find_rows(w, p, &r.first, &last);
  reach(job, p->x0, p->x1, &r.low, &end);
  r.row = (end - r.low) * job->pitch;
  for (int64_t y = r.first; y <= last; y++)
    copy_row(job, room + (y - r.first) * r.row * job->size, image + y * step * job->size, r.low,
             end);
  r.base = room;
  return r;
}

int64_t ag_host_conv_panel(int64_t out, ag_dtype type) {
  const ag_isa *isa = ag_isa_get();
  const int f64 = type == AG_F64;
  return even(max64(out, 1), f64 ? isa->mr_f64 : isa->mr_f32,
              f64 ? isa->lanes_f64 : isa->lanes_f32);
}

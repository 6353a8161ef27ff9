/* Kernel text: convolutions, by conv.cl and, on GPUs, conv_gpu.cl. */
#include "codegen_matmul.h"

enum { SIMPLE = 1, WEIGHT_SIMPLE, TILES, WEIGHT_TILES, TILED }; /* KIND of conv.cl */

#define LONG_STORES  12                 /* an epilogue of more instructions is not unrolled */
#define PATCH_BYTES  2048               /* of a pixel's terms that are copied at once */
#define PANELS_BYTES 262144             /* of packed weight that an item goes through */
#define PART_BYTES   393216             /* of images and gradients that stay in the second cache */
#define MOST_PARTIAL ((int64_t)1 << 26) /* bytes of partial sums */

typedef struct {
  const ag_kernel *k;
  const ag_cg_target *t;
  ag_cg_source *src;
  int kind, size;  /* of an element */
  int64_t in, out; /* channels of a group */
  ag_window w;
  int swapped; /* the weight's gradient: images and gradients have traded places */
  int lanes, wide, panel, columns;    /* CPU, and `lanes` of SIMPLE */
  int tile_m, tile_n, item_m, item_n; /* TILED */
  int64_t per, parts; /* pixels or rows of pixels of a part of a weight's gradient */
} conv;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t groups_of(const conv *c) { return c->k->conv.groups; }
static int64_t terms_of(const conv *c) { return c->in * c->w.k[0] * c->w.k[1]; }
/* Elements of the weight. */
static int64_t count_of(const conv *c) { return terms_of(c) * c->out * groups_of(c); }
/* Of the first pair of phases, which has most. */
static int64_t pixels_of(const conv *c) {
  return ceil_div(c->w.out[0], c->w.div[0]) * ceil_div(c->w.out[1], c->w.div[1]) *
         c->k->conv.samples;
}
static int64_t passes_of(const conv *c) { return c->w.div[0] * c->w.div[1]; }

/* -- settings -------------------------------------------------------------------------------- */
static int is_depthwise(const conv *c) { return c->in == 1 && c->out == 1; }

/* The largest power of 2 that is at most `most` and at most (divide: divides) n. */
static int lanes_for(int64_t n, int most, int divide) {
  int lanes = most < 1 ? 1 : most;
  while (lanes > 1 && (divide ? n % lanes : n < lanes)) lanes /= 2;
  return lanes;
}

/* Each channel is a group of its own: vectors go across them. */
static int lanes_across(const conv *c) {
  const int apart = !c->k->conv.of_weight && c->k->conv.w_group != 1;
  return c->t->is_gpu || !is_depthwise(c) || apart ? 1 : lanes_for(groups_of(c), c->wide, 1);
}

/* Vectors in a column of a tile: as few rows beyond the last channel as can be. */
static int panel_for(int64_t out, int lanes) {
  int best = 2;
  for (int p = 3; p >= 1; p--)
    if (ceil_div(out, p * lanes) * p < ceil_div(out, best * lanes) * best) best = p;
  return best;
}

/* 32 vector registers with vectors of 16 floats, else 16. */
static void choose_on_cpu(conv *c) {
  static const int columns[2][4] = {{0, 8, 5, 3}, {0, 16, 12, 8}},
                   weight_columns[2][4] = {{0, 8, 4, 3}, {0, 12, 8, 6}};
  const int many = c->t->lanes >= 16, of_weight = c->k->conv.of_weight;
  c->lanes = of_weight ? lanes_for(c->out, c->wide, 0) : c->wide;
  c->panel = !of_weight ? panel_for(c->out, c->lanes) : c->out >= 2 * c->lanes ? 2 : 1;
  c->columns = (of_weight ? weight_columns : columns)[many][c->panel];
  if (of_weight) c->columns = (int)at_most(c->columns, c->in);
  c->kind = of_weight ? WEIGHT_TILES : TILES;
}

/* Fewer items than that a group may have leave room for smaller tiles only. */
static void choose_on_gpu(conv *c) {
  const int64_t columns = c->k->conv.of_weight ? terms_of(c) : pixels_of(c);
  const int large = c->t->group >= 256 && c->size == 4 && c->t->local >= 40000;
  c->item_m = c->item_n = 4;
  c->tile_m = c->tile_n = 32;
  if (c->t->group >= 256 && columns > 32) c->tile_n = 64;
  if (c->t->group >= 256 && c->out > 32) c->tile_m = 64;
  if (large && c->tile_m == 64 && columns >= 4096) c->tile_n = 128, c->item_n = 8;
  if (large && c->out > 64 && c->tile_n == 128) c->tile_m = 128, c->item_m = 8;
  c->kind = TILED;
}

static void choose(conv *c) {
  const int of_weight = c->k->conv.of_weight;
  const int few = c->out < 8 || (of_weight && terms_of(c) < 16) || c->t->group < 64;
  c->wide = c->k->conv.type == AG_F64 ? c->t->lanes / 2 : c->t->lanes;
  if (is_depthwise(c) || (c->t->is_gpu && few)) {
    c->kind = of_weight ? WEIGHT_SIMPLE : SIMPLE;
    c->lanes = lanes_across(c);
  } else if (c->t->is_gpu) {
    c->lanes = 1;
    choose_on_gpu(c);
  } else {
    choose_on_cpu(c);
  }
}

/* Only what the kind looks at, so that kernels that do not differ share a program. */
static void write_settings(const conv *c) {
  ag_strbuf *text = &c->src->text;
  ag_strbuf_add(text, "#define KIND %d\n#define REAL %s\n#define LANES %d\n#define PHASES %d\n",
                c->kind, ag_cg_type(c->k->conv.type), c->lanes, passes_of(c) > 1);
  if (c->kind == TILES || c->kind == WEIGHT_TILES)
    ag_strbuf_add(text, "#define PANEL %d\n#define COLUMNS %d\n", c->panel, c->columns);
  if (c->kind == TILES)
    ag_strbuf_add(text, "#define WIDE %d\n#define DEPTH %d\n", c->wide, PATCH_BYTES / c->size);
  if (c->kind == TILED)
    ag_strbuf_add(text,
                  "#define OF_WEIGHT %d\n#define TILE_M %d\n#define TILE_N %d\n#define STEP %d\n"
                  "#define ITEM_M %d\n#define ITEM_N %d\n#define RUN %d\n#define ONCE %d\n",
                  c->k->conv.of_weight, c->tile_m, c->tile_n, c->size == 4 ? 16 : 8, c->item_m,
                  c->item_n, c->size == 4 ? 4 : 2, c->k->prog.ninstr > LONG_STORES);
}

/* -- arguments ------------------------------------------------------------------------------- */
static void add_slot(ag_cg_writer *w, int slot, int64_t base) {
  ag_cg_arg_add(w, (ag_cg_arg){.kind = AG_ARG_SLOT, .index = slot});
  ag_cg_arg_add(w, (ag_cg_arg){.kind = AG_ARG_OFFSET, .index = slot, .value = base});
}
static void add_scratch(ag_cg_writer *w) { ag_cg_arg_add(w, (ag_cg_arg){.kind = AG_ARG_SCRATCH}); }

static void add_numbers(ag_cg_writer *w, int n, const int64_t *value) {
  for (int i = 0; i < n; i++) ag_cg_long_arg(w, value[i]);
}
#define NUMBERS(w, ...)                                                                            \
  add_numbers(w, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                        \
              (const int64_t[]){__VA_ARGS__})

static void add_window(ag_cg_writer *w, const conv *c) {
  const ag_window *v = &c->w;
  NUMBERS(w, v->in[0], v->in[1], v->out[0], v->out[1], v->k[0], v->k[1], v->mul[0], v->mul[1],
          v->dil[0], v->dil[1], v->off[0], v->off[1], v->div[0], v->div[1], c->k->conv.samples,
          c->in, c->out, groups_of(c));
  ag_cg_arg_add(w, (ag_cg_arg){.kind = AG_ARG_PASS});
}

static void add_images(ag_cg_writer *w, const conv *c, int of_result) {
  const ag_kernel *k = c->k;
  if (of_result != c->swapped) add_slot(w, k->conv.slot_y, k->conv.base_y);
  else add_slot(w, k->conv.slot_x, k->conv.base_x);
}

static void add_weight(ag_cg_writer *w, const conv *c) {
  const ag_kernel *k = c->k;
  add_slot(w, k->conv.slot_w, k->conv.base_w);
  NUMBERS(w, k->conv.w_out, k->conv.w_group, k->conv.w_in, k->conv.w_k[0], k->conv.w_k[1]);
}

/* -- forward --------------------------------------------------------------------------------- */
/* Whether the weight is as ag_conv_pack() leaves it, all rows in one panel. */
static int is_packed(const conv *c) {
  const ag_kernel *k = c->k;
  return passes_of(c) == 1 && k->conv.w_out == 1 && k->conv.w_k[0] == c->in * k->conv.w_in &&
         k->conv.w_k[1] == c->w.k[0] * k->conv.w_k[0];
}

static void pack_stage(const conv *c, int64_t panels, int64_t rows, int64_t run) {
  ag_cg_writer w;
  ag_cg_begin(&w, c->src, c->k, NULL, c->t, NULL);
  w.stage->entry = "ag_conv_pack";
  ag_cg_range(w.stage, rows / run * terms_of(c) * panels * groups_of(c), c->t->is_gpu ? 64 : 1);
  add_weight(&w, c);
  add_scratch(&w);
  NUMBERS(&w, panels, rows, run);
  add_window(&w, c);
  ag_cg_drop(&w);
  c->src->scratch[0] = (size_t)(rows * terms_of(c) * panels * groups_of(c) * c->size) + 64;
}

static void simple_stage(const conv *c, ag_cg_writer *w) {
  w->stage->entry = "ag_conv_simple";
  ag_cg_range(w->stage, c->out * groups_of(c) / c->lanes * pixels_of(c), 64);
  add_weight(w, c);
  add_images(w, c, 0);
}

/* A tile's item goes through as many panels as leave their weight in the cache, unless there are
 * few tiles. */
static void tiles_stage(const conv *c, ag_cg_writer *w) {
  const int64_t rows = c->panel * c->lanes, panels = ceil_div(c->out, rows),
                tiles = ceil_div(pixels_of(c), c->columns) * groups_of(c);
  int64_t per = at_least(PANELS_BYTES / (rows * terms_of(c) * c->size + 1), 1);
  if (tiles < 4 * c->t->units) per = 1;
  per = at_most(per, panels);
  w->stage->entry = "ag_conv_tiles";
  ag_cg_range(w->stage, tiles * ceil_div(panels, per), 1);
  add_scratch(w);
  add_images(w, c, 0);
  NUMBERS(w, panels, per, ceil_div(panels, per));
}

static int items_of(const conv *c) { return c->tile_m / c->item_m * (c->tile_n / c->item_n); }

static void tiled_stage(const conv *c, ag_cg_writer *w) {
  const ag_kernel *k = c->k;
  const int64_t tiles = ceil_div(c->out, c->tile_m) * ceil_div(pixels_of(c), c->tile_n);
  w->stage->entry = "ag_conv_tiled";
  ag_cg_range(w->stage, tiles * groups_of(c) * items_of(c), items_of(c));
  if (is_packed(c)) {
    add_slot(w, k->conv.slot_w, k->conv.base_w);
    NUMBERS(w, k->conv.w_group, k->conv.w_in);
  } else {
    add_scratch(w);
    NUMBERS(w, 0, 0, c->out);
  }
  add_images(w, c, 0);
}

static void forward(const conv *c) {
  static const int dims[AG_MAX_DIM] = {0};
  const int64_t rows = c->panel * c->lanes;
  ag_cg_writer w;
  if (c->kind == TILES) pack_stage(c, ceil_div(c->out, rows), rows, rows);
  if (c->kind == TILED && !is_packed(c)) pack_stage(c, 1, c->out, 1);
  ag_cg_begin(&w, c->src, c->k, &c->k->prog, c->t, dims);
  ag_cg_epilogue(&w, c->k->conv.type, c->out * groups_of(c), c->lanes);
  switch (c->kind) {
  case SIMPLE: simple_stage(c, &w); break;
  case TILES: tiles_stage(c, &w); break;
  default: tiled_stage(c, &w);
  }
  add_window(&w, c);
  ag_cg_drop(&w);
  c->src->npass = passes_of(c);
}

/* -- the weight's gradient ------------------------------------------------------------------- */
/* The kernels have div 1. */
static void swap_sides(conv *c) {
  const int64_t in = c->in;
  c->swapped = 1;
  c->in = c->out, c->out = in;
  c->w = ag_window_reversed(&c->w);
}

/* Work-groups or items, of all groups, for one part. */
static int64_t tiles_for_weight(const conv *c) {
  switch (c->kind) {
  case WEIGHT_SIMPLE: return count_of(c) / c->lanes;
  case WEIGHT_TILES:
    return ceil_div(c->out, c->panel * c->lanes) * ceil_div(c->in, c->columns) * c->w.k[0] *
           c->w.k[1] * groups_of(c);
  default: return ceil_div(c->out, c->tile_m) * ceil_div(terms_of(c), c->tile_n) * groups_of(c);
  }
}

/* Parts fill a GPU; on a CPU device what one reads stays in the cache. */
static void choose_parts(conv *c) {
  const int64_t rows = c->w.out[1] * c->k->conv.samples,
                all = c->kind == TILED ? rows * c->w.out[0] : rows;
  const int64_t bytes =
      at_least(c->w.out[0], c->w.in[0]) * (c->in + c->out) * groups_of(c) * c->size;
  const int64_t units = c->t->units, tiles = tiles_for_weight(c);
  int64_t parts;
  if (!c->t->is_gpu) parts = ceil_div(all * bytes, PART_BYTES);
  else if (c->kind == TILED) parts = at_most(ceil_div(4 * units, tiles), all / 256);
  else parts = at_most(ceil_div(1024 * units, tiles), all * c->w.out[0] / 32);
  parts = at_most(at_most(parts, all), MOST_PARTIAL / (count_of(c) * c->size));
  c->per = at_least(ceil_div(all, at_least(parts, 1)), 1);
  if (c->kind == TILED) c->per = ceil_div(c->per, 16) * 16;
  c->parts = at_least(ceil_div(all, c->per), 1);
}

/* Where element (o, c, tap) of group g lies; o and c have traded places, too. */
static void add_result(ag_cg_writer *w, const conv *c) {
  const ag_operand *result = &c->k->prog.out[0];
  const int64_t whole = (c->swapped ? c->in : c->out) * groups_of(c),
                depth = c->swapped ? c->out : c->in;
  if (c->parts > 1) {
    add_scratch(w);
    ag_cg_long_arg(w, 0);
  } else {
    add_slot(w, result->slot, result->at.base);
  }
  NUMBERS(w, count_of(c), c->per, whole / groups_of(c), c->swapped ? whole : 1,
          c->swapped ? 1 : whole, whole * depth);
}

static void weight_stage(const conv *c) {
  static const char *const entry[] = {
      "", "", "ag_conv_weight_simple", "", "ag_conv_weight_tiles", "ag_conv_tiled"};
  const int64_t items = c->kind == TILED ? items_of(c) : 1,
                local = c->kind == WEIGHT_SIMPLE ? 64 : items;
  ag_cg_writer w;
  ag_cg_begin(&w, c->src, c->k, NULL, c->t, NULL);
  w.stage->entry = entry[c->kind];
  ag_cg_range(w.stage, tiles_for_weight(c) * c->parts * items, local);
  add_result(&w, c);
  add_images(&w, c, 1);
  if (c->kind == TILED) NUMBERS(&w, c->out, c->out * groups_of(c));
  add_images(&w, c, 0);
  add_window(&w, c);
  ag_cg_drop(&w);
}

static void sum_stage(const conv *c) {
  const ag_operand *result = &c->k->prog.out[0];
  ag_cg_writer w;
  ag_cg_begin(&w, c->src, c->k, NULL, c->t, NULL);
  w.stage->entry = "ag_conv_sum";
  ag_cg_range(w.stage, count_of(c), 64);
  add_slot(&w, result->slot, result->at.base);
  add_scratch(&w);
  NUMBERS(&w, count_of(c), c->parts);
  ag_cg_drop(&w);
  c->src->scratch[0] = (size_t)(count_of(c) * c->parts * c->size);
}

ag_status ag_cg_conv(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  conv c = {.k = k, .t = t, .src = src, .w = k->conv.window};
  const ag_window *w = &c.w;
  c.in = k->conv.in / k->conv.groups, c.out = k->conv.out / k->conv.groups;
  c.size = (int)ag_dtype_size(k->conv.type);
  if (k->conv.of_weight && (w->div[0] > 1 || w->div[1] > 1)) swap_sides(&c);
  if (k->conv.of_weight && passes_of(&c) > 1)
    return ag_fail(AG_E_ARGUMENT, "internal: a window with strides of both sides");
  AG_TRY(ag_cg_preamble(src, &k->prog, k->conv.type));
  choose(&c);
  if (k->conv.of_weight) {
    choose_parts(&c);
    weight_stage(&c);
    if (c.parts > 1) sum_stage(&c);
  } else {
    forward(&c);
  }
  write_settings(&c);
  AG_TRY(ag_cg_append_file(&src->text, "conv.cl"));
  return c.kind == TILED ? ag_cg_append_file(&src->text, "conv_gpu.cl") : AG_OK;
}

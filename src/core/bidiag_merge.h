/* A node of the tree of bidiag_svd.c and what becomes of it: the middle matrix between two
 * children, its roots and vectors, and the parent's vectors. */
#ifndef AG_BIDIAG_MERGE_H
#define AG_BIDIAG_MERGE_H

#include "bidiag_svd.h"

#define AG_BIDIAG_CHUNK 16 /* roots or rows that are a task */

/* Which rows of the children's vectors are not zero. A column is first of one child, and of both
 * after a rotation. */
enum { AG_ROWS_TOP, AG_ROWS_BOTH, AG_ROWS_BOTTOM, AG_ROWS_TYPES };

typedef struct {
  int64_t n; /* of the whole problem */
  double *d, *e;
  double *u, *v; /* n x n, or NULL; (n + 1) x (n + 1) */
  double *w, *q; /* as large as v: the children's vectors sorted by type; vectors of the middle */
  double *z, *p, *root; /* n each: of the node at lo from element lo on */
  double *weight;
  int64_t *order; /* of a node's values, ascending, as numbers of columns */
  int64_t *kept, *dropped, *row;
  char *type;
  double *column; /* n for each thread */
  int failed;
} ag_bidiag_tree;

typedef struct {
  int64_t lo, n;
} ag_bidiag_node;

/* A node being merged. */
typedef struct {
  ag_bidiag_tree *t;
  int64_t lo, n, left, mid; /* `left` rows in the first child */
  int64_t k, ndropped;      /* values that remain, and others */
  double scale, sum_w;
  /* the node's part of the tree's arrays */
  double *z, *p, *root, *weight, *w, *q;
  int64_t *kept, *dropped, *row;
  int64_t count[AG_ROWS_TYPES]; /* of the columns that are kept, the middle one not among them */
} ag_bidiag_merge;

static inline double *ag_bidiag_column(double *x, int64_t ld, int64_t row, int64_t col) {
  return x + row + col * ld;
}
static inline double *ag_bidiag_u(const ag_bidiag_merge *m, int64_t row, int64_t col) {
  return ag_bidiag_column(m->t->u, m->t->n, row, col);
}
static inline double *ag_bidiag_v(const ag_bidiag_merge *m, int64_t row, int64_t col) {
  return ag_bidiag_column(m->t->v, m->t->n + 1, row, col);
}

static inline void ag_bidiag_chunk(int64_t k, int task, int64_t *from, int64_t *to) {
  *from = (int64_t)task * AG_BIDIAG_CHUNK;
  *to = *from + AG_BIDIAG_CHUNK < k ? *from + AG_BIDIAG_CHUNK : k;
}
static inline int ag_bidiag_chunks(int64_t k) {
  return (int)((k + AG_BIDIAG_CHUNK - 1) / AG_BIDIAG_CHUNK);
}

/* Numbers of columns by ascending value; few of them, or nearly in order. */
void ag_bidiag_sort(int64_t n, int64_t *order, const double *value);

/* z, p and the rotation of the two null vectors; all divided by the largest. 0 if they are zero. */
int ag_bidiag_middle_make(ag_bidiag_merge *m);
/* Fills kept (first the middle, then by ascending value) and dropped. */
void ag_bidiag_middle_deflate(ag_bidiag_merge *m);
/* The middle's roots, into m->root, and vectors; and the parent's vectors by these. */
AG_CHECKED ag_status ag_bidiag_middle_solve(ag_bidiag_merge *m);
/* The parent's right and left vectors: the children's times those of the middle, in m->q. */
AG_CHECKED ag_status ag_bidiag_multiply_right(ag_bidiag_merge *m);
AG_CHECKED ag_status ag_bidiag_multiply_left(ag_bidiag_merge *m);
/* The SVD of a node from those of its children. */
AG_CHECKED ag_status ag_bidiag_merge_node(ag_bidiag_tree *t, ag_bidiag_node x);

#endif

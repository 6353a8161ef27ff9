/* Arrays: nodes of the graph. A node is pending (an operation on nodes) until it
 * is forced; then it owns a slice of a buffer and lets go of its arguments.
 * Values never change once a node exists. Layout is column-major, as in R. */
#ifndef AG_ARRAY_H
#define AG_ARRAY_H

#include "device.h"
#include "window.h"

#define AG_MAX_DIM 8

typedef struct {
  int nd; /* 1 for a vector; at most AG_MAX_DIM */
  int64_t dim[AG_MAX_DIM];
} ag_shape;

int64_t ag_shape_count(const ag_shape *s);
int ag_shape_equal(const ag_shape *a, const ag_shape *b);
ag_shape ag_shape_of(int nd, ...); /* int64_t extents */
/* "3 x 4" into `text`, which is returned. */
char *ag_shape_print(const ag_shape *s, char *text, size_t size);

/* Where an element lies in another index space.
 * By axes: dimension q of the source has index off[q] + step[q] * i[axis[q]] (axis -1: off[q]
 * alone). An axis that no dimension names is broadcast. */
typedef struct {
  int nd; /* dimensions of the source */
  int axis[AG_MAX_DIM];
  int64_t off[AG_MAX_DIM], step[AG_MAX_DIM];
} ag_axes;

/* Elements chosen in some dimensions by vectors of 1-based positions (int32; NA, or outside of the
 * dimension: none), in the others by axes. */
#define AG_MAX_PICK 3
typedef struct {
  ag_axes axes; /* axis -1, off 0 in the dimensions that are picked */
  int n, dim[AG_MAX_PICK];
} ag_picks;

/* How a product of float32 is computed where the device has tensor cores. */
typedef enum {
  AG_EXACT, /* in float32 */
  AG_TF32,  /* operands rounded to 10 bits of mantissa, sums in float32 */
  AG_BF16   /* to 7 bits */
} ag_precision;

typedef enum {
  AG_BUFFER,      /* materialised, or an input of a plan not yet bound                        */
  AG_SCALAR,      /* one constant; belongs to no device                                       */
  AG_IOTA,        /* 0, 1, 2, ... along a vector                                              */
  AG_RANDOM,      /* Philox 4x32-10 stream, element i from counter i                          */
  AG_ELEMENTWISE, /* op of up to 3 arguments of the same shape                                */
  AG_CAST,        /* another dtype, NA kept                                                   */
  AG_VIEW,        /* element i is element axes(i) of arg[0]: transpose, slice, broadcast      */
  AG_RESHAPE,     /* same elements, other shape                                               */
  AG_RECYCLE,     /* element i is element i mod n of arg[0], as R recycles                    */
  AG_REDUCE,      /* over the axes [first, last)                                              */
  AG_SCAN,        /* running SUM, PROD, MIN or MAX along the elements of axes [first, last)   */
  AG_MATMUL,      /* matrix product, or one for each index of a third dimension; operands may be
                     transposed                                                               */
  AG_CONV,        /* convolution of arg[0], images, with arg[1], a weight: see conv.h            */
  AG_CONV_WEIGHT, /* its gradient by the weight; arg[0] is that by the result, arg[1] the images */
  AG_GATHER,      /* columns of arg[0] chosen by arg[1], an int32 vector of 0-based indices   */
  AG_SCATTER,     /* zeros, to which the elements of arg[0] along a dimension are added at the
                     positions in arg[1]: the transpose of a gather or take                   */
  AG_EMBED,       /* zeros, with arg[0] put at axes: the transpose of a slice                 */
  AG_TAKE,        /* elements of arg[0] at the positions in arg[1], ...: NA where there is none */
  AG_PUT,         /* arg[0] put over an array of this shape: ag_array_overwrite()               */
  AG_SELECT,      /* the elements of arg[1] where arg[0] is TRUE or (as NA) NA, one after the
                     other; in the last element, as int32, how many these are */
  AG_POOLING,     /* ag_pooling over windows of images                                        */
  AG_CONCAT       /* all arguments side by side along one dimension; along a vector's, their
                     elements one after the other                                             */
} ag_kind;

typedef enum {
  AG_SUM,
  AG_MEAN,
  AG_PROD,
  AG_MIN,
  AG_MAX,
  AG_ANY,
  AG_ALL,
  AG_WHICH_MAX,
  AG_WHICH_MIN
} ag_reduction;
typedef enum { AG_UNIFORM, AG_NORMAL } ag_distribution;
/* Of the elements of each window; and the ways back, with g the gradient of the result, from
 * AG_POOLING_MAX_BACK on. */
typedef enum {
  AG_POOLING_MAX,         /* arg x: NaN wins                                                  */
  AG_POOLING_AVERAGE,     /* arg x                                                            */
  AG_POOLING_MAX_OF,      /* args x, the maxima, v: v where the maxima are the first of as large */
  AG_POOLING_MAX_BACK,    /* args x, the maxima, g: each to the first element that is as large */
  AG_POOLING_AVERAGE_BACK /* arg g: spread                                                     */
} ag_pooling;

typedef struct ag_array ag_array;
struct ag_array {
  int refs;
  ag_kind kind;
  ag_dtype type;
  ag_shape shape;
  ag_device *dev; /* NULL for a scalar */
  int op;         /* ELEMENTWISE: ops.h; REDUCE, SCAN: ag_reduction; RANDOM: ag_distribution;
                   POOLING: ag_pooling */
  int nargs;
  ag_array **arg; /* counted references; NULL entries where an op does not use it */
  union {
    ag_array *dead; /* while it is released: the next one to free */
    double value;   /* SCALAR */
    uint64_t key;   /* RANDOM */
    ag_axes axes;   /* VIEW, EMBED */
    ag_picks picks; /* TAKE, PUT */
    struct {
      int first, last, skip;
    } axis; /* REDUCE, SCAN: half-open range of dimensions; REDUCE: whether NA and NaN are skipped
             */
    struct {
      int ta, tb;
      ag_precision precision;
    } trans; /* MATMUL */
    struct {
      ag_window window;
      int64_t groups;
      int transposed; /* CONV: the weight is that of the way back */
    } conv;           /* CONV, CONV_WEIGHT */
    int along;        /* CONCAT: the dimension */
    struct {
      ag_window window;
      int count_pad; /* an average counts places outside of the image, as zeros */
    } pooling;
    struct {
      int along, first;
    } scatter; /* SCATTER: the dimension, and which number its first position has */
  } u;
  int param;      /* SCALAR, BUFFER, RANDOM: number in a plan, or -1 */
  ag_buffer *buf; /* BUFFER: the data (NULL for a plan's input) */
  int64_t offset; /* BUFFER: first element within buf */
  int depth;      /* longest pending path below: capped, see expr.c */
  int traced;     /* some input of a plan lies below: cannot be forced */
  int computed;   /* was part of a launch, perhaps without being stored: store it next time */
  int mark;       /* scratch of the walks in schedule.c and grad.c, -1 between them */
};

/* VIEW, RESHAPE and RECYCLE are index arithmetic: consumers look through them where they can. */
static inline int ag_is_viewlike(const ag_array *x) {
  return x->kind == AG_VIEW || x->kind == AG_RESHAPE || x->kind == AG_RECYCLE;
}
/* bfloat16 read as float32, which costs nothing: so it is done wherever it is needed. */
static inline int ag_is_widened(const ag_array *x) {
  return x->kind == AG_CAST && x->arg[0]->type == AG_B16;
}

ag_array *ag_array_retain(ag_array *x);
void ag_array_release(ag_array *x); /* NULL is fine */
int64_t ag_array_count(const ag_array *x);
/* Data from the host: `src` has type AG_F64, AG_I32 or AG_BOOL as R stores it; converted to `type`,
 * NA kept. */
AG_CHECKED ag_status ag_array_write(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape,
                                    const void *src, ag_dtype src_type);
/* Forces and copies to the host, as AG_F64, AG_I32 or AG_BOOL; NA kept. */
AG_CHECKED ag_status ag_array_read(ag_array *x, void *dst, ag_dtype dst_type);
/* The same for `n` elements from element `first` on. */
AG_CHECKED ag_status ag_array_read_range(ag_array *x, void *dst, ag_dtype dst_type, int64_t first,
                                         int64_t n);
/* A materialised node over an existing buffer (retained). */
AG_CHECKED ag_status ag_array_from_buffer(ag_array **out, ag_buffer *b, int64_t offset,
                                          ag_dtype type, ag_shape shape);
AG_CHECKED ag_status ag_array_zeros(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape);
/* Runs `put`, an AG_PUT of the shape of the materialised `x`, over x's memory. */
AG_CHECKED ag_status ag_array_overwrite(ag_array *x, ag_array *put);
/* Runs what is pending below the n arrays; they become AG_BUFFER nodes. */
AG_CHECKED ag_status ag_array_force(int n, ag_array *const *x);
int64_t ag_array_live(void); /* nodes alive: a leak check */

#endif

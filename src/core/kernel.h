/* Kernels: the device-independent description of one launch. The scheduler
 * makes them, a device builds and runs them: `host` interprets the program in
 * blocks, `opencl` writes source text from it. */
#ifndef AG_KERNEL_H
#define AG_KERNEL_H

#include "array.h"
#include "ops.h"
#include "strbuf.h"

#define AG_MAX_IN    24
#define AG_MAX_OUT   8
#define AG_MAX_INSTR 200

/* Where operand element of iteration (i_0, i_1, ...) lies, in elements from the slot's start:
 *   l = base + sum_k i_k * stride[k];   if (mod) l = l mod `mod`;   index = off + step * l */
typedef struct {
  int64_t base, stride[AG_MAX_DIM];
  int64_t mod, off, step; /* mod 0: index = l (off and step unused) */
} ag_access;

typedef struct {
  int slot; /* -1: the access itself is the value (iota, random counter) */
  ag_dtype type;
  ag_access at;
  int contiguous; /* index = base + linear iteration number */
} ag_operand;

/* Where a TAKE reads, or the first output is stored, beside its access: register reg[i] is a
 * position (1-based) in a dimension of `extent` elements that are `weight` apart. A position that
 * is outside is none: NA is read, nothing is stored. */
typedef struct {
  int n, reg[AG_MAX_PICK];
  int64_t weight[AG_MAX_PICK], extent[AG_MAX_PICK];
} ag_pick;

typedef enum {
  AG_I_LOAD,   /* operand `index` */
  AG_I_TAKE,   /* operand `index`, moved by the program's pick */
  AG_I_CONST,  /* konst[index] */
  AG_I_IOTA,   /* the access of operand `index`, as a real */
  AG_I_RANDOM, /* op: ag_distribution; key[index] with the access of operand `index` as counter */
  AG_I_OP,     /* op of arg[0..2] (register numbers; -1 where not used) */
  AG_I_CAST,   /* arg[0] of type `from` to `type`; NA stays NA */
  AG_I_ACC     /* the accumulator of a matmul or conv kernel at this element */
} ag_instr_kind;

typedef struct {
  ag_instr_kind kind;
  ag_dtype type; /* of the result; register r is the result of instruction r */
  ag_dtype from; /* CAST: source type. OP: type of the arguments (differs for COMPARE) */
  int op;
  int arg[3];
  int index;
} ag_instr;

typedef struct {
  int nd; /* iteration space, column-major; at least 1 */
  int64_t dim[AG_MAX_DIM];
  int64_t count;
  int ninstr, nin, nout, nkonst;
  ag_instr instr[AG_MAX_INSTR];
  ag_operand in[AG_MAX_IN];
  struct {
    uint64_t value;
    int param;      /* number in a plan, or -1 */
  } key[AG_MAX_IN]; /* RANDOM: by operand */
  struct {
    double value;
    int param;
  } konst[AG_MAX_IN];
  ag_operand
      out[AG_MAX_OUT];    /* different elements; may be an input's slot if both are contiguous */
  int outreg[AG_MAX_OUT]; /* register stored there */
  ag_pick pick, put;      /* of the only TAKE; of output 0 (n 0: none) */
} ag_program;

typedef enum {
  AG_K_MAP,
  AG_K_REDUCE,
  AG_K_SCAN,
  AG_K_MATMUL,
  AG_K_CONV,
  AG_K_GATHER,
  AG_K_SCATTER,
  AG_K_SELECT,
  AG_K_SORT,
  AG_K_BATCHED,
  AG_K_BLOCK,
  AG_K_POOLING
} ag_kernel_kind;

/* What a SORT kernel does, and its slots in this order (see sort.h). */
typedef enum {
  AG_SORT_ORDER,   /* keys, out (int32), a, b, from (int32): ranks of the keys at `from`       */
  AG_SORT_VALUES,  /* keys, out (their type), a, b                                           */
  AG_SORT_RANK,    /* keys, order (int32), out (int32, AVERAGE: float64 or float32)          */
  AG_SORT_TAKE,    /* keys, order (int32), out (their type): the keys in that order          */
  AG_SORT_SEARCH,  /* keys, table (their type, increasing), out (int32), MATCH: int32        */
  AG_SORT_TABULATE /* keys (int32), out (int32, zeros)                                       */
} ag_sort_step;
enum { AG_SORT_SLOTS = 5 };

/* What RANK writes for the element at place i (from 0) of its run [lo, hi) of equal keys. */
typedef enum {
  AG_RANK_FIRST,     /* i + 1                                             */
  AG_RANK_LAST,      /* lo + hi - i                                       */
  AG_RANK_MIN,       /* lo + 1                                            */
  AG_RANK_MAX,       /* hi                                                */
  AG_RANK_AVERAGE,   /* (lo + 1 + hi) / 2                                 */
  AG_RANK_REPEATS,   /* whether an equal one stands before: i > lo        */
  AG_RANK_REPEATED,  /* whether an equal one comes later: i < hi - 1      */
  AG_RANK_OCCURRENCE /* order[lo]: where the first equal one stands, from 1 */
} ag_rank;

/* What RANK writes for NA and NaN (unless `apart`). */
typedef enum {
  AG_MISSING_EQUAL, /* as for other keys: they are equal */
  AG_MISSING_FIRST, /* i + 1                             */
  AG_MISSING_NA     /* NA                                */
} ag_missing;

/* What becomes of SEARCH's counts c of m. */
typedef enum {
  AG_COUNT_PLAIN,  /* c                                                                    */
  AG_COUNT_INSIDE, /* at least 1 and at most m - 1                                         */
  AG_COUNT_BIN,    /* NA where it is not inside                                            */
  AG_COUNT_MATCH   /* slot 3[c] if element c of the table equals the key, else `otherwise` */
} ag_counted;

/* In which order keys come. -0 equals 0; NA and NaN are equal unless `apart`. */
typedef struct {
  int decreasing, na_first; /* NA and NaN come last or first either way */
  int apart;                /* NaN comes between the numbers and NA */
} ag_sort_by;

/* The slots of a BATCHED kernel. */
enum {
  AG_BATCHED_A, /* n x n x batch                                                    */
  AG_BATCHED_B, /* SOLVE: n x k x batch; not read where it is the unit matrix       */
  AG_BATCHED_X, /* SOLVE: as B; CHOL: as A; DET: batch; EIGEN: the values, n x batch */
  AG_BATCHED_Y, /* SOLVE, CHOL: int32, batch: 0, or where it failed (see batched.cl);
                 * EIGEN: the vectors, as A, if wanted                              */
  AG_BATCHED_SLOTS
};

/* What a product does to C. */
typedef enum {
  AG_INTO_SET, /* C = A B  */
  AG_INTO_ADD, /* C += A B */
  AG_INTO_SUB  /* C -= A B */
} ag_into;

enum { AG_BLOCK_DEPTH = 512 };

/* What a BLOCK kernel does, and its slots in this order (see block.h). */
typedef enum {
  AG_BLOCK_TRSM,    /* triangle, right-hand sides; rows and cols of these                      */
  AG_BLOCK_PERMUTE, /* matrix, rows (int32: `count` to write, then as many to read from)       */
  AG_BLOCK_TRIANGLE /* in, out; rows and cols of both                                          */
} ag_block_step;
/* Largest triangle of a TRSM kernel of OpenCL. */
enum { AG_BLOCK_TRI = 32 };

typedef struct ag_kernel {
  ag_kernel_kind kind;
  ag_program
      prog; /* MAP: all of it. REDUCE, SCAN: computes what is reduced (register `reg`, no outputs).
             * MATMUL: the epilogue, over the m x n result; out[0] has the product's type, is
             * contiguous, and may hold the raw product while the kernel runs; unused where the
             * product goes to a block. CONV: the epilogue, over the result, as MATMUL's; of a
             * weight's gradient the store alone. GATHER, SCATTER: unused.
             * SELECT: computes the registers `mask` and `value` */
  struct {  /* REDUCE, SCAN: prog's dimensions fall into three groups of npre, nred and the other
               dimensions */
    ag_reduction op;
    int skip; /* REDUCE: NA and NaN count as absent */
    int reg, npre, nred;
    int64_t pre, red,
        post; /* result element (p, q) = reduction over r of element (p, r, q); red may be 0 */
    ag_operand out; /* contiguous, pre x post. SUM, MEAN, PROD, MIN, MAX: the type of reals; of
                     * integers any (NA where an AG_I32 does not hold the sum); ANY, ALL: AG_BOOL
                     * of AG_BOOL; WHICH_*: AG_I32, 0-based, first of equals, NA skipped, -1 if
                     * none. SCAN: contiguous, pre x red x post; element (p, r, q) is the SUM, PROD,
                     * MIN or MAX of elements (p, 0 .. r, q), NA from the first NA on */
  } reduce;
  struct { /* MATMUL: C[i, j] = sum_l A(i, l) B(l, j); element strides of the rows and columns of A,
              B */
    ag_dtype type;
    int64_t m, n, k;
    int slot_a, slot_b;
    int64_t base_a, rs_a, cs_a, base_b, rs_b, cs_b;
    ag_precision precision;        /* of products of AG_F32 */
    int64_t batch, next_a, next_b; /* as many products (0 is 1), side by side in C: the operands of
                                    * the next one lie so many elements further on */
    int block; /* C is a block of slot_c with leading dimension ldc, and there is no epilogue; on a
                * CPU device of OpenCL, k is at most AG_BLOCK_DEPTH if n is at least 4 */
    int slot_c;
    int64_t base_c, ldc;
    ag_into into;
  } mm;
  struct { /* CONV: see conv.h; images are contiguous, channels first, samples last. The result goes
              to prog.out[0] */
    ag_dtype type;
    ag_window window;
    int64_t in, out; /* channels of x and of the result */
    int64_t groups, samples;
    int slot_x;
    int64_t base_x;
    int of_weight; /* the gradient by the weight: */
    int slot_y;    /* that by the result, as the result's shape, contiguous */
    int64_t base_y;
    int slot_w; /* else the weight, at base_w; element strides of the output channel within a group,
                 * the group, the input channel within the group, the place in the window */
    int64_t base_w, w_out, w_group, w_in, w_k[2];
  } conv;
  struct { /* GATHER: out[, j] = in[, index[j]]; a bad index gives NA */
    ag_dtype type;
    int64_t rows, cols, in_cols;
    int slot_in, slot_index, slot_out;
    int64_t base_in, base_index;
  } gather;
  struct { /* SCATTER: out[p, j, q] = sum over i with index[i] = first + j of in[p, i, q], in the
              order of i, for p < pre, i < n, j < cols, q < post */
    ag_dtype type;
    int64_t pre, n, post, cols, first;
    int slot_in, slot_index, slot_out;
    int64_t base_in, base_index;
  } scatter;
  struct { /* SELECT: `value` where `mask` is not 0, NA where it is NA, in order; the number of
              them goes, as int32, to the element behind the place of the last that there may be */
    int mask, value, slot_out;
    ag_dtype type;
  } select;
  struct { /* SORT */
    ag_sort_step step;
    ag_dtype type; /* of the keys */
    int64_t n, m;  /* keys; SEARCH: elements of the table; TABULATE: counts */
    ag_sort_by by;
    int from; /* ORDER: slot 4 is there: the order so far, from 1 */
    ag_rank rank;
    ag_missing missing; /* RANK */
    int64_t segment;    /* RANK: keys i and j are equal only if i / segment == j / segment.
                         * ORDER: not 0: the key is i / segment, and slot 0 is not read */
    int64_t limit;      /* RANK, OCCURRENCE: what is larger becomes `otherwise` */
    int32_t otherwise;  /* SEARCH too */
    ag_dtype out;       /* RANK: type of the result */
    int left;           /* SEARCH: elements below the key are counted, else those up to it */
    int closed; /* SEARCH: keys equal to the table's last element (left: first) count to the bin
                 * beside it */
    ag_counted counted;
  } sort;
  struct { /* BATCHED: of each of many small matrices, see batched.cl */
    ag_batched_step step;
    ag_dtype type; /* of reals */
    int64_t n, k, batch;
    int identity; /* SOLVE: B is the unit matrix, k = n */
    int vectors;  /* EIGEN */
  } batched;
  struct { /* BLOCK */
    ag_block_step step;
    ag_dtype type;
    int64_t rows, cols, lda, ldb, count; /* lda, ldb: of slots 0 and 1 */
    int right, upper, trans, unit;       /* TRSM; TRIANGLE: upper, unit */
  } block;
  struct { /* POOLING: see ag_pooling; images are contiguous */
    ag_pooling op;
    ag_dtype type;
    ag_window window; /* from the images to the pooled ones, also on the way back */
    int64_t channels, samples;
    int count_pad;
    int nin, slot_in[3], slot_out; /* in the order of ag_pooling's arguments */
    int64_t base_in[3];
  } pooling;
  int nslots; /* slots are numbered 0 .. nslots-1 within a schedule */
  void *code; /* the device's compiled form */
} ag_kernel;

/* One line for gpu_explain() and the log: "map 1000 x 1000: 1 / (1 + exp(-(in0 ...". */
void ag_kernel_describe(const ag_kernel *k, ag_strbuf *out);

#endif

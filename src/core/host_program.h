/* The host's compiled form of a program: a list of vectorised loops over blocks
 * of elements that stay in the first cache. */
#ifndef AG_HOST_PROGRAM_H
#define AG_HOST_PROGRAM_H

#include "host_isa.h"
#include "kernel.h"

#define AG_HOST_BLOCK 1024 /* elements; 512 where a program has 8-byte ones */

typedef struct {
  ag_loop loop; /* OP, CAST; NULL otherwise */
  int scratch;  /* block of the scratch memory that the result goes to, or -1: a pointer into a slot
                 */
  int out;      /* output whose memory takes the result directly, or -1 */
  int size;     /* bytes per element of the result */
} ag_host_step;

typedef struct {
  const ag_isa *isa;
  const ag_kernel *k;
  int block;               /* elements per block */
  int nscratch;            /* blocks of scratch memory, constants included */
  int konst[AG_MAX_INSTR]; /* CONST instructions: their registers */
  int nkonst;
  ag_host_step step[AG_MAX_INSTR];
  unsigned char direct[AG_MAX_OUT]; /* output is written by its instruction */
  int streams;                      /* outputs are too large for the caches: written past them */
} ag_host_program;

/* Whether an epilogue stores what it is given, and nothing else. */
static inline int ag_host_program_is_plain(const ag_program *p) {
  return p->nout == 1 && p->instr[p->outreg[0]].kind == AG_I_ACC;
}

void ag_host_program_make(ag_host_program *hp, const ag_kernel *k);
/* Bytes of scratch memory that an evaluation needs; 64-byte aligned. */
size_t ag_host_program_scratch(const ag_host_program *hp);
/* Fills the constants' blocks for evaluations of up to n elements: once per worker and launch. */
void ag_host_program_begin(const ag_host_program *hp, char *scratch, int64_t n);
/* Evaluates iterations [start, start + n), n <= block, and writes the outputs. Returns the value of
 * register `want` (-1: NULL) as a pointer that is valid until the next call. */
const void *ag_host_program_eval(const ag_host_program *hp, const ag_binding *slot, char *scratch,
                                 int64_t start, int64_t n, int want);
/* The same for two registers. */
void ag_host_program_pair(const ag_host_program *hp, const ag_binding *slot, char *scratch,
                          int64_t start, int64_t n, const int want[2], const void *value[2]);
/* The bits of NA, in the lower half for types of 4 bytes. */
uint64_t ag_host_na_bits(ag_dtype type);
/* The most elements of register `want` that one evaluation gives: any number where they only lie in
 * a slot, else a block. */
int64_t ag_host_program_reach(const ag_host_program *hp, int want);
/* The same as eval for any n, in blocks; no register is wanted. */
void ag_host_program_run(const ag_host_program *hp, const ag_binding *slot, char *scratch,
                         int64_t start, int64_t n);

#endif

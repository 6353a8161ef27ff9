/* Between R and the core: owning, converting, checking.
 *
 * An entry (a .c file beside this one, a row in entries.h) has four steps:
 *   1 convert  arguments to C; may raise an R error, so nothing is owned yet
 *   2 own      an empty owner, an external pointer with a finalizer
 *   3 fill     core calls only: they return a status and never jump
 *   4 check    the status becomes an R condition; the result becomes an R object */
#ifndef AG_GLUE_H
#define AG_GLUE_H

#define R_NO_REMAP
#define STRICT_R_HEADERS
#include <R.h>
#include <Rinternals.h>
#include "core/core.h"

/* -- 1 convert --------------------------------------------------------------------------------- */
/* The array behind x, borrowed: x keeps it alive. Its shape is that of x's dim. NULL if x is not
 * one of ours. Uploads if the host copy is the truth. Sees through R's wrappers. */
ag_array *r_array(SEXP x_);
/* Whether r_array(x_) would not be NULL; touches nothing. */
int r_is_array(SEXP x_);
/* An ordinary vector with one of our classes becomes an array; else x itself. Protect it. */
SEXP r_adopt(SEXP x_);
/* Whether the class attribute is one of ours. */
int r_has_class(SEXP x_);
/* The array's type and device without making it: also right while the host copy is the truth. */
ag_dtype r_array_type(SEXP x_);
/* The device named by an R string, or the default one for NULL. Opened. */
ag_device *r_device(SEXP id_);
/* "float64", "float32", "int32", "logical"; for NULL what fits R's type `like` on the device. */
ag_dtype r_dtype(SEXP type_, SEXPTYPE like, const ag_device *d);
/* How R stores it: REALSXP, INTSXP or LGLSXP. */
SEXPTYPE r_sexptype(ag_dtype type);
/* The core type of an R vector's own data; -1 if the core cannot hold it. */
int r_storage(SEXP x_);
/* The shape of x's dim attribute, or its length. */
ag_shape r_shape(SEXP x_);
ag_shape r_shape_of_dim(SEXP dim_);

/* -- 2 own ------------------------------------------------------------------------------------- */
/* An empty owner; protect it. What the core stores in *r_array_out(own_) is released with it. */
SEXP r_array_new(void);
ag_array **r_array_out(SEXP own_);

/* -- 4 check ----------------------------------------------------------------------------------- */
/* Raises the condition anygpu_error_<name> when status is not AG_OK. */
void r_check(ag_status status);
/* The same for a message of ours. */
void r_stop(ag_status status, const char *format, ...) AG_PRINTF(2, 3);
/* The owner's array as a vector without attributes. */
SEXP r_array_value(SEXP own_);
/* A single number, unclassed: R code takes it as any other, and its value is read back when it is
 * looked at. While tracing it has no value, and the class, so that operators on it are traced as
 * well. */
SEXP r_array_number(SEXP own_);
/* As a gpuVector, gpuMatrix or gpuArray with the array's dim. */
SEXP r_array_object(SEXP own_);
/* Gives x the class that its dim asks for. */
void r_set_class(SEXP x_);

/* An R vector (plain or ours) as an owned reference of real type on the device `d`; for matrices
 * that a caller passes beside arrays of ours. Plain data are taken from `data`, found in step 1. */
typedef struct {
  ag_array *array;  /* ours, borrowed; else NULL */
  const void *data; /* plain */
  ag_dtype type;
  int64_t n;
  int nd; /* of R's dim attribute: 0 for a vector */
  ag_shape shape;
} r_operand;
/* 0 if x is nothing that the device computes with (a factor, a string, NULL, ...). */
int r_operand_get(r_operand *o, SEXP x_);
/* One reference. `type` is the type for data that are not ours, or not real; AG_BOOL leaves every
 * array as it is. */
AG_CHECKED ag_status r_operand_array(ag_array **out, const r_operand *o, ag_device *d,
                                     ag_dtype type);

/* Whether x, which is computed, has NA where none of the n arrays it was made from has; 0 while
 * tracing, when there are no values. */
AG_CHECKED ag_status r_new_missing(int *yes, ag_array *x, int n, ag_array *const *from);
/* Gives ans the dim and dimnames, or the names, of x. */
void r_copy_names(SEXP ans_, SEXP x_);
/* Names dimension i of ans, for i < nd <= AG_MAX_DIM, as dimension at[i] is named in the dimnames
 * dimnames_[i]: NULL, or a list (that is too short: no names). */
void r_name_dims(SEXP ans_, int nd, const SEXP *dimnames_, const int *at);

/* Calls a function of this package's namespace, with the given arguments. */
SEXP r_call(const char *name, int nargs, SEXP a_, SEXP b_, SEXP c_);
extern SEXP r_namespace;

/* -- tune.c ------------------------------------------------------------------------------------ */
/* What the option anygpu.matmul says of products of this type on this device; may raise. Says once
 * that a device has no tensor cores. */
ag_precision r_precision(const ag_device *d, ag_dtype type);
/* The file for what tuning found, NULL if there may be none: asks R. */
const char *r_tuning_file(void);

/* -- altrep.c: the vector classes -------------------------------------------------------------- */
void r_altrep_init(DllInfo *dll);
SEXP r_altrep_new(SEXP own_, ag_dtype type);
/* x, or what R's wrapper around it holds, if it is of our classes; else NULL. */
SEXP r_altrep_unwrap(SEXP x_);
/* Copies the values of an unwrapped vector, without keeping a host copy. May raise. */
void r_altrep_read(SEXP v_, void *dst);

/* What an owner's external pointer holds. */
typedef struct r_reshaped r_reshaped;
typedef struct {
  ag_array *array;      /* NULL while the host copy (data2 of the vector) is the truth */
  ag_dtype type;        /* for the next upload */
  ag_device *dev;       /* NULL: the default one */
  r_reshaped *reshaped; /* the array in other shapes, for vectors that share it */
  int regions;          /* pieces that were read so far */
} r_handle;
struct r_reshaped {
  ag_array *array;
  r_reshaped *next;
};
r_handle *r_handle_of(SEXP own_);
/* Drops the array in other shapes that the handle kept. */
void r_handle_forget_shapes(r_handle *h);
/* Releases the device side: the host copy is the truth from here on. */
void r_handle_drop(r_handle *h);
/* Fills the device side from the host copy if need be. */
AG_CHECKED ag_status r_handle_upload(r_handle *h, ag_device *fallback, const void *host,
                                     ag_dtype storage, int64_t n);

#endif

/* Files of samples: a reader is an external pointer, see nn/reader.h. */
#include "glue.h"
#include "nn/reader.h"
#include <string.h>

static void reader_finalize(SEXP own_) {
  ag_reader_free(R_ExternalPtrAddr(own_));
  R_ClearExternalPtr(own_);
}

static ag_reader *r_reader(SEXP x_) {
  void *r = TYPEOF(x_) == EXTPTRSXP ? R_ExternalPtrAddr(x_) : NULL;
  if (!r) r_stop(AG_E_ARGUMENT, "this file is closed: it does not survive the session");
  return r;
}

/* A field goes to the default device, as an array of `type_`, or becomes an ordinary array. */
static ag_dtype field_type(SEXP on_device_, int f, SEXP type_) {
  if (f >= Rf_length(on_device_) || !LOGICAL(on_device_)[f]) return AG_F64;
  return r_dtype(type_, REALSXP, r_device(R_NilValue));
}

/* `layout_`: offset of the first record, records, records in a chunk. Of each field: `types_`, from
 * 0, and `counts_`, values per sample. */
SEXP ffi_reader_new(SEXP path_, SEXP layout_, SEXP types_, SEXP counts_, SEXP on_device_,
                    SEXP type_) {
  const double *layout = REAL_RO(layout_), *count = REAL_RO(counts_);
  const int *type = INTEGER_RO(types_), n = Rf_length(types_);
  ag_reader_spec spec = {.path = R_ExpandFileName(Rf_translateChar(STRING_ELT(path_, 0))),
                         .offset = (int64_t)layout[0],
                         .n = (int64_t)layout[1],
                         .capacity = (int64_t)layout[2],
                         .nfield = n};
  if (n > AG_MAX_FIELD) r_stop(AG_E_ARGUMENT, "a file of samples has 1 to %d fields", AG_MAX_FIELD);
  for (int f = 0; f < n; f++)
    spec.field[f] =
        (ag_file_field){(ag_file_type)type[f], (int64_t)count[f], field_type(on_device_, f, type_)};
  SEXP own_ = PROTECT(R_MakeExternalPtr(NULL, Rf_install("anygpu_reader"), R_NilValue));
  R_RegisterCFinalizerEx(own_, reader_finalize, FALSE);
  ag_reader *r = NULL;
  r_check(ag_reader_new(&r, &spec));
  R_SetExternalPtrAddr(own_, r);
  UNPROTECT(1);
  return own_;
}

SEXP ffi_reader_free(SEXP reader_) {
  reader_finalize(reader_);
  return R_NilValue;
}

/* `first_`: the samples, from 0, that chunks begin with. */
SEXP ffi_reader_start(SEXP reader_, SEXP first_) {
  ag_reader *r = r_reader(reader_);
  r_check(ag_reader_start(r, Rf_xlength(first_), REAL_RO(first_)));
  return R_NilValue;
}

static ag_status array_of(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape,
                          const void *data) {
  size_t bytes = (size_t)ag_shape_count(&shape) * ag_dtype_size(type);
  ag_buffer *buf;
  AG_TRY(ag_buffer_new(&buf, d, bytes));
  ag_status status = ag_buffer_write(buf, 0, data, bytes);
  if (status == AG_OK) status = ag_array_from_buffer(out, buf, 0, type, shape);
  ag_buffer_release(buf);
  return status;
}

static SEXP plain_of(const int64_t *dim, int nd, int64_t n, const double *data) {
  SEXP dim_ = PROTECT(Rf_allocVector(INTSXP, nd + 1));
  R_xlen_t count = (R_xlen_t)n;
  for (int i = 0; i < nd; i++) count *= (R_xlen_t)(INTEGER(dim_)[i] = (int)dim[i]);
  INTEGER(dim_)[nd] = (int)n;
  SEXP x_ = PROTECT(Rf_allocVector(REALSXP, count));
  memcpy(REAL(x_), data, (size_t)count * sizeof *data);
  Rf_setAttrib(x_, R_DimSymbol, dim_);
  UNPROTECT(2);
  return x_;
}

/* The next chunk, or NULL: a list of arrays with samples last. `dims_`: of each field the
 * dimensions of a sample; the rest as for ffi_reader_new(). */
SEXP ffi_reader_next(SEXP reader_, SEXP dims_, SEXP on_device_, SEXP type_) {
  ag_reader *r = r_reader(reader_);
  ag_device *dev = r_device(R_NilValue);
  int nfield = Rf_length(dims_);
  const void *data[AG_MAX_FIELD] = {NULL};
  ag_shape shape[AG_MAX_FIELD];
  for (int f = 0; f < nfield && f < AG_MAX_FIELD; f++)
    shape[f] = r_shape_of_dim(VECTOR_ELT(dims_, f));
  SEXP ans_ = PROTECT(Rf_allocVector(VECSXP, nfield));
  for (int f = 0; f < nfield; f++) SET_VECTOR_ELT(ans_, f, r_array_new());
  int64_t n;
  r_check(ag_reader_next(r, &n, data));
  for (int f = 0; f < nfield && n; f++) {
    SEXP own_ = VECTOR_ELT(ans_, f);
    if (!data[f] || shape[f].nd == AG_MAX_DIM)
      r_stop(AG_E_ARGUMENT, "the file has no such field %d", f + 1);
    if (!LOGICAL(on_device_)[f]) {
      SET_VECTOR_ELT(ans_, f, plain_of(shape[f].dim, shape[f].nd, n, data[f]));
      continue;
    }
    shape[f].dim[shape[f].nd++] = n;
    ag_dtype type = field_type(on_device_, f, type_);
    r_check(array_of(r_array_out(own_), dev, type, shape[f], data[f]));
    SET_VECTOR_ELT(ans_, f, r_array_object(own_));
  }
  UNPROTECT(1);
  return n ? ans_ : R_NilValue;
}

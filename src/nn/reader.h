/* Reading a file of samples while the device computes.
 *
 * After its header a file holds one record per sample: the values of its fields one after the
 * other, without gaps, little endian. A chunk is a run of consecutive samples. One thread reads and
 * converts the next chunk while the caller works with the last one; without a thread (one was
 * refused, or the process was forked) the caller reads by itself, with the same result. */
#ifndef AG_READER_H
#define AG_READER_H

#include "../core/core.h"

enum { AG_MAX_FIELD = 16 };

typedef enum { AG_FILE_U8, AG_FILE_I32, AG_FILE_F32, AG_FILE_F64 } ag_file_type;
int ag_file_size(ag_file_type type); /* bytes; 0 for no such type */

typedef struct {
  ag_file_type type;
  int64_t count; /* values per sample */
  ag_dtype to;   /* what they are converted to: AG_F32 or AG_F64 */
} ag_file_field;

typedef struct {
  const char *path;
  int64_t offset, n; /* of the first record; how many there are */
  int nfield;
  ag_file_field field[AG_MAX_FIELD];
  int64_t capacity; /* samples in a chunk, at most */
} ag_reader_spec;

typedef struct ag_reader ag_reader;

/* Copies the spec. */
AG_CHECKED ag_status ag_reader_new(ag_reader **out, const ag_reader_spec *spec);
void ag_reader_free(ag_reader *r); /* NULL is fine; waits for what is being read */
/* The chunks to read from now on: chunk i holds the samples from first[i] (from 0), `capacity` of
 * them or those up to the end. Reading begins at once. */
AG_CHECKED ag_status ag_reader_start(ag_reader *r, int64_t nchunk, const double *first);
/* The next of these. *n: its samples, 0 after the last chunk; data[f]: the values of field f, those
 * of a sample one after the other, valid until the next call. A failed chunk fails again. */
AG_CHECKED ag_status ag_reader_next(ag_reader *r, int64_t *n, const void **data);

#endif

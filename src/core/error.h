/* Status codes and the message that goes with them.
 *
 * A core function that can fail returns an ag_status and has recorded a
 * message with ag_fail() where it failed. It never jumps, prints or exits. */
#ifndef AG_ERROR_H
#define AG_ERROR_H

/* one row per status: code, name of the R condition class (anygpu_error_<name>) */
#define AG_STATUS_TABLE(X)                                                                         \
  X(AG_OK, "ok")                                                                                   \
  X(AG_E_MEMORY, "memory")                                                                         \
  X(AG_E_SHAPE, "shape")                                                                           \
  X(AG_E_TYPE, "type")                                                                             \
  X(AG_E_DEVICE, "device")                                                                         \
  X(AG_E_BUILD, "build")                                                                           \
  X(AG_E_ARGUMENT, "argument")                                                                     \
  X(AG_E_INTERRUPT, "interrupt")

typedef enum {
#define X(code, name) code,
  AG_STATUS_TABLE(X)
#undef X
} ag_status;

#if defined(__GNUC__)
#define AG_CHECKED      __attribute__((warn_unused_result))
#define AG_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define AG_CHECKED
#define AG_PRINTF(f, a)
#endif

/* Records the message (printf style) and returns `status`. */
ag_status ag_fail(ag_status status, const char *format, ...) AG_PRINTF(2, 3);
/* As ag_fail() for a text of any length; takes ownership of `text` (malloc). */
ag_status ag_fail_text(ag_status status, char *text);
/* The message of the last failure; valid until the next one. */
const char *ag_error_message(void);
const char *ag_status_name(ag_status status);

#define AG_TRY(call)                                                                               \
  do {                                                                                             \
    ag_status ag_status_ = (call);                                                                 \
    if (ag_status_ != AG_OK) return ag_status_;                                                    \
  } while (0)

/* Hands a line to ag_hook_log when ANYGPU_DEBUG >= level (1 devices, 2 launches, 3 schedules, 4
 * kernel text). */
void ag_log(int level, const char *format, ...) AG_PRINTF(2, 3);
int ag_log_level(void);
/* Where log lines go, set by the binding (to R's stderr); NULL drops them. */
extern void (*ag_hook_log)(const char *line);

#endif

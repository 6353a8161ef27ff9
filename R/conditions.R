# Conditions: what the C code calls to raise them.

# The call that the user wrote: the outermost of the package's frames at the end of the stack.
# Frames of
# base R (of tryCatch(), lapply(), ...) may stand between them.
user_call <- function() {
  call <- NULL
  for (i in rev(seq_len(sys.nframe() - 2))) {
    f <- sys.function(i)
    home <- if (is.primitive(f)) baseenv() else topenv(environment(f))
    if (identical(home, topenv())) {
      call <- sys.call(i)
    } else if (!identical(home, baseenv()) && !identical(home, .BaseNamespaceEnv)) {
      break
    }
  }
  call
}

stop_status <- function(name, message) {
  call <- user_call()
  class <- c(paste0("anygpu_error_", name), "anygpu_error", "error", "condition")
  stop(structure(class = class, list(message = message, call = call)))
}

# Evaluates what is base R's to do; an error becomes one of ours, and errors and warnings show the
# user's call.
base_try <- function(code, name = "argument") {
  withCallingHandlers(
    tryCatch(code, error = function(e) {
      if (inherits(e, "anygpu_error")) stop(e)
      stop_status(name, conditionMessage(e))
    }),
    warning = function(w) {
      if (identical(class(w)[1], "simpleWarning")) w$call <- user_call()
      warning(w)
      invokeRestart("muffleWarning")
    }
  )
}

# One of base R's warnings, from the user's call.
warn <- function(text) warning(simpleWarning(gettext(text, domain = "R"), user_call()))
warn_recycling <- function() {
  warn("longer object length is not a multiple of shorter object length")
}
warn_overflow <- function() warn("NAs produced by integer overflow")
warn_range <- function() warn("NAs introduced by coercion to integer range")
warn_fraction <- function() warn("an argument will be fractionally recycled")

# Once in a session: the device has no float64.
note_float32 <- function(id) {
  if (is.null(counts$float32_noted)) {
    counts$float32_noted <- TRUE
    message(
      "The device ", id, " has no float64: arrays are float32. ",
      "options(anygpu.type = \"float32\") says so without this message."
    )
  }
}

# -- what gpu_stats() shows beside the core's counters ----------------------------------------

counts <- new.env(parent = emptyenv())
counts$downloads <- list()
counts$fallbacks <- list()
counts$told <- list()

count_up <- function(table, name, by = 1) {
  was <- counts[[table]][[name]]
  counts[[table]][[name]] <- if (is.null(was)) by else was + by
}

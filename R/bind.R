# c(), cbind() and rbind(): one launch for each argument. Base R finds our methods of cbind() and
# rbind() wherever an array of ours stands among the arguments, c() only when it is the first.

#' @exportS3Method
c.gpu <- function(..., recursive = FALSE, use.names = TRUE) {
  args <- list(...)
  if (all(vapply(args, function(x) is.null(x) || storable(x), NA))) {
    parts <- args[!vapply(args, is.null, NA)]
    result <- .Call(C_concat, parts, if (use.names) joined_names(args))
    if (!is.null(result)) return(result)
  }
  in_r("c", c(args, list(recursive = recursive, use.names = use.names)), args[[1]])
}

# Base R's names, from stand-ins of the same lengths and names.
joined_names <- function(args) {
  if (is.null(names(args)) && all(vapply(args, function(x) is.null(names(x)), NA))) return(NULL)
  names(do.call(c, lapply(args, function(x) structure(logical(length(x)), names = names(x)))))
}

#' @exportS3Method
cbind.gpu <- function(..., deparse.level = 1) {
  if (missing(deparse.level)) deparse.level <- level_of(parent.frame())
  bind("cbind", list(...), names_of_arguments(substitute(list(...)), deparse.level))
}

#' @exportS3Method
rbind.gpu <- function(..., deparse.level = 1) {
  if (missing(deparse.level)) deparse.level <- level_of(parent.frame())
  bind("rbind", list(...), names_of_arguments(substitute(list(...)), deparse.level))
}

# Base R does not pass deparse.level on to methods; it stands in the frame of its cbind().
level_of <- function(frame) {
  level <- get0("deparse.level", frame, inherits = FALSE)
  if (is.null(level)) 1 else level
}

# What a vector among the arguments is called: its tag, or else its text as deparse.level says; NA
# for none.
names_of_arguments <- function(call, level) {
  exprs <- as.list(call)[-1L]
  name <- vapply(unname(exprs), function(e) {
    if (level == 1 && is.symbol(e)) return(as.character(e))
    if (level != 2) return(NA_character_)
    text <- paste(deparse(e, 500L, control = NULL), collapse = " ")
    if (nchar(text) > 13L) paste0(substr(text, 1L, 10L), "...") else text
  }, "")
  tags <- names(exprs)
  if (!is.null(tags)) name[nzchar(tags)] <- tags[nzchar(tags)]
  name
}

# Below, "along" is the dimension that grows: 1 rows, 2 columns; "across" is the other one.
bind <- function(name, args, labels) {
  args <- unname(args)
  like <- Find(is_gpu, args)
  along <- if (name == "cbind") 2L else 1L
  if (!all(vapply(args, function(x) is.null(x) || storable(x), NA))) {
    return(bind_in_r(name, args, labels, like))
  }
  is_matrix <- vapply(args, is.matrix, NA)
  size <- mapply(function(x, m) if (m) dim(x)[3L - along] else length(x), args, is_matrix)
  extent <- across_extent(name, size, is_matrix)
  kept <- is_matrix | size >= any(size > 0L)
  names <- bound_names(args, labels, is_matrix, kept, extent, along)
  for (i in which(kept & vapply(args, is.null, NA))) args[[i]] <- logical()
  # what is ignored still counts for the type
  for (i in which(!kept & !vapply(args, is.null, NA))) {
    d <- if (along == 1L) c(0, extent) else c(extent, 0)
    args[[i]] <- array(vector(typeof(args[[i]]), 0L), d)
    kept[i] <- TRUE
  }
  result <- .Call(C_bind, args[kept], along - 1L, extent, names)
  if (is.null(result)) bind_in_r(name, args, labels, like) else result
}

bind_in_r <- function(name, args, labels, like) {
  names(args) <- ifelse(is.na(labels) | vapply(args, is.matrix, NA), "", labels)
  in_r(name, c(args, deparse.level = 0), like)
}

# R's checks: matrices must agree, vectors should fill them a whole number of times.
across_extent <- function(name, size, is_matrix) {
  bad <- which(is_matrix & size != size[is_matrix][1L])
  if (length(bad)) {
    text <- if (name == "cbind") {
      "number of rows of matrices must match (see arg %d)"
    } else {
      "number of columns of matrices must match (see arg %d)"
    }
    stop_status("shape", gettextf(text, bad[1L], domain = "R"))
  }
  extent <- if (any(is_matrix)) size[is_matrix][1L] else max(size, 0L)
  odd <- which(!is_matrix & size > 0L & (size > extent | extent %% pmax(size, 1L) != 0L))
  if (length(odd)) {
    text <- if (name == "cbind") {
      "number of rows of result is not a multiple of vector length (arg %d)"
    } else {
      "number of columns of result is not a multiple of vector length (arg %d)"
    }
    warning(simpleWarning(gettextf(text, odd[1L], domain = "R"), user_call()))
  }
  extent
}

# dimnames as base R gives them.
bound_names <- function(args, labels, is_matrix, kept, extent, along) {
  names_in <- lapply(seq_along(args), function(i) {
    if (is_matrix[i]) dimnames(args[[i]])[3L - along] else list(names(args[[i]]))
  })
  names_in <- lapply(names_in, function(x) if (length(x)) x[[1L]])
  across <- across_names(names_in, is_matrix, kept, extent)
  own <- lapply(which(kept), function(i) {
    if (!is_matrix[i]) return(labels[i])
    names <- dimnames(args[[i]])[[along]]
    if (is.null(names)) rep(NA_character_, dim(args[[i]])[along]) else names
  })
  lines <- unlist(own)
  lines <- if (!all(is.na(lines))) ifelse(is.na(lines), "", lines)
  # no names at all fill an extent of 0: base R then gives list(NULL, NULL)
  if (is.null(across) && is.null(lines) && max(lengths(names_in), extent) > 0) return(NULL)
  if (along == 1L) list(lines, across) else list(across, lines)
}

across_names <- function(names_in, is_matrix, kept, extent) {
  has <- !vapply(names_in, is.null, NA)
  longest <- max(0L, lengths(names_in)[!is_matrix])
  if (!any(has & is_matrix) && longest != extent) return(NULL)
  fits <- has & (is_matrix | (kept & lengths(names_in) == extent))
  if (any(fits)) names_in[[which(fits)[1L]]]
}

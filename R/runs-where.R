# What runs on the device and what in R: found out by trying.

#' What runs where
#'
#' Calls each function of a list on small arrays of each type and looks whether it read values back
#' into R. The vignette "What runs where" shows the table.
#' @param concept Names of concepts (such as `"indexing"`) to try only these; by default all.
#' @param device The device to try, by default the one that every machine has. Others compile a
#'   kernel for most of the calls.
#' @return A data frame with a row for each function: `concept`, `call`, and a column for each type,
#'   with `"device"`, `"R"` (values are read back, and R does the work) or `"-"` (an error, as
#'   `bitwAnd()` of logical values is one in base R). In the calls `x` and `y` are matrices, `v` and
#'   `w` vectors, `a` is an array of three dimensions, `i` are positions and `b` logical values.
#' @section Errors:
#' An `anygpu_error_argument` for a concept that is not in the list.
#' @seealso [gpu_stats()] counts what happens in your own code, [fallback] says it as it happens.
#' @examples
#' gpu_runs_where("indexing")
#' @export
gpu_runs_where <- function(concept = NULL, device = "host") {
  calls <- calls_to_try()
  if (is.null(concept)) concept <- names(calls)
  unknown <- setdiff(concept, names(calls))
  if (length(unknown)) {
    known <- toString(names(calls))
    stop_status("argument", paste0("`concept`: ", unknown[1], " is none of ", known))
  }
  kept <- list(counts$downloads, counts$fallbacks, counts$told)
  old <- options(anygpu.fallback = "silent")
  on.exit({
    options(old)
    counts$downloads <- kept[[1]]
    counts$fallbacks <- kept[[2]]
    counts$told <- kept[[3]]
  })
  tables <- lapply(concept, function(name) try_calls(name, calls[[name]], device))
  do.call(rbind, tables)
}

try_calls <- function(concept, calls, device) {
  calls <- Filter(function_exists, calls)
  types <- c("float64", "float32", "int32", "logical")
  if (!"float64" %in% types_of_device(device)) types <- types[-1]
  where <- lapply(types, function(type) {
    vapply(calls, function(call) runs_where(call, type, device), "", USE.NAMES = FALSE)
  })
  names(where) <- types
  data.frame(concept = rep(concept, length(calls)), call = calls, where, row.names = NULL)
}

types_of_device <- function(device) {
  devices <- gpu_devices()
  c(if (devices$float64[devices$id == .Call(C_device, device)]) "float64", "float32")
}

function_exists <- function(call) {
  f <- str2lang(call)[[1]]
  !is.name(f) || exists(as.character(f), envir = topenv(), mode = "function")
}

# "device", "R" or "-" for one call on arrays of one type.
runs_where <- function(call, type, device) {
  env <- list2env(arrays_to_try(type, device), parent = topenv())
  counts$downloads <- counts$fallbacks <- list()
  result <- tryCatch(
    suppressMessages(suppressWarnings({
      value <- eval(str2lang(call), env)
      if (is_gpu(value)) gpu_force(value) else value
    })),
    error = identity
  )
  if (inherits(result, "error")) return("-")
  read <- length(counts$downloads) || length(counts$fallbacks)
  # row(x) needs no values, but it is R that makes the matrix
  made_in_r <- is.atomic(result) && !is_gpu(result) && length(result) >= 6
  if (read || made_in_r) "R" else "device"
}

# Fresh ones for each call: what was read once stays in R.
arrays_to_try <- function(type, device) {
  values <- function(k) {
    if (type == "logical") return((k * 7) %% 3 == 0)
    if (type == "int32") as.integer(k) else as.double(k) + 0.5
  }
  up <- function(x) gpu(x, type, device)
  list(
    x = up(matrix(values(c(5, 2, 9, 4, 7, 1, 8, 3, 6)), 3)),
    y = up(matrix(values(c(2, 7, 1, 8, 2, 8, 1, 8, 3)), 3)),
    v = up(values(c(5, 2, 9, 4, 7, 1))), w = up(values(c(2, 7, 1, 8, 2, 8))),
    a = up(array(values(1:24), 2:4)), i = c(3, 1, 2), b = c(TRUE, FALSE, TRUE)
  )
}

# Calls by concept. Those of the table of elementwise operations come from that table.
calls_to_try <- function() {
  ops <- ops_table()
  ops <- ops[nzchar(ops$r) & !ops$r %in% c("is.na", "pmin", "pmax"), ]
  binary <- ops$arity == 2
  operator <- !grepl("^[A-Za-z]", ops$r)
  text <- ifelse(binary & operator, paste("x", ops$r, "y"),
                 ifelse(binary, paste0(ops$r, "(x, y)"),
                        ifelse(operator, paste0(ops$r, "x"), paste0(ops$r, "(x)"))))
  c(list(operators = unique(text[operator]), "mathematical functions" = unique(text[!operator])),
    other_calls)
}

other_calls <- list(
  rounding = c("round(x, 1)", "signif(x, 2)", "log(x, 3)"),
  "whole numbers and bits" = c("bitwAnd(v, w)", "bitwOr(v, w)", "bitwXor(v, w)"),
  summaries = c(
    "sum(x)", "prod(x)", "min(x)", "max(x)", "range(x)", "mean(x)", "any(x > 2)", "all(x > 2)",
    "sum(x, na.rm = TRUE)", "max(x, na.rm = TRUE)", "mean(x, na.rm = TRUE)", "var(v)", "sd(v)",
    "median(v)", "quantile(v)"
  ),
  "missing values" = c("is.na(x)", "is.nan(x)", "anyNA(x)"),
  choosing = c(
    "ifelse(x > 2, x, y)", "pmin(x, y)", "pmax(x, y)", "pmax(x, 0)", "which(x > 2)",
    "which.min(v)", "which.max(v)"
  ),
  cumulative = c("cumsum(v)", "cumprod(v)", "cummax(v)", "cummin(v)", "diff(v)", "diff(x)"),
  "order and sets" = c(
    "sort(v)", "sort(v, decreasing = TRUE)", "order(v)", "order(v, w)", "rank(v)", "rev(v)",
    "unique(v)", "duplicated(v)", "match(v, w)", "v %in% w", "tabulate(v, 9)",
    "findInterval(v, c(2, 5))", "cut(v, c(0, 5, 10))", "table(v)"
  ),
  "rows and columns" = c(
    "rowSums(x)", "colSums(x)", "rowMeans(x)", "colMeans(x)", "rowSums(x, na.rm = TRUE)",
    "rowMaxs(x)", "colMaxs(x)", "rowMins(x)", "colMins(x)", "rowWhichMaxs(x)",
    "max.col(x, 'first')",
    "rowVars(x)", "colVars(x)", "rowSds(x)", "colSds(x)", "rowMedians(x)", "colMedians(x)",
    "rowRanks(x)", "colRanks(x)", "rowLogSumExps(x)", "colLogSumExps(x)", "rowCumsums(x)",
    "colCumsums(x)", "rowsum(x, i)", "scale(x)", "sweep(x, 2, 1:3)",
    "apply(x, 1, sum)", "apply(x, 2, function(u) max(u) - min(u))"
  ),
  matrices = c(
    "x %*% y", "crossprod(x)", "crossprod(x, y)", "tcrossprod(x)", "t(x)", "aperm(a, c(3, 1, 2))",
    "outer(v, w)", "v %o% w", "outer(v, w, '+')", "kronecker(x, y)", "x %x% y", "diag(x)",
    "{ diag(x) <- 0; x }", "row(x)", "col(x)", "upper.tri(x)", "lower.tri(x)", "norm(x)",
    "isSymmetric(x)", "qr(x)", "svd(x)", "La.svd(x)", "gpu_rsvd(x, 2)", "eigen(crossprod(x))",
    "prcomp(x)$x", "gpu_expm(x)", "cov(x)", "cor(x)", "dist(x)"
  ),
  "linear systems" = c(
    "solve(x)", "solve(x, i)", "chol(crossprod(x))", "chol2inv(chol(crossprod(x)))",
    "backsolve(x, i)", "forwardsolve(x, i)", "det(x)", "determinant(x)", "rcond(x)", "kappa(x)",
    "gpu_lu(x)", "gpu_lstsq(x, i)", "gpu_pinv(x)"
  ),
  "many matrices" = paste0(
    c("gpu_matmul", "gpu_solve", "gpu_det", "gpu_chol", "gpu_eigen_sym"),
    c("(a, a, TRUE)", rep("(gpu_matmul(a, a, FALSE, TRUE))", 4))
  ),
  "least squares" = c(
    "qr.solve(x, i)", "qr.coef(qr(x), i)", "qr.fitted(qr(x), i)", "qr.resid(qr(x), i)",
    "qr.qy(qr(x), i)", "qr.qty(qr(x), i)", "qr.Q(qr(x))", "qr.R(qr(x))", "qr.X(qr(x))"
  ),
  indexing = c(
    "x[2:3, ]", "x[2, 3]", "x[[2, 3]]", "x[, 2]", "x[-1, ]", "x[i, ]", "x[b, ]", "v[i]", "v[-1]",
    "v[v > 2]", "x[x > 2]", "x[cbind(i, i)]", "a[, 2, ]", "a[2, i, ]", "head(x, 2)", "tail(v, 2)"
  ),
  assignment = c(
    "{ x[2:3, ] <- 0; x }", "{ x[2, 3] <- 0; x }", "{ x[[2, 3]] <- 0; x }", "{ x[i, ] <- y; x }",
    "{ v[i] <- 0; v }", "{ v[v > 2] <- 0; v }", "{ x[x > 2] <- 0; x }",
    "{ x[cbind(i, i)] <- 0; x }", "{ a[2, , ] <- 0; a }", "{ x[] <- 0; x }"
  ),
  "binding and shape" = c(
    "rbind(x, y)", "cbind(x, y)", "cbind(x, 1)", "c(v, w)", "rep(v, 2)", "rep(v, each = 2)",
    "{ dim(v) <- c(2, 3); v }", "{ names(v) <- letters[1:6]; v }",
    "{ dimnames(x) <- list(letters[1:3], NULL); x }", "{ rownames(x) <- letters[1:3]; x }"
  ),
  types = c(
    "{ storage.mode(x) <- 'integer'; x }", "{ storage.mode(x) <- 'double'; x }", "as.integer(v)",
    "as.logical(v)", "as.numeric(v)", "as.vector(x)", "as.matrix(x)", "as.data.frame(x)"
  )
)

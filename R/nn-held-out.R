# Which samples are held out, and how much each counts.

# list(split = list(train, valid), data): rows (from 1), where those of other data follow the last
# row.
nn_validation <- function(validation, data) {
  n <- data$n
  if (is.list(validation)) {
    validation <- nn_validation_parts(validation)
    other <- nn_data_like(validation$x, validation$y, data, weights = validation$weights)
    return(list(split = list(train = seq_len(n), valid = n + seq_len(other$n)), data = other))
  }
  if (is.logical(validation) && length(validation) == n && !anyNA(validation)) {
    validation <- which(validation)
  }
  share <- is.numeric(validation) && length(validation) == 1 && !is.na(validation) &&
    validation >= 0 && validation < 1
  if (share) return(list(split = nn_split(n, validation)))
  if (!is.numeric(validation) || anyNA(validation) || any(validation < 1 | validation > n) ||
        any(validation != round(validation)) || identical(as.double(validation), 1)) {
    nn_stop("argument", paste("`validation` must be a share (at least 0, less than 1), numbers of",
                              "samples (1 to %d) or list(x, y), not %s"), n,
            nn_describe(validation))
  }
  valid <- sort(unique(as.integer(validation)))
  if (length(valid) == n) nn_stop("argument", "`validation` leaves no sample of %d for training", n)
  list(split = list(train = seq_len(n)[-valid], valid = valid))
}

# list(x, y, weights) as the user gave it: by name, or in this order.
nn_validation_parts <- function(validation) {
  parts <- c("x", "y", "weights")
  if (!length(validation) %in% 2:3) {
    nn_stop("argument", "`validation` must be list(x, y) or list(x, y, weights), not a list of %d",
            length(validation))
  }
  named <- all(c("x", "y") %in% names(validation))
  if (named) validation[parts] else stats::setNames(validation, parts[seq_along(validation)])
}

# Rows (from 1) for training and for validation, in the order of the data.
nn_split <- function(n, validation) {
  held <- floor(n * validation + 1e-9)
  if (held == 0) return(list(train = seq_len(n), valid = integer()))
  if (held == n) nn_stop("argument", "`validation` leaves no sample of %d for training", n)
  valid <- sort(sample.int(n, held))
  list(train = seq_len(n)[-valid], valid = valid)
}

nn_with_validation <- function(data, valid, net, class_weights) {
  other <- valid$data
  if (is.null(other)) return(data)
  y <- Map(nn_target_columns, other$y, net$outputs)
  list(x = Map(nn_bind_samples, data$x, other$x), y = Map(nn_bind_samples, data$y, y),
       weights = nn_with_validation_weights(data, other, y, net$outputs[[1]], class_weights),
       n = data$n)
}

# Only the proportions among the samples held out matter: theirs are divided by their sum.
nn_with_validation_weights <- function(data, other, y, output, class_weights) {
  if (is.null(data$weights) && is.null(other$weights)) return(NULL)
  w <- if (is.null(other$weights)) rep(1, other$n) else other$weights
  if (!is.null(class_weights)) {
    w <- w * nn_class_counts(output, y[[1]], nn_class_weights(class_weights, output$levels))
  }
  c(if (is.null(data$weights)) rep(1, data$n) else data$weights, w)
}

# The values of a target as the trainer takes them, for an output that other data have made.
nn_target_columns <- function(target, output) {
  if (output$kind != "class") return(nn_columns(nn_standard_response(output, target$values)))
  codes <- target$values
  if (target$kind != "class") { # numbers that stand for classes
    nn_check_levels(factor(codes), target$name, output$levels)
    codes <- match(as.character(codes), output$levels)
  }
  matrix(codes - 1)
}

# The samples of the first array, then those of the second, ...
nn_bind_samples <- function(...) {
  if (length(dim(..1)) == 2) return(rbind(...))
  all <- do.call(rbind, lapply(list(...), function(x) matrix(as.vector(x), dim(x)[1])))
  array(all, c(nrow(all), dim(..1)[-1]))
}

# How much each sample counts: with mean 1 over the training samples; NULL if all count the same.
nn_sample_weights <- function(data, outputs, class_weights, split) {
  w <- data$weights
  if (!is.null(class_weights)) {
    classes <- outputs[[1]]$output$levels
    if (is.null(classes)) nn_stop("argument", "`class_weights` are for a classification")
    per_class <- nn_class_weights(class_weights, classes)
    counts <- nn_class_counts(outputs[[1]]$output, outputs[[1]]$values, per_class)
    w <- (if (is.null(w)) 1 else w) * counts
  }
  if (is.null(w)) return(NULL)
  if (sum(w[split$train]) <= 0) nn_stop("argument", "the weights of all training samples are 0")
  w / mean(w[split$train])
}

# How much the classes of each sample count, for a target y as the trainer has it.
nn_class_counts <- function(output, y, per_class) {
  if (output$kind == "shares") as.vector(y %*% per_class) else per_class[y[, 1] + 1]
}

nn_class_weights <- function(class_weights, levels) {
  if (!is.null(names(class_weights))) {
    missing <- setdiff(levels, names(class_weights))
    if (length(missing)) {
      nn_stop("argument", "`class_weights` has none for the class \"%s\"", missing[1])
    }
    class_weights <- class_weights[levels]
  }
  if (!is.numeric(class_weights) || length(class_weights) != length(levels) ||
        anyNA(class_weights) || any(class_weights < 0)) {
    nn_stop("argument",
            "`class_weights` must be %d numbers of at least 0, one for each class, not %s",
            length(levels), nn_describe(class_weights))
  }
  unname(as.numeric(class_weights))
}

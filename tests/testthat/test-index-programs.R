# Random programs of indexing, assignment, binding and reshaping, run on plain arrays and on arrays
# of the device in parallel and compared after each statement.
#
#   ANYGPU_STEPS=20000 make test-r FILE=index-programs     more statements
#   ANYGPU_SEED=17     make test-r FILE=index-programs     the program of a failure again, alone
#   ANYGPU_STRICT=1    make test-r FILE=index-programs     also what stands in not_yet() below
#
# A program is text: four registers a, b, u, v and statements such as `a[2:3, -1] <- up(c(1, 2))`,
# where up() moves to the device (and does nothing in the plain run). A failure prints the shortest
# program found that still shows it. All numbers are small multiples of 1/4, so that float32 is
# exact.

registers <- c("a", "b", "u", "v")
statements_in_program <- 25

# -- data -----------------------------------------------------------------------------------------

pick <- function(...) sample(c(...), 1)
chance <- function(p) stats::runif(1) < p
one_of <- function(...) switch(sample.int(...length(), 1), ...)

# An array that a short text describes: made("double", c(3, 4), 17, TRUE).
made <- function(type, extent, salt, named = FALSE) {
  n <- prod(extent)
  k <- (seq_len(n) * 31 + salt * 17) %% 101
  x <- switch(type, double = k / 4 - 12, integer = as.integer(k) - 50L, logical = k %% 2 == 0)
  x[k %% 13 == 5] <- NA
  if (type == "double") x[k %% 29 == 7] <- c(NaN, Inf, -Inf, 0)[salt %% 4 + 1]
  label <- function(n, letter) if (n > 0) paste0(letter, seq_len(n))
  if (length(extent) == 1) {
    if (named && n > 0) names(x) <- label(n, "n")
    return(x)
  }
  dim(x) <- extent
  if (named) {
    dimnames(x) <- Map(label, extent, letters[seq_along(extent)])
    if (salt %% 3 == 0) dimnames(x)[1] <- list(NULL)
    if (salt %% 5 == 0) names(dimnames(x)) <- LETTERS[seq_along(extent)]
  }
  x
}

some_extent <- function() {
  one_of(
    pick(0:3), pick(5:12), pick(60:90), c(pick(0:2), pick(0:3)), c(pick(1:7), pick(1:7)),
    c(pick(1:7), pick(1:7)), c(pick(9:13), pick(9:13)), c(1, pick(1:9)), c(pick(1:9), 1),
    c(70, pick(20:40)), c(pick(1:4), pick(0:4), pick(1:4)), pick(1:5), c(2, 3, 2, pick(1:3))
  )
}

literal <- function(x) {
  paste(deparse(x, 500L, control = c("keepNA", "keepInteger", "digits17")), collapse = "")
}
new_array <- function() {
  sprintf("up(made(\"%s\", %s, %d, %s))", pick("double", "integer", "logical", "double"),
          literal(some_extent()), sample.int(99, 1), chance(0.4))
}

some_values <- function(n) {
  x <- one_of(
    sample(-40:40, n, TRUE) / 4, sample(-40:40, n, TRUE), sample(c(TRUE, FALSE), n, TRUE),
    sample(-40:40, n, TRUE) / 4
  )
  if (n > 0 && chance(0.3)) x[sample.int(n, 1)] <- NA
  x
}

# On the device or not.
maybe_up <- function(text, p = 0.3) if (chance(p)) sprintf("up(%s)", text) else text

# -- indices ---------------------------------------------------------------------------------------

mask <- function(n, values) {
  if (n <= 99) return(literal(sample(values, n, TRUE)))
  sprintf("made(\"logical\", %d, %d)", n, sample.int(99, 1))
}

# One subscript for n elements named `names`; `open`: a vector, where R allows positions beyond the
# end. Wrong ones come along, rarely.
some_index <- function(n, names, open = FALSE) {
  if (n == 0) return(one_of("", "", "0", "integer(0)", "TRUE", "NULL", "1", "logical(0)", "-1"))
  positive <- function(k) sample.int(n, k, TRUE)
  usual <- function() {
    size <- sample.int(min(n, 12) + 1, 1) - 1
    one_of(
      "", "", literal(sample.int(n, 1)), sprintf("%d:%d", sample.int(n, 1), sample.int(n, 1)),
      sprintf("%d:%d", sample.int(n, 1), n),
      sprintf("seq(%d, %d, by = %d)", sample.int(n, 1), n, pick(1:3)),
      maybe_up(literal(positive(size))), maybe_up(literal(as.double(positive(size)))),
      maybe_up(literal(sample(c(0L, positive(size))))),
      maybe_up(literal(-sample.int(n, sample.int(min(n, 99), 1)))), literal(-sample.int(n, 1)),
      maybe_up(literal(sample(c(0, -positive(size))))),
      maybe_up(mask(n, c(TRUE, FALSE))), maybe_up(mask(n, c(TRUE, FALSE, NA))),
      mask(sample.int(n, 1), c(TRUE, FALSE)), sprintf("%d:1", n),
      if (is.null(names)) literal(positive(2)) else literal(sample(names, min(size, 4), TRUE)),
      if (is.null(names)) "TRUE" else literal(sample(names, 1)),
      literal(positive(size) + 0.9)
    )
  }
  odd <- function() {
    one_of(
      "NA", "NA_integer_", "0", "integer(0)", "NULL", "logical(0)", "TRUE", "FALSE",
      maybe_up(literal(c(NA, positive(2)))), maybe_up(literal(c(positive(1), NA) + 0)),
      literal(n + 1), maybe_up(literal(c(1, n + 2))), literal(c(-1, 1)), literal(c(-1, NA)),
      literal(-n - 1), "\"zzz\"", "c(\"zzz\", NA)", mask(n + 1, c(TRUE, FALSE)),
      "factor(c(\"x\", \"y\"))", "list(1)", "c(1e10, 1)", "-1e10", "Inf", "1i"
    )
  }
  if (chance(if (open) 0.2 else 0.1)) odd() else usual()
}

# A subscript for the array as a whole: a vector, a matrix of positions, a logical array.
whole_index <- function(name, x) {
  extent <- dim(x)
  n <- length(x)
  if (is.null(extent) || chance(0.4)) return(some_index(n, names(x), TRUE))
  rows <- pick(0:4)
  position <- function(at_most) vapply(at_most, function(e) sample.int(max(e, 1), rows, TRUE),
                                       integer(rows))
  positions <- matrix(as.integer(position(extent)), rows)
  if (chance(0.1)) positions[seq_along(positions) == 1] <- pick(0L, NA, 99L, -1L)
  matrix_text <- sprintf("matrix(%s, %d)", literal(c(positions)), rows)
  one_of(
    maybe_up(matrix_text), maybe_up(matrix_text), sprintf("%s > 0", name),
    sprintf("which(%s > 0)", name), sprintf("is.na(%s)", name), sprintf("!is.na(%s)", name),
    maybe_up(sprintf("made(\"logical\", %s, %d)", literal(extent), sample.int(99, 1))),
    if (is.null(dimnames(x)) || any(lengths(dimnames(x)) == 0)) {
      "\"zzz\""
    } else {
      sprintf("cbind(%s)", paste(vapply(dimnames(x), function(l) literal(sample(l, 2, TRUE)), ""),
                                 collapse = ", "))
    }
  )
}

# The text between the brackets of name[...], without drop.
some_subscripts <- function(name, x) {
  extent <- dim(x)
  if (is.null(extent) || chance(0.25)) return(whole_index(name, x))
  if (chance(0.02)) extent <- c(extent, 1)
  per_dim <- vapply(seq_along(extent), function(k) {
    some_index(extent[k], if (k <= length(dimnames(x))) dimnames(x)[[k]])
  }, "")
  paste(per_dim, collapse = ", ")
}

# -- statements -----------------------------------------------------------------------------------

# Each of these writes one statement; `env` holds the plain registers.

read_statement <- function(env) {
  from <- pick(registers)
  x <- env[[from]]
  inside <- some_subscripts(from, x)
  drop <- if (chance(0.25)) paste0(", drop = ", pick("FALSE", "TRUE")) else ""
  sprintf("%s <- %s[%s%s]", pick(registers), from, inside, drop)
}

element_index <- function(x) {
  n <- length(x)
  if (is.null(dim(x)) || chance(0.3)) {
    at <- one_of(sample.int(n + 1, 1), 1, n, 0, -1, NA, c(1, 2))
    if (!is.null(names(x)) && chance(0.4)) at <- pick(names(x), "zzz")
    return(literal(at))
  }
  paste(vapply(dim(x), function(e) literal(sample.int(e + chance(0.05), 1)), ""), collapse = ", ")
}

element_statement <- function(env) {
  from <- pick(registers)
  if (length(env[[from]]) == 0) return(read_statement(env))
  sprintf("%s <- %s[[%s]]", pick(registers), from, element_index(env[[from]]))
}

# What is assigned: mostly of the length that fits, which the plain run tells.
replacement <- function(env, target) {
  n <- suppressWarnings(tryCatch(length(eval(str2lang(target), env)), error = function(e) 1L))
  n <- min(n, 200)
  one_of(
    literal(some_values(1)), literal(some_values(1)), maybe_up(literal(some_values(n)), 0.5),
    maybe_up(literal(some_values(n)), 0.5), sprintf("%s + 1", target), sprintf("-%s", target),
    if (n > 1) literal(some_values(pick(seq_len(n)))) else "NA",
    if (chance(0.2)) pick(registers, "integer(0)", "NULL", "\"text\"", "1i", "list(1)") else "0"
  )
}

write_statement <- function(env) {
  to <- pick(registers)
  target <- sprintf("%s[%s]", to, some_subscripts(to, env[[to]]))
  sprintf("%s <- %s", target, replacement(env, target))
}

element_write_statement <- function(env) {
  to <- pick(registers)
  value <- if (chance(0.1)) pick("c(1, 2)", "integer(0)", "\"text\"") else literal(some_values(1))
  if (length(env[[to]]) == 0) return(write_statement(env))
  if (value != "\"text\"") value <- maybe_up(value, 0.2)
  sprintf("%s[[%s]] <- %s", to, element_index(env[[to]]), value)
}

bind_statement <- function(env) {
  f <- pick("rbind", "cbind")
  first <- pick(registers)
  extent <- dim(env[[first]])
  n <- if (length(extent) < 2) length(env[[first]]) else extent[if (f == "rbind") 2 else 1]
  more <- one_of(
    first, pick(registers), maybe_up(literal(some_values(min(n, 200)))), literal(some_values(1)),
    sprintf("%s[%s]", first, if (length(extent) == 2) "1:2, 1:2" else "1:3"),
    maybe_up(literal(some_values(pick(0:4)))), sprintf("%s + 1", first), "NULL"
  )
  name <- pick("", "", "x = ", "y = ")
  level <- pick("", "", "", ", deparse.level = 0", ", deparse.level = 2")
  args <- if (chance(0.5)) c(first, paste0(name, more)) else c(paste0(name, more), first)
  if (chance(0.2)) args <- c(args, literal(some_values(1)))
  sprintf("%s <- %s(%s%s)", pick(registers), f, paste(args, collapse = ", "), level)
}

# Extents of the same number of elements, now and then others.
other_extent <- function(n) {
  if (chance(0.1)) return(literal(c(n + 1, 1)))
  divisors <- if (n > 0) which(n %% seq_len(n) == 0) else 0
  d <- divisors[sample.int(length(divisors), 1)]
  one_of(literal(c(d, if (d > 0) n / d else 3)), literal(c(if (d > 0) n / d else 3, d)), "NULL",
         literal(n), literal(c(d, 1, if (d > 0) n / d else 1)))
}

some_names <- function(n) {
  label <- if (n > 0) paste0(pick(letters), seq_len(n)) else character()
  if (n > 1 && chance(0.1)) label[2] <- pick("", NA, label[1])
  label
}

some_dimnames <- function(extent) {
  l <- lapply(extent, function(e) if (chance(0.7)) some_names(min(e, 200)))
  if (chance(0.2)) names(l) <- paste0("D", seq_along(extent))
  if (chance(0.08) && length(l)) l[[1]] <- c("one", "too", "many")
  literal(l)
}

shape_statement <- function(env) {
  to <- pick(registers)
  x <- env[[to]]
  n <- length(x)
  extent <- dim(x)
  setter <- function(f, value) sprintf("%s(%s) <- %s", f, to, value)
  one_of(
    setter("dim", other_extent(n)), setter("dim", other_extent(n)),
    if (is.null(extent)) setter("names", literal(some_names(pick(min(n, 200), min(n, 3)))))
    else setter("dimnames", some_dimnames(extent)),
    if (is.null(extent)) setter("names", "NULL") else setter("dimnames", "NULL"),
    if (length(extent) == 2) setter("rownames", literal(some_names(min(extent[1], 200))))
    else setter("dim", other_extent(n)),
    if (length(extent) == 2) setter("colnames", literal(some_names(min(extent[2], 200))))
    else setter("names", literal(some_names(min(n, 200))))
  )
}

copy_statement <- function(env) {
  from <- pick(registers)
  call <- one_of(
    sprintf("t(%s)", from), sprintf("t(%s)", from), from, from,
    sprintf("head(%s, %d)", from, pick(-3:4)), sprintf("tail(%s, %d)", from, pick(-3:4)),
    sprintf("c(%s, %s)", from, pick(registers)), sprintf("rep(%s, 2)", from),
    sprintf("rev(%s)", from), sprintf("as.vector(%s)", from)
  )
  sprintf("%s <- %s", pick(registers), call)
}

arithmetic_statement <- function(env) {
  from <- pick(registers)
  x <- env[[from]]
  fits <- Filter(function(r) identical(dim(env[[r]]), dim(x)), registers)
  other <- if (chance(0.1)) pick(registers) else if (chance(0.5)) pick(fits)
  if (is.null(other)) other <- literal(some_values(pick(1, 1, min(length(x), 20))))
  call <- one_of(
    sprintf("%s + %s", from, other), sprintf("%s - %s", from, other),
    sprintf("%s %s %s", from, pick("<", ">=", "==", "!="), other), sprintf("-%s", from),
    sprintf("%s * 2", from), sprintf("!(%s > 0)", from), sprintf("abs(%s)", from),
    sprintf("is.na(%s)", from), sprintf("%s + 1L", from)
  )
  sprintf("%s <- %s", pick(registers), call)
}

statement_kinds <- list(
  read = read_statement, read = read_statement, write = write_statement, write = write_statement,
  write = write_statement, element = element_statement, element_write = element_write_statement,
  bind = bind_statement, shape = shape_statement, copy = copy_statement,
  arithmetic = arithmetic_statement
)

# A register that left the range of what the test is about starts anew.
repair_statement <- function(env, device) {
  for (r in registers) {
    x <- env[[r]]
    if (!(is.numeric(x) || is.logical(x)) || is.object(x) || length(x) > 6000 ||
          (is.numeric(x) && any(abs(x[is.finite(x)]) > 2^13))) {
      return(sprintf("%s <- %s", r, new_array()))
    }
    if (!is_gpu(device[[r]])) return(sprintf("%s <- up(%s)", r, r))
  }
}

next_statement <- function(env, device) {
  repair <- repair_statement(env, device)
  if (!is.null(repair)) return(repair)
  if (chance(0.06)) return(sprintf("%s <- %s", pick(registers), new_array()))
  for (try in 1:20) {
    statement <- statement_kinds[[sample.int(length(statement_kinds), 1)]](env)
    if (strict() || !not_yet(statement, env)) return(statement)
  }
  sprintf("%s <- %s", pick(registers), new_array())
}

strict <- function() nzchar(Sys.getenv("ANYGPU_STRICT"))

# Statements that are known to differ from R's, and so are not made.
not_yet <- function(statement, env) {
  used <- used_registers(statement)
  any_used <- function(f) any(vapply(used, function(r) f(env[[r]]), NA))
  has <- function(pattern) grepl(pattern, statement)
  # rbind() and cbind(): names made of the arguments' text, arguments that are empty or have other
  # than two extents, the numbers of arguments in warnings
  binds <- has("bind\\(")
  text_names <- has("deparse|\\(c\\(|, c\\(|up\\(|, -?[0-9NTF]|\\(-?[0-9NTF]")
  odd <- any_used(function(x) length(x) == 0 || length(dim(x)) > 2) || length(used) > 1
  if (binds && (text_names || odd)) return(TRUE)
  # a missing subscript, or TRUE, where there are 0 positions; NULL as a subscript
  if (any_used(function(x) any(dim(x) == 0) || length(x) == 0 && has("TRUE"))) return(TRUE)
  if (has("NULL") && !has("<- NULL")) return(TRUE)
  # positions in an array of one dimension, or in one that has names beside its extents
  any_used(function(x) length(dim(x)) == 1 || length(dim(x)) && !is.null(attr(x, "names")))
}

# -- running and comparing -------------------------------------------------------------------------

# What of the message has to be R's: all of it where base R does the indexing.
must_match <- function(statement) {
  grepl("[", statement, fixed = TRUE) && !grepl("bind(", statement, fixed = TRUE)
}

# Arrays go to the device with their classes; what went wrong there is seen at once.
new_machine <- function(type) {
  plain <- list2env(list(up = identity, made = made), parent = globalenv())
  device <- list2env(list(
    made = made, up = function(x) gpu(x, if (is.double(x) && !is_gpu(x)) type)
  ), parent = globalenv())
  list(plain = plain, device = device)
}

# Everything but the values.
outside <- function(x) {
  a <- attributes(x)
  kept <- sort(setdiff(names(a), "class"))
  list(type = typeof(x), length = length(x), attributes = if (length(kept)) a[kept])
}

# The class says what the dim says.
class_fits <- function(x) {
  if (!isS4(x) && !inherits(x, "gpu")) return(TRUE)
  want <- c("gpuVector", "gpuMatrix", "gpuArray")
  want <- if (is.null(dim(x))) want[1] else if (length(dim(x)) == 2) want[2] else want[3]
  identical(class(x)[1], want)
}

# "" or how the two differ. NaN for NA is allowed: R itself leaves it open in arithmetic.
difference <- function(plain, device, values) {
  if (!identical(outside(plain), outside(device))) return(versus(outside(plain), outside(device)))
  if (!class_fits(device)) return(paste("class", class(device)[1], "does not fit the extents"))
  if (!values) return("")
  got <- anygpu:::plain(device)
  if (identical(plain, got)) return("")
  same_na <- identical(is.na(plain), is.na(got))
  if (same_na) plain[is.na(plain)] <- got[is.na(got)]
  if (same_na && identical(plain, got)) "" else versus(c(plain), c(got))
}

versus <- function(want, got) {
  short <- function(x) substr(literal(x), 1, 400)
  paste0("R has ", short(want), ", we have ", short(got))
}

# Runs one statement on both machines; "" or what went wrong.
step_both <- function(machine, statement, values) {
  code <- str2lang(statement)
  stays <- strict() && arrays_only(machine, statement)
  want <- outcome(eval(code, machine$plain))
  got <- outcome(eval(code, machine$device))
  failed <- c(inherits(want$value, "error"), inherits(got$value, "error"))
  if (failed[1] != failed[2]) {
    who <- if (failed[1]) "only R" else "only ours"
    error <- if (failed[1]) want$value else got$value
    return(paste0(who, " raises an error: ", conditionMessage(error)))
  }
  if (failed[1] && must_match(statement)) {
    texts <- c(conditionMessage(want$value), conditionMessage(got$value))
    if (texts[1] != texts[2]) return(paste0("messages differ: ", texts[1], " | ", texts[2]))
  }
  if (!failed[1] && !identical(want$warnings, got$warnings)) {
    return(paste0("warnings differ: ", toString(want$warnings), " | ", toString(got$warnings)))
  }
  wrong <- compare_registers(machine, values)
  if (!nzchar(wrong) && stays && left_device(machine, statement)) "not on the device" else wrong
}

used_registers <- function(statement) {
  Filter(function(r) grepl(paste0("\\b", r, "\\b"), statement), registers)
}

# Single numbers have no class and are R's to index.
arrays_only <- function(machine, statement) {
  all(vapply(used_registers(statement), function(r) {
    is.null(machine$device[[r]]) || inherits(machine$device[[r]], "gpu")
  }, NA))
}

# What was made of arrays of the device is one, but for single values and what asks for a vector.
left_device <- function(machine, statement) {
  x <- machine$device[[regmatches(statement, regexpr("\\b[abuv]\\b", statement))]]
  (is.numeric(x) || is.logical(x)) && length(x) != 1 && !is_gpu(x) &&
    !grepl("as.vector(", statement, fixed = TRUE)
}

compare_registers <- function(machine, values) {
  for (r in intersect(registers, ls(machine$plain))) {
    if (!strict() && !class_fits(machine$device[[r]])) {
      machine$device[[r]] <- unclass(anygpu:::plain(machine$device[[r]]))
    }
    wrong <- difference(machine$plain[[r]], machine$device[[r]], values)
    if (nzchar(wrong)) return(paste0(r, ": ", wrong))
    # NaN where R has NA stays so in both
    if (values && anyNA(machine$plain[[r]]) && is.double(machine$plain[[r]])) {
      machine$plain[[r]] <- anygpu:::plain(machine$device[[r]])
    }
  }
  ""
}

# "" or what goes wrong with the last of the statements.
replay <- function(statements, type, values) {
  machine <- new_machine(type)
  wrong <- ""
  for (s in statements) wrong <- step_both(machine, s, values)
  if (nzchar(wrong) || values) return(wrong)
  compare_registers(machine, TRUE)
}

# Leaves out statements as long as the last one still goes wrong.
shorten <- function(statements, type, values) {
  wrong <- replay(statements, type, values)
  for (k in rev(seq_len(length(statements) - 1))) {
    if (grepl("^([abuv]) <- up[(]\\1[)]$", statements[k])) next
    fewer <- statements[-k]
    now <- tryCatch(replay(fewer, type, values), error = function(e) "")
    # a message that misses a register is another failure
    if (nzchar(now) && !grepl("not found", now)) {
      statements <- fewer
      wrong <- now
    }
  }
  c(statements, paste0("# ", wrong))
}

# The program of a seed. In some programs nothing is read between, so that expressions stay pending.
# NULL or the text of a failure.
run_program <- function(seed) {
  set.seed(seed)
  types <- test_types()
  type <- types[sample.int(length(types), 1)]
  lazy <- chance(0.4)
  machine <- new_machine(type)
  statements <- character()
  wrong <- ""
  for (k in seq_len(statements_in_program)) {
    statements[k] <- if (k <= length(registers)) {
      sprintf("%s <- %s", registers[k], new_array())
    } else {
      next_statement(machine$plain, machine$device)
    }
    values <- !lazy || k %% 6 == 0 || k == statements_in_program
    wrong <- step_both(machine, statements[k], values)
    if (nzchar(wrong)) break
  }
  if (!nzchar(wrong)) return(NULL)
  paste0(c(
    sprintf("ANYGPU_SEED=%d, reals are %s%s: %s", seed, type, if (lazy) ", lazy" else "", wrong),
    shorten(statements, type, !lazy)
  ), collapse = "\n  ")
}

test_that("random index programs do what base R does", {
  steps <- as.numeric(Sys.getenv("ANYGPU_STEPS", if (gpu_device() == "host") "3000" else "300"))
  one <- Sys.getenv("ANYGPU_SEED")
  seeds <- if (nzchar(one)) {
    as.integer(one)
  } else {
    sample.int(1e8, ceiling(steps / statements_in_program))
  }
  wrong <- 0
  for (seed in seeds) {
    problem <- run_program(seed)
    if (is.null(problem)) {
      succeed()
    } else {
      fail(problem)
      wrong <- wrong + 1
    }
    if (wrong >= 10) break
  }
})

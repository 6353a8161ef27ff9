# Each export is named in a test, and has a help page with an example and a value.

lines <- readLines("NAMESPACE")
exports <- unlist(lapply(parse(text = grep("^export\\(", lines, value = TRUE)),
                         function(call) vapply(as.list(call)[-1], as.character, "")))

pages <- lapply(list.files("man", "\\.Rd$", full.names = TRUE), tools::parse_Rd)
tags <- function(page) vapply(page, attr, "", "Rd_tag")
section <- function(page, tag) page[tags(page) == tag]
aliases <- lapply(pages, function(page) trimws(vapply(section(page, "\\alias"), paste, "",
                                                      collapse = "")))
tests <- unlist(lapply(list.files("tests/testthat", "\\.R$", full.names = TRUE), readLines,
                       warn = FALSE))
words <- unique(unlist(regmatches(tests, gregexpr("%\\w+%|[A-Za-z.][A-Za-z0-9._]*", tests))))

problems <- character()
for (name in exports) {
  page <- pages[vapply(aliases, function(a) name %in% a, TRUE)]
  if (length(page) == 0) {
    problems <- c(problems, paste0(name, ": no help page"))
  } else {
    for (tag in c("\\examples", "\\value")) {
      if (length(section(page[[1]], tag)) == 0) {
        problems <- c(problems, paste0(name, ": its help page has no ", tag))
      }
    }
  }
  if (!sub("<-$", "", name) %in% words) problems <- c(problems, paste0(name, ": no test names it"))
}
if (length(problems)) {
  writeLines(problems)
  q(status = 1)
}

# A name that two files of R/ define is that of the last one: each is defined once.
names <- character()
for (file in list.files("R", "[.]R$", full.names = TRUE)) {
  for (e in parse(file)) {
    if (is.call(e) && identical(e[[1]], quote(`<-`)) && is.name(e[[2]])) {
      names <- c(names, as.character(e[[2]]))
    }
  }
}
twice <- unique(names[duplicated(names)])
for (name in twice) cat("R/ defines", name, "twice\n")
quit(status = length(twice) > 0)

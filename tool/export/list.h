/* The export formats, in the order in which help shows them. A new one: a file with `const struct exporter
 * export_NAME` and a line here. */
EXPORTER(chrome)
EXPORTER(csv)
EXPORTER(folded)

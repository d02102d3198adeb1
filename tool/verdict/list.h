/* The formats of findings, in the order in which help shows them. A new one: a file with `const struct findings_format
 * findings_format_NAME` and a line here. */
FINDINGS_FORMAT(text)
FINDINGS_FORMAT(json)
FINDINGS_FORMAT(junit)
FINDINGS_FORMAT(sarif)
FINDINGS_FORMAT(markdown)
FINDINGS_FORMAT(github)

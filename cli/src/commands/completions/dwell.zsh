#compdef dwell
# zsh completion for dwell: dwell itself says what may follow.
_dwell() {
    local -a lines described
    local line value
    lines=("${(@f)$(dwell __complete -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    for line in $lines; do
        case $line in
        '') continue ;;
        :files) _files; continue ;;
        :folders) _files -/; continue ;;
        esac
        value=${line%%$'\t'*}
        value=${value//\\/\\\\}
        value=${value//:/\\:}
        if [[ $line == *$'\t'* ]]; then value+=":${line#*$'\t'}"; fi
        described+=("$value")
    done
    if (( $#described )); then _describe -V dwell described; fi
}
if [[ $funcstack[1] == _dwell ]]; then _dwell "$@"; else compdef _dwell dwell; fi

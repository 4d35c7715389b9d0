# bash completion for dwell: dwell itself says what may follow.
_dwell() {
    # Where the cursor is counts in letters, and names are quoted as they are read; all else is bytes.
    local line=${COMP_LINE:0:COMP_POINT} locale=${LC_ALL-}
    local LC_ALL=C
    local words=() joined word rest reply value i
    # Bash takes words apart at ":" and "=", and dwell does not: what has no blank between it is put together again.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        rest=${line#"${line%%[![:space:]]*}"}
        word=${COMP_WORDS[i]}
        # The last one only up to the cursor.
        ((i < COMP_CWORD)) || word=$rest
        if ((i > 0)) && [[ $rest == "$line" && -n $rest ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        line=${rest#"$word"}
    done
    joined=${words[${#words[@]} - 1]}
    [[ $joined != [\"\']* ]] || joined=${joined:1}
    words[${#words[@]} - 1]=$joined
    # Only what comes after the last ":" or "=" is replaced.
    local before=${joined%"$2"}
    [[ $joined == *"$2" ]] || before=
    COMPREPLY=()
    while IFS= read -r reply; do
        case $reply in
        :files | :folders)
            local flag=-f
            [[ $reply == :files ]] || flag=-d
            compopt -o filenames 2>/dev/null
            while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen "$flag" -- "$2")
            continue
            ;;
        esac
        value=${reply%%$'\t'*}
        value=${value#"$before"}
        [[ $value != *[!A-Za-z0-9_./:=@%+,-]* ]] || LC_ALL=$locale printf -v value %q "$value"
        # The second press of Tab lists, and inserts nothing: then there is room for what each means.
        if [[ $COMP_TYPE == 63 && $reply == *$'\t'* ]]; then value+="  (${reply#*$'\t'})"; fi
        COMPREPLY+=("$value")
    done < <(dwell __complete -- "${words[@]}" 2>/dev/null)
    # A single one is inserted, also on the second press.
    if ((${#COMPREPLY[@]} == 1)); then COMPREPLY[0]=${COMPREPLY[0]%%  (*}; fi
}
complete -o nosort -F _dwell dwell 2>/dev/null || complete -F _dwell dwell

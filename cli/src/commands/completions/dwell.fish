# fish completion for dwell: dwell itself says what may follow.
function __dwell_complete
    set -l current (commandline -ct)
    for line in (dwell __complete -- (commandline -opc) "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case :folders
                __fish_complete_directories "$current"
            case '*'
                printf '%s\n' $line
        end
    end
end
complete --command dwell --keep-order --no-files --arguments '(__dwell_complete)'

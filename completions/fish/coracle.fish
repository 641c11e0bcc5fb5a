complete -c coracle -s h -l help -d 'Print help'
complete -c coracle -s V -l version -d 'Print version'

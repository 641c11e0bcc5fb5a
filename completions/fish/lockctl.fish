# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lockctl_global_optspecs
    string join \n endpoints= timeout= o/output= cacert= cert= key= insecure-skip-tls-verify insecure-transport h/help V/version
end

function __fish_lockctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lockctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lockctl_using_subcommand
    set -l cmd (__fish_lockctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lockctl -n "__fish_lockctl_needs_command" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_needs_command" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_needs_command" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_needs_command" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_needs_command" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_needs_command" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_needs_command" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_needs_command" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_needs_command" -s V -l version -d 'Print version'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "status" -d 'Shows who holds a place of the reboot semaphore, and who waits'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "lock" -d 'Takes a place for a machine; one that holds a place holds it still'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "unlock" -d 'Gives the place of a machine back'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "set-max" -d 'Sets how many machines of a group may hold a place at a time'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "groups" -d 'Lists the groups that were made'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "reboot" -d 'Reboots a machine once it holds a place; windows, blockers and people who are logged in are not waited for'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "need-reboot" -d 'Says that a machine wants a reboot, when everything agrees'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "exec" -d 'Runs a command while a lock is held, and no longer'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "run-once" -d 'Runs a command on one of the machines that are told to, and on no other'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "held" -d 'Tells whether somebody holds a lock: ends with 0 if so, else with 3'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "list" -d 'Lists the locks that are held'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "info" -d 'Shows who holds a lock, and who waits for it'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "break" -d 'Takes a lock away from whoever holds it; what runs under it is stopped'
complete -c lockctl -n "__fish_lockctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lockctl -n "__fish_lockctl_using_subcommand status" -l group -d 'Group of machines that share a semaphore' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand status" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand status" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand status" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand status" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand status" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand status" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand status" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand status" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand lock" -l group -d 'Group of machines that share a semaphore' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand lock" -l reason -d 'What it is for, for those who look' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand lock" -l wait -d 'Wait so long for a place, in line' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand lock" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand lock" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand lock" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand lock" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand lock" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand lock" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand lock" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand lock" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand lock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand unlock" -l group -d 'Group of machines that share a semaphore' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand unlock" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand unlock" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand unlock" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand unlock" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand unlock" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand unlock" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand unlock" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand unlock" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand unlock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand set-max" -l group -d 'Group of machines that share a semaphore' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand set-max" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand set-max" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand set-max" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand set-max" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand set-max" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand set-max" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand set-max" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand set-max" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand set-max" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand groups" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand groups" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand groups" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand groups" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand groups" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand groups" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand groups" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand groups" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand groups" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand reboot" -l reason -d 'What for, for those who look' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand reboot" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand reboot" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand reboot" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand reboot" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand reboot" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand reboot" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand reboot" -l cancel -d 'Take it back, where the reboot has not begun'
complete -c lockctl -n "__fish_lockctl_using_subcommand reboot" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand reboot" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand reboot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand need-reboot" -l reason -d 'What for, for those who look' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand need-reboot" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand need-reboot" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand need-reboot" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand need-reboot" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand need-reboot" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand need-reboot" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand need-reboot" -l cancel -d 'Take it back, where the reboot has not begun'
complete -c lockctl -n "__fish_lockctl_using_subcommand need-reboot" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand need-reboot" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand need-reboot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand exec" -l ttl -d 'How long the lock outlives a holder that is not heard of' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand exec" -l wait -d 'Give up after this time in line; 0 does not wait [default: wait for ever]' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand exec" -l slots -d 'How many may hold the lock at a time; all must say the same' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand exec" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand exec" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand exec" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand exec" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand exec" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand exec" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand exec" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand exec" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand exec" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand run-once" -l ttl -d 'How long the lock outlives a holder that is not heard of' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand run-once" -l wait -d 'Give up after this time in line; 0 does not wait [default: wait for ever]' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand run-once" -l keep -d 'How long it is remembered that it was done' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand run-once" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand run-once" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand run-once" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand run-once" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand run-once" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand run-once" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand run-once" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand run-once" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand run-once" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand held" -l fence -d 'Ask whether the holder with this fence still does' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand held" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand held" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand held" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand held" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand held" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand held" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand held" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand held" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand held" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand list" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand list" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand list" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand list" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand list" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand list" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand list" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand list" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand info" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand info" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand info" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand info" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand info" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand info" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand info" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand info" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand break" -l fence -d 'Only from the holder with this fence' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand break" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand break" -l timeout -d 'How long one member may take to answer' -r
complete -c lockctl -n "__fish_lockctl_using_subcommand break" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c lockctl -n "__fish_lockctl_using_subcommand break" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand break" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand break" -l key -d 'PEM key of --cert' -r -F
complete -c lockctl -n "__fish_lockctl_using_subcommand break" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c lockctl -n "__fish_lockctl_using_subcommand break" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c lockctl -n "__fish_lockctl_using_subcommand break" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "status" -d 'Shows who holds a place of the reboot semaphore, and who waits'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "lock" -d 'Takes a place for a machine; one that holds a place holds it still'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "unlock" -d 'Gives the place of a machine back'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "set-max" -d 'Sets how many machines of a group may hold a place at a time'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "groups" -d 'Lists the groups that were made'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "reboot" -d 'Reboots a machine once it holds a place; windows, blockers and people who are logged in are not waited for'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "need-reboot" -d 'Says that a machine wants a reboot, when everything agrees'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "exec" -d 'Runs a command while a lock is held, and no longer'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "run-once" -d 'Runs a command on one of the machines that are told to, and on no other'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "held" -d 'Tells whether somebody holds a lock: ends with 0 if so, else with 3'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "list" -d 'Lists the locks that are held'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "info" -d 'Shows who holds a lock, and who waits for it'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "break" -d 'Takes a lock away from whoever holds it; what runs under it is stopped'
complete -c lockctl -n "__fish_lockctl_using_subcommand help; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'

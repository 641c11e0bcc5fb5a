# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kvctl_global_optspecs
    string join \n endpoints= dial-timeout= command-timeout= keepalive-time= keepalive-timeout= w/write-out= hex max-request-bytes= cacert= cert= key= insecure-skip-tls-verify insecure-transport o/output= h/help V/version
end

function __fish_kvctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kvctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kvctl_using_subcommand
    set -l cmd (__fish_kvctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kvctl -n "__fish_kvctl_needs_command" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_needs_command" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_needs_command" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_needs_command" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_needs_command" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_needs_command" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_needs_command" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_needs_command" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_needs_command" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_needs_command" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_needs_command" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_needs_command" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_needs_command" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_needs_command" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_needs_command" -s V -l version -d 'Print version'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "put" -d 'Writes a value under a key; without VALUE it is read from stdin'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "get" -d 'Shows a key or a range of keys'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "del" -d 'Deletes a key or a range of keys and says how many'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "txn" -d 'Applies requests from stdin as one transaction'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "watch" -d 'Shows changes of a key or a range of keys as they happen'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "lease" -d 'Grants, renews and ends leases'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "compaction" -d 'Forgets the history before a revision'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "endpoint" -d 'Asks each server about itself'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "member" -d 'Shows and changes the members of the cluster'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "move-leader" -d 'Gives the lead to another member'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "snapshot" -d 'Saves the whole store, looks at what was saved, and restores it'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "alarm" -d 'Shows and clears alarms'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "defrag" -d 'Lets each server give back unused space'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "check" -d 'Measures a server against fixed marks'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "version" -d 'Shows the version of the client and of the etcd API that it speaks'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "ls" -d 'Lists keys as files and folders, with / between names'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "bench" -d 'Loads an etcd v3 server and reports operations, latencies, processor time and memory'
complete -c kvctl -n "__fish_kvctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l lease -d 'Lease in hexadecimal whose end deletes the key' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l ttl -d 'Let the key end after this time: grants a lease for it alone' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l if-held -d 'Write only if this lock, see lockctl(1), is held under the fence still' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l fence -d 'The fence of --if-held' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l prev-kv -d 'Show the pair as it was before'
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l ignore-value -d 'Keep the value and change only the lease'
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l ignore-lease -d 'Keep the lease and change only the value'
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand put" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l consistency -d 'l reads what a majority has, s what the server has' -r -f -a "l\t''
s\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l order -d 'Which end comes first' -r -f -a "ASCEND\t''
DESCEND\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l sort-by -d 'What the order is of' -r -f -a "CREATE\t''
KEY\t''
MODIFY\t''
VALUE\t''
VERSION\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l limit -d 'Show at most so many keys; 0 shows all' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l rev -d 'Read the store as it was at this revision; 0 is now' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l min-mod-rev -d 'Leave out keys changed before it' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l max-mod-rev -d 'Leave out keys changed after it' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l min-create-rev -d 'Leave out keys created before it' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l max-create-rev -d 'Leave out keys created after it' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l prefix -d 'Show all keys that begin with KEY'
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l from-key -d 'Show all keys from KEY on'
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l keys-only -d 'Leave the values out'
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l count-only -d 'Show how many keys there are'
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l print-value-only -d 'Leave the keys out'
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l exists -d 'Exit with 3 when there is no such key'
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l prefix -d 'Delete all keys that begin with KEY'
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l from-key -d 'Delete all keys from KEY on'
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l prev-kv -d 'Show the deleted pairs'
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand del" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l if-held -d 'Write only if this lock, see lockctl(1), is held under the fence still' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l fence -d 'The fence of --if-held' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -s i -l interactive -d 'Name each part before it is read'
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand txn" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l rev -d 'Begin with this revision; 0 is from now on' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l exec -d 'Run this with sh for every event; a failure of it ends the watch with 1' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -s i -l interactive -d 'Read watch and progress commands from stdin'
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l prefix -d 'Watch all keys that begin with KEY'
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l prev-kv -d 'Show each pair as it was before, too'
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l progress-notify -d 'Let the server report its revision when nothing happens'
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l forever -d 'Reconnect when the connection ends and go on with the next revision'
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -f -a "grant" -d 'Makes a lease'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -f -a "revoke" -d 'Ends a lease and deletes its keys'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -f -a "timetolive" -d 'Shows how long a lease still lives'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -f -a "list" -d 'Lists all leases'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -f -a "keep-alive" -d 'Renews a lease until it ends or the command is stopped'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and not __fish_seen_subcommand_from grant revoke timetolive list keep-alive help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from grant" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l keys -d 'Show the keys that it holds'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from timetolive" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l once -d 'Renew it once'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from keep-alive" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from help" -f -a "grant" -d 'Makes a lease'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'Ends a lease and deletes its keys'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from help" -f -a "timetolive" -d 'Shows how long a lease still lives'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from help" -f -a "list" -d 'Lists all leases'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from help" -f -a "keep-alive" -d 'Renews a lease until it ends or the command is stopped'
complete -c kvctl -n "__fish_kvctl_using_subcommand lease; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l physical -d 'Wait until the space is free'
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand compaction" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l cluster -d 'Ask every member of the cluster'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -f -a "health" -d 'Shows whether it can commit'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -f -a "status" -d 'Shows version, size and Raft state'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -f -a "hashkv" -d 'Shows the hash of its key history'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and not __fish_seen_subcommand_from health status hashkv help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l cluster -d 'Ask every member of the cluster'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from health" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l cluster -d 'Ask every member of the cluster'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l rev -d 'Hash up to this revision; 0 is all' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l cluster -d 'Ask every member of the cluster'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from hashkv" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from help" -f -a "health" -d 'Shows whether it can commit'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from help" -f -a "status" -d 'Shows version, size and Raft state'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from help" -f -a "hashkv" -d 'Shows the hash of its key history'
complete -c kvctl -n "__fish_kvctl_using_subcommand endpoint; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -f -a "list" -d 'Lists them'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -f -a "add" -d 'Adds a member, and shows how to start it'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -f -a "remove" -d 'Removes a member for ever'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -f -a "update" -d 'Changes where the other members reach a member'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -f -a "promote" -d 'Lets a learner vote that has caught up'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove update promote help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l peer-urls -d 'Where the other members reach it, with commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l learner -d 'Ask for one without a vote, as every member of coracle begins'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l peer-urls -d 'Where the other members reach it, with commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from promote" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from help" -f -a "list" -d 'Lists them'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from help" -f -a "add" -d 'Adds a member, and shows how to start it'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Removes a member for ever'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from help" -f -a "update" -d 'Changes where the other members reach a member'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from help" -f -a "promote" -d 'Lets a learner vote that has caught up'
complete -c kvctl -n "__fish_kvctl_using_subcommand member; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand move-leader" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -f -a "status" -d 'Checks a snapshot FILE and prints its hash, revision, keys and size'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -f -a "save" -d 'Writes a snapshot to FILE, which appears only when it is whole'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -f -a "restore" -d 'Makes the data directory of a new cluster\'s member from a snapshot FILE'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and not __fish_seen_subcommand_from status save restore help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from save" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l data-dir -d 'Directory to make; it must be new or empty' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l name -d 'Name of this member' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l initial-cluster -d 'Who founds the cluster: NAME=URL for every founder, with commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l initial-cluster-token -d 'What tells this cluster from another one of the same FILE and URLs' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l initial-advertise-peer-urls -d 'Where the other members reach this one' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l bump-revision -d 'Revisions to leave out, so that none of the old cluster comes again' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l mark-compacted -d 'Tell watches from before --bump-revision that they missed something'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l skip-hash-check -d 'Take a FILE whose checksum is wrong, if its content fits together all the same'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from help" -f -a "status" -d 'Checks a snapshot FILE and prints its hash, revision, keys and size'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from help" -f -a "save" -d 'Writes a snapshot to FILE, which appears only when it is whole'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from help" -f -a "restore" -d 'Makes the data directory of a new cluster\'s member from a snapshot FILE'
complete -c kvctl -n "__fish_kvctl_using_subcommand snapshot; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -f -a "list" -d 'Lists raised alarms'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -f -a "disarm" -d 'Clears all alarms'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and not __fish_seen_subcommand_from list disarm help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from disarm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from help" -f -a "list" -d 'Lists raised alarms'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from help" -f -a "disarm" -d 'Clears all alarms'
complete -c kvctl -n "__fish_kvctl_using_subcommand alarm; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l cluster -d 'Ask every member of the cluster'
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand defrag" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -f -a "perf" -d 'Writes at a fixed rate for a minute and judges rate and latency'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -f -a "datascale" -d 'Writes many keys and shows how much memory they take'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and not __fish_seen_subcommand_from perf datascale help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l load -d 'How much to write' -r -f -a "s\t''
m\t''
l\t''
xl\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l prefix -d 'Where to write, and to delete afterwards' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l auto-compact -d 'Compact the history afterwards'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l auto-defrag -d 'Defragment afterwards'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from perf" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l load -d 'How much to write' -r -f -a "s\t''
m\t''
l\t''
xl\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l prefix -d 'Where to write, and to delete afterwards' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l auto-compact -d 'Compact the history afterwards'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l auto-defrag -d 'Defragment afterwards'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from datascale" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from help" -f -a "perf" -d 'Writes at a fixed rate for a minute and judges rate and latency'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from help" -f -a "datascale" -d 'Writes many keys and shows how much memory they take'
complete -c kvctl -n "__fish_kvctl_using_subcommand check; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l recursive -d 'List every key below it'
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l versus -d 'The other server of a comparison, or its members: each round runs against both, one after the other' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l server-pid -d 'Process of the server, on this machine: reports its processor time and memory; of all its members together when several are named' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l versus-pid -d 'Process of the other server' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l server-name -d 'What the report calls the server [default: its endpoint]' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l versus-name -d 'What the report calls the other server [default: its endpoint]' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l clients -d 'Callers at the same time, each waiting for its answer; several numbers, separated by commas, are run in turn' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l connections -d 'Connections that the clients share; never more than clients' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l value-size -d 'Length of a value; values are random bytes' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l key-size -d 'Length of a key, the prefix included' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l keys -d 'How many different keys there are' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l seed -d 'Where keys and values come from [default: a new one, which is printed]' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l seconds -d 'Measure for so long, after the warm-up' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l total -d 'Measure so many operations instead, without a warm-up' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l warmup -d 'Run for so long before anything is counted' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l rate -d 'Start so many operations a second, however slow the answers; latency counts from the start that was due' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l rounds -d 'Rounds of each load; the report has the median of each figure' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l reads -d 'Reads in the mixed load; half of them are serializable' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l watchers -d 'Watchers of the one key of the watch load' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l streams -d 'Streams that the watchers share [default: one per connection]' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l writers -d 'Clients that put the watched key' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l lead -d 'Puts that may be on their way to the watchers before the writers wait' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l prefix -d 'Where the keys are' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l min-ops -d 'Exit with 1 if a load reaches fewer operations a second' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l max-p99-ms -d 'Exit with 1 if the p99 latency of a load is longer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l command-timeout -d 'How long one answer may take' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l max-request-bytes -d 'Largest request to send' -r
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l key -d 'PEM key of --cert' -r -F
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l sequential -d 'Take keys in order instead of at random'
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l keep -d 'Leave the keys where they are'
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c kvctl -n "__fish_kvctl_using_subcommand bench" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "put" -d 'Writes a value under a key; without VALUE it is read from stdin'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "get" -d 'Shows a key or a range of keys'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "del" -d 'Deletes a key or a range of keys and says how many'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "txn" -d 'Applies requests from stdin as one transaction'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "watch" -d 'Shows changes of a key or a range of keys as they happen'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "lease" -d 'Grants, renews and ends leases'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "compaction" -d 'Forgets the history before a revision'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "endpoint" -d 'Asks each server about itself'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "member" -d 'Shows and changes the members of the cluster'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "move-leader" -d 'Gives the lead to another member'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "snapshot" -d 'Saves the whole store, looks at what was saved, and restores it'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "alarm" -d 'Shows and clears alarms'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "defrag" -d 'Lets each server give back unused space'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "check" -d 'Measures a server against fixed marks'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "version" -d 'Shows the version of the client and of the etcd API that it speaks'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "ls" -d 'Lists keys as files and folders, with / between names'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "bench" -d 'Loads an etcd v3 server and reports operations, latencies, processor time and memory'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from lease" -f -a "grant" -d 'Makes a lease'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from lease" -f -a "revoke" -d 'Ends a lease and deletes its keys'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from lease" -f -a "timetolive" -d 'Shows how long a lease still lives'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from lease" -f -a "list" -d 'Lists all leases'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from lease" -f -a "keep-alive" -d 'Renews a lease until it ends or the command is stopped'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from endpoint" -f -a "health" -d 'Shows whether it can commit'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from endpoint" -f -a "status" -d 'Shows version, size and Raft state'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from endpoint" -f -a "hashkv" -d 'Shows the hash of its key history'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from member" -f -a "list" -d 'Lists them'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from member" -f -a "add" -d 'Adds a member, and shows how to start it'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from member" -f -a "remove" -d 'Removes a member for ever'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from member" -f -a "update" -d 'Changes where the other members reach a member'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from member" -f -a "promote" -d 'Lets a learner vote that has caught up'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from snapshot" -f -a "status" -d 'Checks a snapshot FILE and prints its hash, revision, keys and size'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from snapshot" -f -a "save" -d 'Writes a snapshot to FILE, which appears only when it is whole'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from snapshot" -f -a "restore" -d 'Makes the data directory of a new cluster\'s member from a snapshot FILE'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from alarm" -f -a "list" -d 'Lists raised alarms'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from alarm" -f -a "disarm" -d 'Clears all alarms'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from check" -f -a "perf" -d 'Writes at a fixed rate for a minute and judges rate and latency'
complete -c kvctl -n "__fish_kvctl_using_subcommand help; and __fish_seen_subcommand_from check" -f -a "datascale" -d 'Writes many keys and shows how much memory they take'

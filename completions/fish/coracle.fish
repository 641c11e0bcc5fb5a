# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_coracle_global_optspecs
    string join \n h/help V/version
end

function __fish_coracle_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_coracle_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_coracle_using_subcommand
    set -l cmd (__fish_coracle_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c coracle -n "__fish_coracle_needs_command" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_needs_command" -s V -l version -d 'Print version'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "kv" -d 'Reads and writes the key-value store of coracle or of any etcd v3 server'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "lock" -d 'Reboots of machines one at a time, and locks that scripts can trust'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "cluster" -d 'Looks after the cluster as a whole: who is in it, who leads, what is wrong'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "daemon" -d 'Runs every server role of this machine'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "demo" -d 'Starts a member or a cluster in a temporary directory and shows what it can do'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -s V -l version -d 'Print version'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "put" -d 'Writes a value under a key; without VALUE it is read from stdin'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "get" -d 'Shows a key or a range of keys'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "del" -d 'Deletes a key or a range of keys and says how many'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "txn" -d 'Applies requests from stdin as one transaction'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "watch" -d 'Shows changes of a key or a range of keys as they happen'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "lease" -d 'Grants, renews and ends leases'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "compaction" -d 'Forgets the history before a revision'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "endpoint" -d 'Asks each server about itself'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "member" -d 'Shows and changes the members of the cluster'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "move-leader" -d 'Gives the lead to another member'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "snapshot" -d 'Saves the whole store, looks at what was saved, and restores it'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "alarm" -d 'Shows and clears alarms'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "defrag" -d 'Lets each server give back unused space'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "check" -d 'Measures a server against fixed marks'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "version" -d 'Shows the version of the client and of the etcd API that it speaks'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "ls" -d 'Lists keys as files and folders, with / between names'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "bench" -d 'Loads an etcd v3 server and reports operations, latencies, processor time and memory'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and not __fish_seen_subcommand_from put get del txn watch lease compaction endpoint member move-leader snapshot alarm defrag check version ls bench help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l lease -d 'Lease in hexadecimal whose end deletes the key' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l ttl -d 'Let the key end after this time: grants a lease for it alone' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l if-held -d 'Write only if this lock, see lockctl(1), is held under the fence still' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l fence -d 'The fence of --if-held' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l prev-kv -d 'Show the pair as it was before'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l ignore-value -d 'Keep the value and change only the lease'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l ignore-lease -d 'Keep the lease and change only the value'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from put" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l consistency -d 'l reads what a majority has, s what the server has' -r -f -a "l\t''
s\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l order -d 'Which end comes first' -r -f -a "ASCEND\t''
DESCEND\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l sort-by -d 'What the order is of' -r -f -a "CREATE\t''
KEY\t''
MODIFY\t''
VALUE\t''
VERSION\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l limit -d 'Show at most so many keys; 0 shows all' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l rev -d 'Read the store as it was at this revision; 0 is now' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l min-mod-rev -d 'Leave out keys changed before it' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l max-mod-rev -d 'Leave out keys changed after it' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l min-create-rev -d 'Leave out keys created before it' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l max-create-rev -d 'Leave out keys created after it' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l prefix -d 'Show all keys that begin with KEY'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l from-key -d 'Show all keys from KEY on'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l keys-only -d 'Leave the values out'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l count-only -d 'Show how many keys there are'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l print-value-only -d 'Leave the keys out'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l exists -d 'Exit with 3 when there is no such key'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l prefix -d 'Delete all keys that begin with KEY'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l from-key -d 'Delete all keys from KEY on'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l prev-kv -d 'Show the deleted pairs'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from del" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l if-held -d 'Write only if this lock, see lockctl(1), is held under the fence still' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l fence -d 'The fence of --if-held' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -s i -l interactive -d 'Name each part before it is read'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from txn" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l rev -d 'Begin with this revision; 0 is from now on' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l exec -d 'Run this with sh for every event; a failure of it ends the watch with 1' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -s i -l interactive -d 'Read watch and progress commands from stdin'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l prefix -d 'Watch all keys that begin with KEY'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l prev-kv -d 'Show each pair as it was before, too'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l progress-notify -d 'Let the server report its revision when nothing happens'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l forever -d 'Reconnect when the connection ends and go on with the next revision'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -f -a "grant" -d 'Makes a lease'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -f -a "revoke" -d 'Ends a lease and deletes its keys'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -f -a "timetolive" -d 'Shows how long a lease still lives'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -f -a "list" -d 'Lists all leases'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -f -a "keep-alive" -d 'Renews a lease until it ends or the command is stopped'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from lease" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l physical -d 'Wait until the space is free'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from compaction" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l cluster -d 'Ask every member of the cluster'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -f -a "health" -d 'Shows whether it can commit'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -f -a "status" -d 'Shows version, size and Raft state'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -f -a "hashkv" -d 'Shows the hash of its key history'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from endpoint" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -f -a "list" -d 'Lists them'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -f -a "add" -d 'Adds a member, and shows how to start it'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -f -a "remove" -d 'Removes a member for ever'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -f -a "update" -d 'Changes where the other members reach a member'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -f -a "promote" -d 'Lets a learner vote that has caught up'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from member" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from move-leader" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -f -a "status" -d 'Checks a snapshot FILE and prints its hash, revision, keys and size'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -f -a "save" -d 'Writes a snapshot to FILE, which appears only when it is whole'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -f -a "restore" -d 'Makes the data directory of a new cluster\'s member from a snapshot FILE'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from snapshot" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -f -a "list" -d 'Lists raised alarms'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -f -a "disarm" -d 'Clears all alarms'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from alarm" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l cluster -d 'Ask every member of the cluster'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from defrag" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -f -a "perf" -d 'Writes at a fixed rate for a minute and judges rate and latency'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -f -a "datascale" -d 'Writes many keys and shows how much memory they take'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from check" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l recursive -d 'List every key below it'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l versus -d 'The other server of a comparison, or its members: each round runs against both, one after the other' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l server-pid -d 'Process of the server, on this machine: reports its processor time and memory; of all its members together when several are named' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l versus-pid -d 'Process of the other server' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l server-name -d 'What the report calls the server [default: its endpoint]' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l versus-name -d 'What the report calls the other server [default: its endpoint]' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l clients -d 'Callers at the same time, each waiting for its answer; several numbers, separated by commas, are run in turn' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l connections -d 'Connections that the clients share; never more than clients' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l value-size -d 'Length of a value; values are random bytes' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l key-size -d 'Length of a key, the prefix included' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l keys -d 'How many different keys there are' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l seed -d 'Where keys and values come from [default: a new one, which is printed]' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l seconds -d 'Measure for so long, after the warm-up' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l total -d 'Measure so many operations instead, without a warm-up' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l warmup -d 'Run for so long before anything is counted' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l rate -d 'Start so many operations a second, however slow the answers; latency counts from the start that was due' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l rounds -d 'Rounds of each load; the report has the median of each figure' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l reads -d 'Reads in the mixed load; half of them are serializable' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l watchers -d 'Watchers of the one key of the watch load' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l streams -d 'Streams that the watchers share [default: one per connection]' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l writers -d 'Clients that put the watched key' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l lead -d 'Puts that may be on their way to the watchers before the writers wait' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l prefix -d 'Where the keys are' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l min-ops -d 'Exit with 1 if a load reaches fewer operations a second' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l max-p99-ms -d 'Exit with 1 if the p99 latency of a load is longer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l endpoints -d 'Servers to try in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l dial-timeout -d 'How long one server may take to accept a connection' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l command-timeout -d 'How long one answer may take' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l keepalive-time -d 'How often an idle connection is probed' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l keepalive-timeout -d 'How long a probe may stay without an answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -s w -l write-out -d 'Format of the answer, as etcdctl has it' -r -f -a "simple\t''
json\t''
fields\t''
table\t''
protobuf\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l max-request-bytes -d 'Largest request to send' -r
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -s o -l output -d 'Format of the answer: text, or json with plain UTF-8 strings' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l sequential -d 'Take keys in order instead of at random'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l keep -d 'Leave the keys where they are'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l hex -d 'Print byte strings as hexadecimal escapes'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from bench" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "put" -d 'Writes a value under a key; without VALUE it is read from stdin'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "get" -d 'Shows a key or a range of keys'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "del" -d 'Deletes a key or a range of keys and says how many'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "txn" -d 'Applies requests from stdin as one transaction'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "watch" -d 'Shows changes of a key or a range of keys as they happen'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "lease" -d 'Grants, renews and ends leases'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "compaction" -d 'Forgets the history before a revision'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "endpoint" -d 'Asks each server about itself'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "member" -d 'Shows and changes the members of the cluster'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "move-leader" -d 'Gives the lead to another member'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "snapshot" -d 'Saves the whole store, looks at what was saved, and restores it'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "alarm" -d 'Shows and clears alarms'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "defrag" -d 'Lets each server give back unused space'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "check" -d 'Measures a server against fixed marks'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "version" -d 'Shows the version of the client and of the etcd API that it speaks'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "ls" -d 'Lists keys as files and folders, with / between names'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "bench" -d 'Loads an etcd v3 server and reports operations, latencies, processor time and memory'
complete -c coracle -n "__fish_coracle_using_subcommand kv; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -s V -l version -d 'Print version'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "status" -d 'Shows who holds a place of the reboot semaphore, and who waits'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "lock" -d 'Takes a place for a machine; one that holds a place holds it still'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "unlock" -d 'Gives the place of a machine back'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "set-max" -d 'Sets how many machines of a group may hold a place at a time'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "groups" -d 'Lists the groups that were made'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "reboot" -d 'Reboots a machine once it holds a place; windows, blockers and people who are logged in are not waited for'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "need-reboot" -d 'Says that a machine wants a reboot, when everything agrees'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "exec" -d 'Runs a command while a lock is held, and no longer'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "run-once" -d 'Runs a command on one of the machines that are told to, and on no other'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "held" -d 'Tells whether somebody holds a lock: ends with 0 if so, else with 3'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "list" -d 'Lists the locks that are held'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "info" -d 'Shows who holds a lock, and who waits for it'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "break" -d 'Takes a lock away from whoever holds it; what runs under it is stopped'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and not __fish_seen_subcommand_from status lock unlock set-max groups reboot need-reboot exec run-once held list info break help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from status" -l group -d 'Group of machines that share a semaphore' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from status" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from status" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from status" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from status" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from status" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from status" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from status" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from status" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from lock" -l group -d 'Group of machines that share a semaphore' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from lock" -l reason -d 'What it is for, for those who look' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from lock" -l wait -d 'Wait so long for a place, in line' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from lock" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from lock" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from lock" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from lock" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from lock" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from lock" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from lock" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from lock" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from lock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from unlock" -l group -d 'Group of machines that share a semaphore' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from unlock" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from unlock" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from unlock" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from unlock" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from unlock" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from unlock" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from unlock" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from unlock" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from unlock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from set-max" -l group -d 'Group of machines that share a semaphore' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from set-max" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from set-max" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from set-max" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from set-max" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from set-max" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from set-max" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from set-max" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from set-max" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from set-max" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from groups" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from groups" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from groups" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from groups" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from groups" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from groups" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from groups" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from groups" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from groups" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from reboot" -l reason -d 'What for, for those who look' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from reboot" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from reboot" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from reboot" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from reboot" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from reboot" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from reboot" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from reboot" -l cancel -d 'Take it back, where the reboot has not begun'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from reboot" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from reboot" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from reboot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from need-reboot" -l reason -d 'What for, for those who look' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from need-reboot" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from need-reboot" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from need-reboot" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from need-reboot" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from need-reboot" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from need-reboot" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from need-reboot" -l cancel -d 'Take it back, where the reboot has not begun'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from need-reboot" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from need-reboot" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from need-reboot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from exec" -l ttl -d 'How long the lock outlives a holder that is not heard of' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from exec" -l wait -d 'Give up after this time in line; 0 does not wait [default: wait for ever]' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from exec" -l slots -d 'How many may hold the lock at a time; all must say the same' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from exec" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from exec" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from exec" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from exec" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from exec" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from exec" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from exec" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from exec" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from exec" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from run-once" -l ttl -d 'How long the lock outlives a holder that is not heard of' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from run-once" -l wait -d 'Give up after this time in line; 0 does not wait [default: wait for ever]' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from run-once" -l keep -d 'How long it is remembered that it was done' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from run-once" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from run-once" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from run-once" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from run-once" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from run-once" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from run-once" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from run-once" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from run-once" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from run-once" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from held" -l fence -d 'Ask whether the holder with this fence still does' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from held" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from held" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from held" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from held" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from held" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from held" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from held" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from held" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from held" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from list" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from list" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from list" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from list" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from list" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from list" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from list" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from list" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from info" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from info" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from info" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from info" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from info" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from info" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from info" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from info" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from break" -l fence -d 'Only from the holder with this fence' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from break" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from break" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from break" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from break" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from break" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from break" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from break" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from break" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from break" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "status" -d 'Shows who holds a place of the reboot semaphore, and who waits'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "lock" -d 'Takes a place for a machine; one that holds a place holds it still'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "unlock" -d 'Gives the place of a machine back'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "set-max" -d 'Sets how many machines of a group may hold a place at a time'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "groups" -d 'Lists the groups that were made'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "reboot" -d 'Reboots a machine once it holds a place; windows, blockers and people who are logged in are not waited for'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "need-reboot" -d 'Says that a machine wants a reboot, when everything agrees'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "exec" -d 'Runs a command while a lock is held, and no longer'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "run-once" -d 'Runs a command on one of the machines that are told to, and on no other'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "held" -d 'Tells whether somebody holds a lock: ends with 0 if so, else with 3'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "list" -d 'Lists the locks that are held'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "info" -d 'Shows who holds a lock, and who waits for it'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "break" -d 'Takes a lock away from whoever holds it; what runs under it is stopped'
complete -c coracle -n "__fish_coracle_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -s V -l version -d 'Print version'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "init" -d 'Makes the certificate authority of a new cluster, on its first machine'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "certificate" -d 'Makes the certificates by which clients off the machine are served'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "status" -d 'Shows the members, the leader, what is wrong and what to type about it'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "health" -d 'Says in a line how the cluster is; ends with 0 if well, 1 if degraded, 4 if unavailable'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "members" -d 'Lists who is in the cluster: voters, learners and workers'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "remove" -d 'Takes a node out of the cluster: a member, a worker, dead or alive'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "replace" -d 'Puts a worker in the place of a member that is dead'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "promote" -d 'Makes a worker a member, and a learner vote'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "demote" -d 'Makes a member that joined by a token a worker again'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "transfer-leader" -d 'Has another voter lead'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "token" -d 'Makes, lists and revokes the tokens by which machines join'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "restore" -d 'Makes the data directory of a new cluster\'s member from a snapshot FILE'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and not __fish_seen_subcommand_from init certificate status health members remove replace promote demote transfer-leader token restore help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from init" -l data-dir -d 'Where this machine\'s daemon keeps its data [default: as for `coracle daemon`]' -r -f -a "(__fish_complete_directories)"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from init" -l name -d 'What the cluster is called in its certificates' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from init" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from init" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from init" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from init" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from init" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from init" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from init" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from init" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from certificate" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from certificate" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from certificate" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from certificate" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from certificate" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from certificate" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from certificate" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from certificate" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from certificate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from certificate" -f -a "create" -d 'Makes NAME.pem and NAME.key for a client, and ca.pem for it to check servers'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from certificate" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from status" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from status" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from status" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from status" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from status" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from status" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from status" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from status" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from health" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from health" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from health" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from health" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from health" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from health" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from health" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from health" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from health" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from members" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from members" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from members" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from members" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from members" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from members" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from members" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from members" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from members" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from remove" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from remove" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from remove" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from remove" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from remove" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from remove" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from remove" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from remove" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from replace" -l wait -d 'How long to wait until it votes; 0 waits for nothing' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from replace" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from replace" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from replace" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from replace" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from replace" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from replace" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from replace" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from replace" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from replace" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from promote" -l wait -d 'How long to wait until it votes; 0 waits for nothing' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from promote" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from promote" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from promote" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from promote" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from promote" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from promote" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from promote" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from promote" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from promote" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from demote" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from demote" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from demote" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from demote" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from demote" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from demote" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from demote" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from demote" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from demote" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from transfer-leader" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from transfer-leader" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from transfer-leader" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from transfer-leader" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from transfer-leader" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from transfer-leader" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from transfer-leader" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from transfer-leader" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from transfer-leader" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -f -a "create" -d 'Makes a token and prints it; it is shown this once'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -f -a "list" -d 'Lists the tokens, without what opens'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -f -a "revoke" -d 'Ends a token; machines that joined by it stay'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from token" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l data-dir -d 'Directory to make; it must be new or empty' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l name -d 'Name of this member' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l initial-cluster -d 'Who founds the cluster: NAME=URL for every founder, with commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l initial-cluster-token -d 'What tells this cluster from another one of the same FILE and URLs' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l initial-advertise-peer-urls -d 'Where the other members reach this one' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l bump-revision -d 'Revisions to leave out, so that none of the old cluster comes again' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l endpoints -d 'Members to ask in turn, separated by commas' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l timeout -d 'How long one member may take to answer' -r
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -s o -l output -d 'Format of the answer' -r -f -a "text\t''
json\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l cacert -d 'PEM authorities whose servers are believed over https [default: the cluster\'s where its node runs, else this machine\'s]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l cert -d 'PEM certificate to show to servers over https' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l key -d 'PEM key of --cert' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l mark-compacted -d 'Tell watches from before --bump-revision that they missed something'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l skip-hash-check -d 'Take a FILE whose checksum is wrong, if its content fits together all the same'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l insecure-skip-tls-verify -d 'Believe every server over https: whoever is in between can read and change everything'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -l insecure-transport -d 'Speak plain text to endpoints without a scheme, unless --cacert or --cert is given'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "init" -d 'Makes the certificate authority of a new cluster, on its first machine'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "certificate" -d 'Makes the certificates by which clients off the machine are served'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "status" -d 'Shows the members, the leader, what is wrong and what to type about it'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "health" -d 'Says in a line how the cluster is; ends with 0 if well, 1 if degraded, 4 if unavailable'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "members" -d 'Lists who is in the cluster: voters, learners and workers'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Takes a node out of the cluster: a member, a worker, dead or alive'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "replace" -d 'Puts a worker in the place of a member that is dead'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "promote" -d 'Makes a worker a member, and a learner vote'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "demote" -d 'Makes a member that joined by a token a worker again'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "transfer-leader" -d 'Has another voter lead'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "token" -d 'Makes, lists and revokes the tokens by which machines join'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "restore" -d 'Makes the data directory of a new cluster\'s member from a snapshot FILE'
complete -c coracle -n "__fish_coracle_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l config -d 'TOML file with any of the settings below, by the name of the flag' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l name -d 'Name of this member [default: default] [env: CORACLE_NAME]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l data-dir -d 'Where everything is kept [default: /var/lib/coracle as root, else $XDG_DATA_HOME/coracle] [env: CORACLE_DATA_DIR]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l listen-client-urls -d 'Where clients are served [default: http://127.0.0.1:2379] [env: CORACLE_LISTEN_CLIENT_URLS]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l advertise-client-urls -d 'What clients are told to connect to [default: the URLs that are listened on, without those of loopback if there are others] [env: CORACLE_ADVERTISE_CLIENT_URLS]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l listen-metrics-urls -d 'Where only /metrics and /health are served [default: none] [env: CORACLE_LISTEN_METRICS_URLS]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l listen-peer-urls -d 'Where the other members are served [default: none, or http://127.0.0.1:2380 with an initial cluster or when it joins one, and https:// where it joins by that] [env: CORACLE_LISTEN_PEER_URLS]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l initial-advertise-peer-urls -d 'Where the other members reach this one [default: the peer URLs that are listened on, without those of loopback if there are others] [env: CORACLE_INITIAL_ADVERTISE_PEER_URLS]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l initial-cluster -d 'Who founds the cluster: NAME=URL for every founder, with commas [default: this member alone] [env: CORACLE_INITIAL_CLUSTER]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l initial-cluster-state -d 'Whether the members of --initial-cluster found it, or have added this one to it [default: new] [env: CORACLE_INITIAL_CLUSTER_STATE]' -r -f -a "new\t''
existing\t''"
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l initial-cluster-token -d 'What tells this cluster from others that had the same URLs [default: coracle-cluster] [env: CORACLE_INITIAL_CLUSTER_TOKEN]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l replace-after -d 'How long a voting member may be gone before a learner that has caught up takes its place; 0 for ever [default: 10m] [env: CORACLE_REPLACE_AFTER]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l join -d 'Where members of a cluster that this machine is to join are reached by other members [default: none] [env: CORACLE_JOIN]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l token -d 'What lets this machine join, from `coracle cluster token create` [default: none] [env: CORACLE_TOKEN]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l voters -d 'How many of the machines that joined are made voting members: 1, 3, 5 or 7 [default: 3] [env: CORACLE_VOTERS]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l machine-id -d 'Id of this machine: 32 hexadecimal digits [default: /etc/machine-id, else one that is kept in --data-dir] [env: CORACLE_MACHINE_ID]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l metadata -d 'What is said of this machine: KEY=VALUE, several with commas [default: none] [env: CORACLE_METADATA]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l fleetlock-token -d 'What FleetLock clients must show, as `authorization: Bearer TOKEN`; whoever lists processes sees a flag, and none sees the variable [default: none, whoever can open a connection may ask] [env: CORACLE_FLEETLOCK_TOKEN]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l cert-file -d 'PEM certificate for https:// URLs of clients and of metrics, read again when it changes [default: that of a cluster with an authority of its own, see `coracle cluster init`] [env: CORACLE_CERT_FILE]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l key-file -d 'PEM key of --cert-file [default: none] [env: CORACLE_KEY_FILE]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l trusted-ca-file -d 'PEM authorities: only clients with a certificate of theirs are served [default: anybody is served] [env: CORACLE_TRUSTED_CA_FILE]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l peer-cert-file -d 'PEM certificate for https:// peer URLs, for both ends of a connection [default: as for --cert-file] [env: CORACLE_PEER_CERT_FILE]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l peer-key-file -d 'PEM key of --peer-cert-file [default: none] [env: CORACLE_PEER_KEY_FILE]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l peer-trusted-ca-file -d 'PEM authorities of the other members\' certificates [default: none] [env: CORACLE_PEER_TRUSTED_CA_FILE]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l socket -d 'Unix socket for clients on this machine, or `off` [default: /run/coracle/coracle.sock as root, else $XDG_RUNTIME_DIR/coracle.sock, or in --data-dir] [env: CORACLE_SOCKET]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l quota-backend-bytes -d 'Space after which writes are refused; negative for no limit [default: 2GiB] [env: CORACLE_QUOTA_BACKEND_BYTES]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l max-request-bytes -d 'Largest request that is accepted, 16MiB at most [default: 1572864] [env: CORACLE_MAX_REQUEST_BYTES]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l max-txn-ops -d 'Most operations in one transaction [default: 128] [env: CORACLE_MAX_TXN_OPS]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l max-concurrent-streams -d 'Most streams of one client connection [default: 65536] [env: CORACLE_MAX_CONCURRENT_STREAMS]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l auto-compaction-mode -d 'What bounds the superseded versions [default: bytes] [env: CORACLE_AUTO_COMPACTION_MODE]' -r -f -a "bytes\t''
periodic\t''
revision\t''"
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l auto-compaction-retention -d 'How much is kept, by mode: a size with its unit, a duration (a bare number is hours) or a count; 0 for all [default: 16MiB for bytes, else 0] [env: CORACLE_AUTO_COMPACTION_RETENTION]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l snapshot-count -d 'Commands between two checkpoints, at least [default: 10000] [env: CORACLE_SNAPSHOT_COUNT]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l snapshot-log-bytes -d 'Size of the log between two checkpoints, at least, and half of the state\'s; less is less to read at a start and sooner given back, for more checkpoints [default: 64MiB] [env: CORACLE_SNAPSHOT_LOG_BYTES]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l heartbeat-interval -d 'Milliseconds between heartbeats [default: 100] [env: CORACLE_HEARTBEAT_INTERVAL]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l election-timeout -d 'Milliseconds without a leader before an election [default: 1000] [env: CORACLE_ELECTION_TIMEOUT]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l watch-progress-notify-interval -d 'How long a quiet watch waits for a notice of progress [default: 10m] [env: CORACLE_WATCH_PROGRESS_NOTIFY_INTERVAL]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l certificate-validity -d 'How long the certificates are valid that this member signs for the nodes of the cluster; each is renewed after two thirds of it. 2160h are 90 days [default: 2160h] [env: CORACLE_CERTIFICATE_VALIDITY]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l backup-dir -d 'Where the daemon keeps snapshots of the store; in the file: dir in [backup] [default: `backup` in --data-dir] [env: CORACLE_BACKUP_DIR]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l backup-interval -d 'How often it takes one, if anything has changed; 0 for never; in the file: interval in [backup] [default: 1h] [env: CORACLE_BACKUP_INTERVAL]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l backup-keep -d 'How many it keeps; in the file: keep in [backup] [default: 24] [env: CORACLE_BACKUP_KEEP]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-strategy -d 'What is done when a reboot of this machine is wanted: nothing by itself, one machine of a group at a time, at once, or as a FleetLock server allows; in the file: strategy in [reboot], and so on [default: off] [env: CORACLE_REBOOT_STRATEGY]' -r -f -a "off\t''
lock\t''
immediate\t''
fleetlock\t''"
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-group -d 'Group of machines that share the semaphore of `lockctl` [default: default] [env: CORACLE_REBOOT_GROUP]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-windows -d 'When it may reboot, such as "Mon-Fri 02:00-04:00 Europe/Berlin"; several with semicolons, in the file as a list. Days and time zone may be left out [default: none, at any time] [env: CORACLE_REBOOT_WINDOWS]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-sentinel-files -d 'A reboot is wanted while one of these is there and was not before the last reboot [default: /run/reboot-required,/var/run/reboot-required] [env: CORACLE_REBOOT_SENTINEL_FILES]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-blockers -d 'Commands for the shell that must all succeed before a reboot, one on a line, in the file as a list; what one says when it fails is shown [default: none] [env: CORACLE_REBOOT_BLOCKERS]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-prometheus-url -d 'A Prometheus whose alerts that are firing block [default: none] [env: CORACLE_REBOOT_PROMETHEUS_URL]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-alert-filter -d 'Which alerts, with commas: * stands for any text, and !NAME takes one out [default: *] [env: CORACLE_REBOOT_ALERT_FILTER]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-users-delay -d 'How long people who are logged in are given after they were told; 0 not to ask them [default: 5m] [env: CORACLE_REBOOT_USERS_DELAY]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-command -d 'What reboots the machine, for the shell [default: by logind, else by the kernel after a sync] [env: CORACLE_REBOOT_COMMAND]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-drain-timeout -d 'How long what runs on the machine may take to go elsewhere [default: 5m] [env: CORACLE_REBOOT_DRAIN_TIMEOUT]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-health-dir -d 'Programs that must all succeed after a reboot before the place is given back [default: /etc/coracle/health.d] [env: CORACLE_REBOOT_HEALTH_DIR]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-health-deadline -d 'How long after a reboot they may fail; after that the place stays held [default: 10m] [env: CORACLE_REBOOT_HEALTH_DEADLINE]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-release-absent-after -d 'How long a machine may be down until its place is taken from it, as the leader\'s setting says; 0 for ever. One that is removed from the cluster loses its place at once [default: 0] [env: CORACLE_REBOOT_RELEASE_ABSENT_AFTER]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-fleetlock-url -d 'The FleetLock server that is asked, such as airlock [default: none] [env: CORACLE_REBOOT_FLEETLOCK_URL]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-fleetlock-token -d 'What is shown to it, as `authorization: Bearer TOKEN` [default: none] [env: CORACLE_REBOOT_FLEETLOCK_TOKEN]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l reboot-check-interval -d 'How often blockers are asked and files are looked for [default: 1m] [env: CORACLE_REBOOT_CHECK_INTERVAL]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l boot-id-file -d 'Where it is said which boot this is; another one makes a test of reboots [default: /proc/sys/kernel/random/boot_id] [env: CORACLE_BOOT_ID_FILE]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l corrupt-check-time -d 'How often the members\' states are compared; 0 for never [default: 10m] [env: CORACLE_CORRUPT_CHECK_TIME]' -r
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l log-level -d 'How much is told [default: info] [env: CORACLE_LOG_LEVEL]' -r -f -a "debug\t''
info\t''
warn\t''
error\t''"
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l check-config -d 'Print the settings that would be used, and end'
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l client-cert-auth -d 'Serve only clients with a certificate, which --trusted-ca-file alone means too [default: false] [env: CORACLE_CLIENT_CERT_AUTH]'
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l peer-client-cert-auth -d 'Talk only to members with a certificate, which --peer-trusted-ca-file alone means too [default: false] [env: CORACLE_PEER_CLIENT_CERT_AUTH]'
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l force-new-cluster -d 'Go on alone with what this member of a lost cluster has: the others are left, and the cluster has a new id. Take it away afterwards [default: false] [env: CORACLE_FORCE_NEW_CLUSTER]'
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -l insecure -d 'Allow to listen beyond this machine without TLS, and to members without certificates [default: false] [env: CORACLE_INSECURE]'
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand daemon" -s V -l version -d 'Print version'
complete -c coracle -n "__fish_coracle_using_subcommand demo" -l nodes -d 'How many members: 3 form a cluster, whose leader is killed before your eyes' -r
complete -c coracle -n "__fish_coracle_using_subcommand demo" -l once -d 'End after the tour, with exit code 0 if every step did what it shows'
complete -c coracle -n "__fish_coracle_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand demo" -s V -l version -d 'Print version'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from kv lock cluster daemon demo help" -f -a "kv" -d 'Reads and writes the key-value store of coracle or of any etcd v3 server'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from kv lock cluster daemon demo help" -f -a "lock" -d 'Reboots of machines one at a time, and locks that scripts can trust'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from kv lock cluster daemon demo help" -f -a "cluster" -d 'Looks after the cluster as a whole: who is in it, who leads, what is wrong'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from kv lock cluster daemon demo help" -f -a "daemon" -d 'Runs every server role of this machine'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from kv lock cluster daemon demo help" -f -a "demo" -d 'Starts a member or a cluster in a temporary directory and shows what it can do'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from kv lock cluster daemon demo help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "put" -d 'Writes a value under a key; without VALUE it is read from stdin'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "get" -d 'Shows a key or a range of keys'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "del" -d 'Deletes a key or a range of keys and says how many'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "txn" -d 'Applies requests from stdin as one transaction'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "watch" -d 'Shows changes of a key or a range of keys as they happen'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "lease" -d 'Grants, renews and ends leases'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "compaction" -d 'Forgets the history before a revision'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "endpoint" -d 'Asks each server about itself'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "member" -d 'Shows and changes the members of the cluster'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "move-leader" -d 'Gives the lead to another member'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "snapshot" -d 'Saves the whole store, looks at what was saved, and restores it'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "alarm" -d 'Shows and clears alarms'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "defrag" -d 'Lets each server give back unused space'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "check" -d 'Measures a server against fixed marks'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "version" -d 'Shows the version of the client and of the etcd API that it speaks'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "ls" -d 'Lists keys as files and folders, with / between names'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from kv" -f -a "bench" -d 'Loads an etcd v3 server and reports operations, latencies, processor time and memory'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "status" -d 'Shows who holds a place of the reboot semaphore, and who waits'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "lock" -d 'Takes a place for a machine; one that holds a place holds it still'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "unlock" -d 'Gives the place of a machine back'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "set-max" -d 'Sets how many machines of a group may hold a place at a time'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "groups" -d 'Lists the groups that were made'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "reboot" -d 'Reboots a machine once it holds a place; windows, blockers and people who are logged in are not waited for'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "need-reboot" -d 'Says that a machine wants a reboot, when everything agrees'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "exec" -d 'Runs a command while a lock is held, and no longer'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "run-once" -d 'Runs a command on one of the machines that are told to, and on no other'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "held" -d 'Tells whether somebody holds a lock: ends with 0 if so, else with 3'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "list" -d 'Lists the locks that are held'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "info" -d 'Shows who holds a lock, and who waits for it'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "break" -d 'Takes a lock away from whoever holds it; what runs under it is stopped'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "init" -d 'Makes the certificate authority of a new cluster, on its first machine'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "certificate" -d 'Makes the certificates by which clients off the machine are served'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "status" -d 'Shows the members, the leader, what is wrong and what to type about it'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "health" -d 'Says in a line how the cluster is; ends with 0 if well, 1 if degraded, 4 if unavailable'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "members" -d 'Lists who is in the cluster: voters, learners and workers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "remove" -d 'Takes a node out of the cluster: a member, a worker, dead or alive'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "replace" -d 'Puts a worker in the place of a member that is dead'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "promote" -d 'Makes a worker a member, and a learner vote'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "demote" -d 'Makes a member that joined by a token a worker again'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "transfer-leader" -d 'Has another voter lead'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "token" -d 'Makes, lists and revokes the tokens by which machines join'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "restore" -d 'Makes the data directory of a new cluster\'s member from a snapshot FILE'

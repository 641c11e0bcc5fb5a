//! Command lines of etcdctl that must give the same answer whoever made the client or the server.
//!
//! They run in order against one fresh server. `{lease}` stands for the lease granted last; what is
//! left of it is compared with the time that has passed.

/// One command line.
pub(crate) struct Case {
    /// Words are separated by spaces; `_` alone is an empty word.
    pub(crate) line: &'static str,
    pub(crate) input: &'static str,
    /// For a command that does not end: stop it after so many lines.
    pub(crate) stop_after_lines: Option<usize>,
    /// Whether numbers may differ, because they count time, bytes or log entries.
    pub(crate) numbers_differ: bool,
}

const fn case(line: &'static str) -> Case {
    Case {
        line,
        input: "",
        stop_after_lines: None,
        numbers_differ: false,
    }
}

const fn script(line: &'static str, input: &'static str) -> Case {
    Case {
        input,
        ..case(line)
    }
}

const fn watch(line: &'static str, lines: usize) -> Case {
    Case {
        stop_after_lines: Some(lines),
        ..case(line)
    }
}

const fn loose(line: &'static str) -> Case {
    Case {
        numbers_differ: true,
        ..case(line)
    }
}

pub(crate) const CASES: &[Case] = &[
    // Writing and reading in each format.
    case("put foo bar"),
    case("put foo b\"\u{e9}\\x --prev-kv"),
    script("put input", "from\nstdin\n"),
    case("put foo v2 --prev-kv -w json"),
    case("put foo v3 --prev-kv -w fields"),
    case("put foo v4 --prev-kv -w protobuf"),
    case("put foo v5 -w table"),
    case("put foo v6 -w bogus"),
    case("put foo --ignore-value"),
    case("put foo x --ignore-value"),
    case("put absent --ignore-value"),
    case("put foo v7 extra"),
    case("put -- -x 1"),
    case("put"),
    case("put empty"),
    case("put _ x"),
    case("put a b --lease 123"),
    case("put a b --lease zz"),
    case("get foo"),
    case("get foo --hex"),
    case("get foo -w json"),
    case("get foo -w fields"),
    case("get foo -w protobuf"),
    case("get foo -w table"),
    case("get absent"),
    case("get absent -w json"),
    case("get _ --prefix"),
    case("get _ --from-key --keys-only"),
    case("get a z --limit=2 -w json"),
    case("get f --prefix --order=descend --sort-by=modify"),
    case("get foo --rev 2 -w fields"),
    case("get foo --rev 9999"),
    case("get foo --print-value-only"),
    case("get foo --print-value-only -w json"),
    case("get foo --count-only"),
    case("get foo --count-only -w fields"),
    case("get foo --keys-only --count-only"),
    case("get foo --keys-only -w json"),
    case("get foo --consistency=s"),
    case("get foo --consistency=x"),
    case("get foo --order=x"),
    case("get foo --sort-by=x"),
    case("get foo bar --prefix"),
    case("get foo --prefix --from-key"),
    case("get foo --prefix=false"),
    case("get"),
    case("get _"),
    // Transactions.
    script(
        "txn",
        "val(\"foo\") = \"x\"\n\nput a 1\n\nput a 2\nget a --prefix\ndel zz\n\n",
    ),
    script(
        "txn",
        "ver(\"foo\") > \"0\"\n\nput a \"b c\" --prev-kv\nget a\ndel zz\n\n\n",
    ),
    script(
        "txn -w json",
        "mod(\"a\") > \"0\"\n\nput a 1 --prev-kv\nget a\ndel zz\n\n\n",
    ),
    script(
        "txn -w fields",
        "create(\"a\") > \"0\"\n\nput a 1 --prev-kv\nget a\ndel zz\n\n\n",
    ),
    script(
        "txn -w protobuf",
        "ver(\"a\") != \"0\"\n\nput a 1\nget a\ndel zz\n\n\n",
    ),
    script("txn -w table", "\n\n\n"),
    script("txn -i", "ver(\"foo\") > \"0\"\n\nget a\n\n\n"),
    script("txn", "ver(\"foo\")\n\n\n\n"),
    script("txn", "x(\"foo\") = \"1\"\n\n\n\n"),
    script("txn", "ver(\"foo\") = \"x\"\n\n\n\n"),
    script("txn", "\nbogus a\n\n\n"),
    script("txn", "\nput\n\n\n"),
    script("txn", "\nput k 1\nput k 2\n\n\n"),
    script("txn", "\nget foo"),
    case("txn x"),
    // Deleting.
    case("del absent"),
    case("del input --prev-kv"),
    case("del a --prev-kv -w json"),
    case("del -- -x -w"),
    case("del _ --prefix --from-key"),
    case("del"),
    // Leases.
    case("lease grant 100"),
    case("put leased x --lease {lease}"),
    case("get leased -w json"),
    case("lease list"),
    case("lease list -w json"),
    case("lease timetolive {lease} --keys"),
    case("lease timetolive {lease} --keys -w json"),
    case("lease timetolive {lease} --keys -w fields"),
    case("lease timetolive {lease} -w protobuf"),
    case("lease keep-alive --once {lease}"),
    case("lease keep-alive --once {lease} -w json"),
    case("lease keep-alive --once {lease} -w fields"),
    case("lease revoke {lease}"),
    case("get leased"),
    case("lease list"),
    case("lease timetolive 123"),
    case("lease timetolive 123 -w json"),
    case("lease keep-alive 123"),
    case("lease keep-alive 123 --once"),
    case("lease revoke 123"),
    case("lease revoke zz"),
    case("lease revoke"),
    case("lease grant"),
    case("lease grant x"),
    case("lease grant 100 -w json"),
    case("lease revoke {lease} -w json"),
    case("lease list -w fields"),
    // Watching.
    case("put w 1"),
    case("put w 2"),
    case("del w"),
    watch("watch w --rev 2", 8),
    watch("watch w --rev 2 --prev-kv -w json", 1),
    watch("watch w --rev 2 --prev-kv -w fields", 31),
    watch("watch w --rev 2 -- echo hi", 11),
    watch("watch w x --rev 2", 8),
    case("watch w --rev 2 -- false"),
    case("watch"),
    case("watch w --"),
    case("watch w x --prefix"),
    case("watch b a"),
    script("watch -i", "watch w --\n"),
    script("watch -i", "nonsense\n"),
    // Maintenance.
    case("compaction 5"),
    case("compaction 5"),
    case("compaction 9999"),
    case("compaction x"),
    case("compaction"),
    case("get foo --rev 2"),
    case("watch w --rev 1"),
    case("watch w --rev 1 -w json"),
    case("member list"),
    case("member list -w json"),
    case("member list -w json --hex"),
    case("member list -w fields"),
    case("member list -w table"),
    case("member list -w protobuf"),
    loose("endpoint health"),
    loose("endpoint health -w json"),
    loose("endpoint health -w fields"),
    case("endpoint health -w protobuf"),
    loose("endpoint status"),
    loose("endpoint status -w json"),
    loose("endpoint status -w fields"),
    loose("endpoint status --cluster"),
    loose("endpoint hashkv"),
    loose("endpoint hashkv -w json --rev 6"),
    loose("endpoint hashkv -w fields"),
    case("alarm list"),
    case("alarm list -w json"),
    case("alarm list -w table"),
    case("alarm list x"),
    case("alarm disarm"),
    case("alarm disarm -w json"),
    case("defrag"),
    case("defrag --cluster"),
    case("check perf --load bogus"),
    case("snapshot save"),
    case("snapshot save {folder}/saved.db"),
    case("version"),
    // Changes of the members; what is added is never started.
    case("member add"),
    case("member add b"),
    case("member add b http://127.0.0.1:1"),
    case("member add b --peer-urls 127.0.0.1"),
    case("member add b --learner --peer-urls http://127.0.0.1:1,http://127.0.0.1:2"),
    case("member add c --learner --peer-urls http://127.0.0.1:1"),
    case("member list -w table"),
    case("member promote {member}"),
    case("member promote zz"),
    case("member promote 1234"),
    case("member promote"),
    case("member update {member}"),
    case("member update 1234 --peer-urls http://127.0.0.1:3"),
    case("member update {member} --peer-urls http://127.0.0.1:3"),
    case("member update {member} --peer-urls http://127.0.0.1:4 -w json"),
    case("member update {member} --peer-urls http://127.0.0.1:5 -w table"),
    case("member update {member} --peer-urls http://127.0.0.1:6 -w fields"),
    case("member remove"),
    case("member remove 1234"),
    case("member remove {member}"),
    case("member remove {member}"),
    case("member add d --learner --peer-urls http://127.0.0.1:7"),
    case("member remove {member} -w json"),
    case("member add e --learner --peer-urls http://127.0.0.1:8"),
    case("member remove {member} -w protobuf"),
    case("move-leader"),
];

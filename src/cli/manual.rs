//! What a manual page says beyond its command line: files, environment, examples. Pure data.
//!
//! Every page has an entry in [`PAGES`] and every entry its page; a test compares them. The page
//! of a verb group inherits files and environment from the page of its face.

/// Name and what it is for.
pub type Row = (&'static str, &'static str);

/// What is added to one page.
pub struct Page {
    /// The page's name without its section: `kvctl`, `kvctl-lease`, `coracle-daemon`.
    pub name: &'static str,
    pub files: &'static [Row],
    /// Variables beyond those that the command line itself reads.
    pub environment: &'static [Row],
    /// What to type, and what it does.
    pub examples: &'static [Row],
}

pub const PAGES: &[Page] = &[
    Page {
        name: "coracle",
        files: &[(
            "/usr/local/bin/coracle",
            "the one executable; each other face is a link to it",
        )],
        environment: &[("NO_COLOR", "set to anything: no colour in help and errors")],
        examples: &[
            ("coracle help", "lists the applets"),
            ("coracle --version", "prints the version"),
        ],
    },
    Page {
        name: "coracle-daemon",
        files: &[
            ("/var/lib/coracle", "the data, as root"),
            ("~/.local/share/coracle", "the data of an ordinary user"),
            (
                "/etc/coracle.env",
                "variables for the service, one a line, if it is there",
            ),
            (
                "~/.config/coracle.env",
                "the same for the service of an ordinary user",
            ),
            (
                "/run/coracle/coracle.sock",
                "the socket for clients on this machine, as root",
            ),
        ],
        environment: &[
            ("CORACLE_CONFIG", "the configuration file"),
            (
                "CORACLE_DATA_DIR",
                "stands for --data-dir; every other flag has its variable too",
            ),
        ],
        examples: &[
            ("coracle daemon", "serves this machine"),
            (
                "coracle daemon --data-dir /srv/kv --listen-client-urls http://127.0.0.1:2380",
                "keeps its data elsewhere and listens on another port",
            ),
            (
                "coracle daemon --config /etc/coracle.toml --check-config",
                "prints the settings that a file gives",
            ),
        ],
    },
    Page {
        name: "coracle-demo",
        files: &[(
            "/tmp",
            "the demo keeps its data in a new directory there and removes it",
        )],
        environment: &[("TMPDIR", "used instead of /tmp")],
        examples: &[
            (
                "coracle demo",
                "shows put, get, watch and lease, then serves until Ctrl-C",
            ),
            ("coracle demo --once", "ends after the tour"),
        ],
    },
    Page {
        name: "kvctl",
        files: &[(
            "/run/coracle/coracle.sock",
            "the socket of the local daemon",
        )],
        environment: &[("CORACLE_ENDPOINTS", "the servers to ask, with commas")],
        examples: &[
            ("kvctl put config/colour blue", "writes a key"),
            ("kvctl get --prefix config/", "reads all keys that begin so"),
            (
                "kvctl watch --prefix config/",
                "prints each change as it happens",
            ),
        ],
    },
    Page {
        name: "kvctl-lease",
        files: &[],
        environment: &[],
        examples: &[
            ("kvctl lease grant 60", "grants a lease of a minute"),
            ("kvctl lease list", "lists the leases"),
        ],
    },
    Page {
        name: "kvctl-endpoint",
        files: &[],
        environment: &[],
        examples: &[
            ("kvctl endpoint health", "asks whether the server is well"),
            ("kvctl endpoint status", "prints its version, size and term"),
        ],
    },
    Page {
        name: "kvctl-member",
        files: &[],
        environment: &[],
        examples: &[("kvctl member list", "lists the members")],
    },
    Page {
        name: "kvctl-snapshot",
        files: &[],
        environment: &[],
        examples: &[
            ("kvctl snapshot save backup.db", "saves the whole store"),
            (
                "kvctl snapshot status backup.db",
                "prints what a saved file holds",
            ),
        ],
    },
    Page {
        name: "kvctl-check",
        files: &[],
        environment: &[],
        examples: &[(
            "kvctl check perf",
            "loads the store for a minute and judges how it bears it",
        )],
    },
    Page {
        name: "kvctl-alarm",
        files: &[],
        environment: &[],
        examples: &[
            ("kvctl alarm list", "lists the alarms"),
            ("kvctl alarm disarm", "clears them"),
        ],
    },
];

/// The entry of the page called `name`.
pub fn page(name: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.name == name)
}

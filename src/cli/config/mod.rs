//! The daemon's settings: defaults, then the TOML file, the environment, the flags; the last wins.
//!
//! Pure: the environment and the file's text are arguments. [`KEYS`] is the one list of keys; the
//! flag is `--KEY`, the key in the file is KEY, the variable is `CORACLE_` and KEY in capitals.

mod joining;
mod keys;
mod reader;
mod reboot;
mod tls;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::config::reader::Reader;
use crate::cli::listen::ListenUrl;
use crate::core::cluster::founding::Founders;
use crate::core::kv::retention::Retention;
use crate::core::paths::User;
use crate::core::units::{Size, Span};

pub use crate::cli::config::joining::{Join, Joining};
pub use crate::cli::config::keys::{KEYS, Key};
pub use crate::cli::config::reboot::RebootSettings;

/// The prefix of our variables.
const PREFIX: &str = "CORACLE_";
/// Variables with our prefix that are not the daemon's.
const FOREIGN_VARIABLES: &[&str] = &[
    "CORACLE_ENDPOINTS",
    "CORACLE_CACERT",
    "CORACLE_CERT",
    "CORACLE_KEY",
    "CORACLE_INSECURE_SKIP_TLS_VERIFY",
    "CORACLE_INSECURE_TRANSPORT",
    "CORACLE_LOCK_NAME",
    "CORACLE_LOCK_FENCE",
    "CORACLE_LOCK_REVISION",
];
/// Tables of the file: their keys are those that begin with the table's name.
const GROUPS: &[&str] = &["backup", "reboot"];
/// What a member is called that was given no name.
const DEFAULT_NAME: &str = "default";
/// Below this, two names are not near enough to be a slip of the finger (Jaro-Winkler).
const NEAR_MIN: f64 = 0.7;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// What `--auto-compaction-retention` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompactionMode {
    Bytes,
    Periodic,
    Revision,
}

/// What a new data directory begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialState {
    /// The founders make a new cluster.
    New,
    /// The cluster is there, and this member was added to it.
    Existing,
}

/// The unix socket for clients on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    Off,
    /// Where it is by default: if that is taken or cannot be, the daemon does without.
    Usual(PathBuf),
    /// Where somebody wants it.
    Asked(PathBuf),
}

/// Where the certificates for one kind of connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Who signs the certificates of the other side; none: it needs none.
    pub authorities: Option<PathBuf>,
}

/// Everything that the daemon is told before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub name: String,
    pub data_dir: PathBuf,
    pub listen_client: Vec<ListenUrl>,
    /// Empty: those that it listens on.
    pub advertise_client: Vec<String>,
    pub listen_metrics: Vec<ListenUrl>,
    pub listen_peer: Vec<ListenUrl>,
    /// For clients and metrics.
    pub client_tls: Option<TlsFiles>,
    pub peer_tls: Option<TlsFiles>,
    /// How long what this member signs for the cluster is valid.
    pub certificate_validity: Duration,
    /// Empty: those that it listens on.
    pub advertise_peer: Vec<String>,
    /// None: this member alone.
    pub founders: Option<Founders>,
    pub initial_state: InitialState,
    pub cluster_token: String,
    /// None: a member that is gone is never replaced without being asked.
    pub replace_after: Option<Duration>,
    pub joining: Joining,
    /// What FleetLock clients must show; none: nothing.
    pub fleetlock_token: Option<String>,
    pub socket: Socket,
    /// None: no limit.
    pub quota_bytes: Option<u64>,
    pub request_bytes_max: usize,
    pub txn_ops_max: usize,
    pub streams_max: u32,
    pub compaction_mode: CompactionMode,
    pub retention: Retention,
    pub snapshot_entries: u64,
    pub snapshot_log_bytes: u64,
    pub heartbeat_ms: u64,
    pub election_ms: u64,
    pub watch_progress: Duration,
    pub backup: BackupSettings,
    pub reboot: RebootSettings,
    /// Where the kernel says which boot this is.
    pub boot_id_file: PathBuf,
    /// None: never.
    pub corrupt_check: Option<Duration>,
    pub force_new_cluster: bool,
    pub log_level: LogLevel,
    pub insecure: bool,
}

/// Which snapshots the daemon takes of its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupSettings {
    pub directory: PathBuf,
    /// None: never.
    pub interval: Option<Duration>,
    pub keep: usize,
}

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(String),
    Variable(String),
    Flag(String),
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path} is no TOML: {source}")]
    Syntax {
        path: String,
        source: Box<toml::de::Error>,
    },
    #[error("{origin} is not known{}", nearest.as_ref().map_or(String::new(), |name| {
        format!(": did you mean {name}?")
    }))]
    Unknown {
        origin: Origin,
        nearest: Option<String>,
    },
    #[error("{origin} is {found}: write {expected}")]
    Kind {
        origin: Origin,
        found: &'static str,
        expected: &'static str,
    },
    #[error("{origin}: {why}")]
    Value { origin: Origin, why: String },
    #[error("{0}: the home of this user is not known: set data-dir, XDG_DATA_HOME or HOME")]
    Homeless(Origin),
}

/// The values of the keys that somebody set, as text, with their origin.
type Values = BTreeMap<&'static str, (String, Origin)>;

impl Settings {
    /// What this machine is called: machines that joined without a name of their own go by that of
    /// their system.
    pub fn machine_name(&self, system: impl FnOnce() -> String) -> String {
        match &self.joining.join {
            Some(_) if self.name == DEFAULT_NAME => system(),
            _ => self.name.clone(),
        }
    }

    /// Joins all sources. `flags` are by key; `file` is the path and the text of the TOML file.
    pub fn load(
        flags: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
        file: Option<(&str, &str)>,
        user: User,
    ) -> Result<Self, ConfigError> {
        let mut values = Values::new();
        if let Some((path, text)) = file {
            from_file(path, text, &mut values)?;
        }
        from_environment(environment, &mut values)?;
        for (name, value) in flags {
            let origin = Origin::Flag(format!("--{name}"));
            let known =
                KEYS.iter()
                    .find(|key| key.name == name)
                    .ok_or_else(|| ConfigError::Unknown {
                        origin: origin.clone(),
                        nearest: nearest(name),
                    })?;
            values.insert(known.name, (value.clone(), origin));
        }
        Reader {
            values,
            environment,
            user,
        }
        .settings()
    }
}

fn from_file(path: &str, text: &str, values: &mut Values) -> Result<(), ConfigError> {
    let table: toml::Table = text.parse().map_err(|source| ConfigError::Syntax {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    for (name, dotted, value) in flattened(table) {
        let origin = Origin::File(format!("{dotted} in {path}"));
        let Some(known) = KEYS.iter().find(|key| key.name == name) else {
            return Err(ConfigError::Unknown {
                origin,
                nearest: nearest(&name),
            });
        };
        let text = as_text(known, &value).ok_or_else(|| ConfigError::Kind {
            origin: origin.clone(),
            found: kind(&value),
            expected: expected(known),
        })?;
        values.insert(known.name, (text, origin));
    }
    Ok(())
}

/// The values with the names of their keys, and how the file has them: the key of `interval` in
/// `[backup]` is `backup-interval`.
fn flattened(table: toml::Table) -> Vec<(String, String, toml::Value)> {
    let mut values = Vec::new();
    for (name, value) in table {
        match value {
            toml::Value::Table(group) if GROUPS.contains(&name.as_str()) => {
                values.extend(group.into_iter().map(|(inner, value)| {
                    (format!("{name}-{inner}"), format!("{name}.{inner}"), value)
                }));
            }
            value => values.push((name.clone(), name, value)),
        }
    }
    values
}

/// A value of the right kind as its text: numbers for what counts, lists for what is a list.
fn as_text(key: &Key, value: &toml::Value) -> Option<String> {
    match (key.value, value) {
        (None, toml::Value::Boolean(switch)) => Some(switch.to_string()),
        (None, _) => None,
        (Some("N" | "MS" | "SIZE" | "BOUND"), toml::Value::Integer(number)) => {
            Some(number.to_string())
        }
        (Some("N" | "MS"), _) => None,
        (Some("URLS" | "FILES"), toml::Value::Array(urls)) => {
            let urls: Option<Vec<&str>> = urls.iter().map(toml::Value::as_str).collect();
            urls.map(|urls| urls.join(","))
        }
        (Some("WINDOWS" | "COMMANDS"), toml::Value::Array(lines)) => {
            let lines: Option<Vec<&str>> = lines.iter().map(toml::Value::as_str).collect();
            lines.map(|lines| lines.join("\n"))
        }
        (_, toml::Value::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// What a value of the file is, for people.
fn kind(value: &toml::Value) -> &'static str {
    match value {
        toml::Value::String(_) => "a text",
        toml::Value::Integer(_) => "a number",
        toml::Value::Float(_) => "a fraction",
        toml::Value::Boolean(_) => "a switch",
        toml::Value::Datetime(_) => "a date",
        toml::Value::Array(_) => "a list",
        toml::Value::Table(_) => "a table",
    }
}

fn expected(key: &Key) -> &'static str {
    match key.value {
        None => "true or false",
        Some("N" | "MS") => "a number",
        Some("SIZE") => "a number of bytes, or a text such as \"32MiB\"",
        Some("BOUND") => "a number, or a text such as \"32MiB\" or \"1h\"",
        Some("SPAN") => "a text such as \"10m\"",
        Some("URLS" | "FILES") => "a text with commas, or a list of texts",
        Some("WINDOWS" | "COMMANDS") => "a text, or a list of texts",
        Some(_) => "a text in quotes",
    }
}

fn from_environment(
    environment: &BTreeMap<String, String>,
    values: &mut Values,
) -> Result<(), ConfigError> {
    for (variable, value) in environment {
        let Some(rest) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        if FOREIGN_VARIABLES.contains(&variable.as_str()) || variable == CONFIG_VARIABLE {
            continue;
        }
        let name = rest.to_lowercase().replace('_', "-");
        let origin = Origin::Variable(variable.clone());
        let Some(known) = KEYS.iter().find(|key| variable_name(key.name) == *variable) else {
            let nearest = nearest(&name).map(|name| variable_name(&name));
            return Err(ConfigError::Unknown { origin, nearest });
        };
        values.insert(known.name, (value.clone(), origin));
    }
    Ok(())
}

/// The variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "CORACLE_CONFIG";

/// The variable of a key.
pub fn variable_name(key: &str) -> String {
    PREFIX.to_owned() + &key.to_uppercase().replace('-', "_")
}

/// The known key that is most like `name`, if any is like it at all.
fn nearest(name: &str) -> Option<String> {
    let name = name.to_lowercase().replace('_', "-");
    KEYS.iter()
        .map(|key| (strsim::jaro_winkler(key.name, &name), key.name))
        .filter(|(likeness, _)| *likeness >= NEAR_MIN)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name.to_owned())
}

fn list(urls: &[ListenUrl]) -> String {
    let urls: Vec<String> = urls.iter().map(ListenUrl::to_string).collect();
    urls.join(",")
}

/// As the TOML file that would give the same settings.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let retention = retention(self.retention);
        let mode = format!("{:?}", self.compaction_mode).to_lowercase();
        let socket = match &self.socket {
            Socket::Off => "off".to_owned(),
            Socket::Usual(path) | Socket::Asked(path) => path.display().to_string(),
        };
        let founders = self.founders.as_ref();
        let founders = founders.map_or(String::new(), Founders::to_string);
        let fleetlock_token = self.fleetlock_token.as_deref().unwrap_or_default();
        let quota = self
            .quota_bytes
            .map_or("-1".to_owned(), |bytes| bytes.to_string());
        let state = format!("{:?}", self.initial_state).to_lowercase();
        let replace_after = self.replace_after.unwrap_or_default();
        let level = format!("{:?}", self.log_level).to_lowercase();
        let lines = [
            ("name", quoted(&self.name)),
            ("data-dir", quoted(&self.data_dir.display())),
            ("listen-client-urls", quoted(&list(&self.listen_client))),
            (
                "advertise-client-urls",
                quoted(&self.advertise_client.join(",")),
            ),
            ("listen-metrics-urls", quoted(&list(&self.listen_metrics))),
            ("listen-peer-urls", quoted(&list(&self.listen_peer))),
            (
                "initial-advertise-peer-urls",
                quoted(&self.advertise_peer.join(",")),
            ),
            ("initial-cluster", quoted(&founders)),
            ("initial-cluster-state", quoted(&state)),
            ("initial-cluster-token", quoted(&self.cluster_token)),
            ("replace-after", quoted(&Span(replace_after))),
            ("voters", self.joining.voters.to_string()),
            ("fleetlock-token", quoted(&fleetlock_token)),
            ("socket", quoted(&socket)),
            ("quota-backend-bytes", quota),
            ("max-request-bytes", self.request_bytes_max.to_string()),
            ("max-txn-ops", self.txn_ops_max.to_string()),
            ("max-concurrent-streams", self.streams_max.to_string()),
            ("auto-compaction-mode", quoted(&mode)),
            ("auto-compaction-retention", quoted(&retention)),
            ("snapshot-count", self.snapshot_entries.to_string()),
            ("snapshot-log-bytes", self.snapshot_log_bytes.to_string()),
            ("heartbeat-interval", self.heartbeat_ms.to_string()),
            ("election-timeout", self.election_ms.to_string()),
            (
                "watch-progress-notify-interval",
                quoted(&Span(self.watch_progress)),
            ),
            (
                "certificate-validity",
                quoted(&Span(self.certificate_validity)),
            ),
            ("corrupt-check-time", quoted(&or_never(self.corrupt_check))),
            ("force-new-cluster", self.force_new_cluster.to_string()),
            ("boot-id-file", quoted(&self.boot_id_file.display())),
            ("log-level", quoted(&level)),
            ("insecure", self.insecure.to_string()),
        ];
        let joining = self.joining.texts();
        let joining = joining.map(|(key, text)| (key, quoted(&text)));
        for (key, value) in lines.into_iter().chain(joining) {
            writeln!(f, "{key} = {value}")?;
        }
        let (backup, reboot) = (&self.backup, &self.reboot);
        write!(f, "{}\n\n{backup}\n\n{reboot}", tls::lines(self))
    }
}

/// As a table of that file.
impl fmt::Display for BackupSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directory = quoted(&self.directory.display());
        let interval = quoted(&or_never(self.interval));
        let keep = self.keep;
        write!(
            f,
            "[backup]\ndir = {directory}\ninterval = {interval}\nkeep = {keep}"
        )
    }
}

fn quoted(text: &dyn fmt::Display) -> String {
    toml::Value::String(text.to_string()).to_string()
}

fn or_never(span: Option<Duration>) -> String {
    span.map_or_else(|| "0".to_owned(), |span| Span(span).to_string())
}

fn retention(retention: Retention) -> String {
    match retention {
        Retention::All => "0".to_owned(),
        Retention::Bytes(bytes) => with_unit(Size(bytes)),
        Retention::Age(age) => Span(age).to_string(),
        Retention::Revisions(revisions) => revisions.to_string(),
    }
}

/// A size that no reader takes for a count of something else.
fn with_unit(size: Size) -> String {
    let text = size.to_string();
    let unit = if text.ends_with('B') { "" } else { "B" };
    text + unit
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File(place) | Self::Variable(place) | Self::Flag(place) => f.write_str(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster::token::Token;
    use crate::core::units::duration;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    }

    fn load(
        flags: &[(&str, &str)],
        environment: &[(&str, &str)],
        file: &str,
    ) -> Result<Settings, String> {
        let file = Some(("c.toml", file));
        Settings::load(&map(flags), &map(environment), file, User::Root)
            .map_err(|error| error.to_string())
    }

    fn refused(flags: &[(&str, &str)], environment: &[(&str, &str)], file: &str) -> String {
        load(flags, environment, file).expect_err("is refused")
    }

    #[test]
    fn nothing_set_gives_the_documented_defaults() {
        let settings =
            load(&[], &[("PATH", "/bin"), ("CORACLE_ENDPOINTS", "x")], "").expect("loads");
        assert_eq!(settings.name, "default");
        assert_eq!(settings.data_dir, PathBuf::from("/var/lib/coracle"));
        assert_eq!(settings.advertise_client, [""; 0]);
        let socket = PathBuf::from("/run/coracle/coracle.sock");
        assert_eq!(settings.socket, Socket::Usual(socket));
        assert_eq!(settings.quota_bytes, Some(2_147_483_648));
        assert_eq!(settings.request_bytes_max, 1_572_864);
        assert_eq!(settings.retention, Retention::Bytes(16_777_216));
        assert_eq!((settings.heartbeat_ms, settings.election_ms), (100, 1_000));
        assert_eq!(settings.watch_progress, Duration::from_secs(600));
    }

    #[test]
    fn the_printed_defaults_are_the_real_ones() {
        let defaults = load(&[], &[], "").expect("loads");
        for key in KEYS {
            let text = key.default.split(" as root").next().expect("a part");
            let text = if text.contains(' ') || text == "none" {
                continue;
            } else {
                text
            };
            let set = load(&[(key.name, text)], &[], "").expect(key.name);
            assert_eq!(set, defaults, "{}", key.name);
        }
    }

    #[test]
    fn what_is_printed_loads_as_the_same_settings() {
        let everything = "name = \"a \\\"b\\\" \\u0001\u{e9}\"\n\
            data-dir = \"/d e\"\n\
            listen-client-urls = [\"http://127.0.0.1:1\", \"http://[::1]:2\"]\n\
            advertise-client-urls = \"http://127.0.0.1:3\"\n\
            listen-metrics-urls = \"http://127.0.0.1:4\"\n\
            socket = \"off\"\n\
            quota-backend-bytes = -1\n\
            auto-compaction-mode = \"periodic\"\n\
            auto-compaction-retention = \"90m\"\n\
            watch-progress-notify-interval = \"1h30m\"\n\
            log-level = \"warn\"\n\
            insecure = true";
        for file in [
            "",
            everything,
            "data-dir = \"/d\"",
            "corrupt-check-time = \"0\"\n[backup]\ndir = \"/b\"\ninterval = \"90m\"\nkeep = 3",
            "backup-interval = \"0\"",
            "socket = \"/s\"",
            "auto-compaction-mode = \"revision\"\nauto-compaction-retention = 5",
            "auto-compaction-mode = \"revision\"",
            "auto-compaction-mode = \"periodic\"",
            "auto-compaction-retention = \"1001B\"",
            "name = \"a\"\ninitial-cluster = \"a=http://127.0.0.1:2380,b=http://b:1\"",
            "listen-peer-urls = \"http://127.0.0.1:5\"\ninitial-cluster-token = \"\"",
            "voters = 5\nmetadata = \"b=2,a=1\"\nmachine-id = \"0123456789abcdef0123456789abcdef\"",
            "join = [\"http://127.0.0.1:1\", \"http://[::1]:2\"]",
        ] {
            let settings = load(&[], &[], file).expect("loads");
            let printed = settings.to_string();
            assert_eq!(load(&[], &[], &printed), Ok(settings), "{printed}");
        }
    }

    #[test]
    fn a_flag_beats_the_environment_and_the_environment_the_file() {
        let file = "name = \"file\"\nmax-txn-ops = 1\nlog-level = \"warn\"";
        let environment = [
            ("CORACLE_NAME", "environment"),
            ("CORACLE_MAX_TXN_OPS", "2"),
        ];
        let settings = load(&[("name", "flag")], &environment, file).expect("loads");
        assert_eq!(settings.name, "flag");
        assert_eq!(settings.txn_ops_max, 2);
        assert_eq!(settings.log_level, LogLevel::Warn);
    }

    #[test]
    fn an_ordinary_user_keeps_data_at_home() {
        let load = |environment: &[(&str, &str)]| {
            Settings::load(&map(&[]), &map(environment), None, User::of(1000))
                .map(|settings| (settings.data_dir, settings.socket))
                .map_err(|error| error.to_string())
        };
        let at = |data: &str, socket: &str| Ok((data.into(), Socket::Usual(socket.into())));
        let home = ("HOME", "/home/a");
        assert_eq!(
            load(&[
                home,
                ("XDG_DATA_HOME", "/data"),
                ("XDG_RUNTIME_DIR", "/run/user/1")
            ]),
            at("/data/coracle", "/run/user/1/coracle.sock")
        );
        let local = "/home/a/.local/share/coracle";
        assert_eq!(
            load(&[home, ("XDG_DATA_HOME", "x")]),
            at(local, &format!("{local}/coracle.sock"))
        );
        assert!(
            load(&[])
                .expect_err("no home")
                .contains("set data-dir, XDG_DATA_HOME or HOME")
        );
        assert!(
            Settings::load(&map(&[("data-dir", "d")]), &map(&[]), None, User::Ordinary).is_ok()
        );
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one() {
        assert_eq!(
            refused(&[], &[], "data_dir = \"x\""),
            "data_dir in c.toml is not known: did you mean data-dir?"
        );
        assert_eq!(
            refused(&[], &[("CORACLE_DATADIR", "x")], ""),
            "CORACLE_DATADIR is not known: did you mean CORACLE_DATA_DIR?"
        );
        assert_eq!(refused(&[], &[], "zzz = 1"), "zzz in c.toml is not known");
    }

    #[test]
    fn a_value_of_another_kind_names_key_file_and_what_would_be_right() {
        assert_eq!(
            refused(&[], &[], "name = 1"),
            "name in c.toml is a number: write a text in quotes"
        );
        assert_eq!(
            refused(&[], &[], "max-txn-ops = \"1\""),
            "max-txn-ops in c.toml is a text: write a number"
        );
        assert_eq!(
            refused(&[], &[], "insecure = \"yes\""),
            "insecure in c.toml is a text: write true or false"
        );
        assert!(refused(&[], &[], "listen-client-urls = [1]").contains("a list of texts"));
        assert!(refused(&[], &[], "name = ").starts_with("c.toml is no TOML: "));
    }

    #[test]
    fn an_address_beyond_this_machine_needs_the_insecure_switch() {
        let url = (
            "listen-client-urls",
            "http://127.0.0.1:0,http://0.0.0.0:2379",
        );
        let why = refused(&[url], &[], "");
        assert!(
            why.starts_with("--listen-client-urls: http://0.0.0.0:2379 can be reached"),
            "{why}"
        );
        assert!(load(&[url, ("insecure", "true")], &[], "").is_ok());
        let metrics = ("listen-metrics-urls", "http://10.0.0.1:9000");
        assert!(refused(&[metrics], &[], "").contains("--insecure"));
    }

    #[test]
    fn a_machine_joins_without_tls_only_where_nobody_listens_in() {
        let token = Token::of_random(1, 2, None).to_string();
        let token = ("token", token.as_str());
        let here = [("join", "http://127.0.0.1:1,http://localhost:2"), token];
        let join = load(&here, &[], "")
            .expect("loads")
            .joining
            .join
            .expect("joins");
        assert_eq!(join.urls, ["http://127.0.0.1:1", "http://localhost:2"]);
        assert!(join.token.is_some());
        let away = ("join", "http://10.0.0.1:1");
        assert!(refused(&[away, token], &[], "").contains("--insecure"));
        assert!(load(&[away, token, ("insecure", "true")], &[], "").is_ok());
        assert!(refused(&[token], &[], "").contains("nothing to join"));
        assert!(refused(&[away, ("token", "x")], &[], "").contains("it is no token"));
        let founds = ("initial-cluster", "a=http://127.0.0.1:1");
        assert!(refused(&[here[0], founds], &[], "").contains("founds a cluster"));
    }

    #[test]
    fn retention_is_read_by_its_mode() {
        let retention = |mode: &str, text: &str| {
            let flags = [
                ("auto-compaction-mode", mode),
                ("auto-compaction-retention", text),
            ];
            load(&flags, &[], "").map(|settings| settings.retention)
        };
        let age = |text: &str| Ok(Retention::Age(duration(text).expect("a duration")));
        assert_eq!(retention("bytes", "1MiB"), Ok(Retention::Bytes(1 << 20)));
        assert_eq!(
            retention("revision", "1000"),
            Ok(Retention::Revisions(1_000))
        );
        assert_eq!(retention("periodic", "2"), age("2h"));
        assert_eq!(retention("periodic", "90m"), age("1h30m"));
        assert_eq!(retention("periodic", "0"), Ok(Retention::All));
        let why = retention("bytes", "1").expect_err("an hour in etcd");
        assert!(
            why.contains("\"1\" has no unit: write a size such as 16MiB"),
            "{why}"
        );
        assert_eq!(retention("bytes", "0"), Ok(Retention::All));
        assert!(retention("revision", "1h").is_err());
        assert!(retention("bytes", "1h").is_err());
        assert!(retention("hourly", "1").is_err());
    }

    #[test]
    fn values_out_of_bounds_are_refused() {
        for (name, value) in [
            ("voters", "2"),
            ("machine-id", "7"),
            ("metadata", "eu"),
            ("max-txn-ops", "0"),
            ("max-request-bytes", "0"),
            ("max-request-bytes", "16777217"),
            ("max-request-bytes", "100MiB"),
            ("heartbeat-interval", "0"),
            ("election-timeout", "499"),
            ("election-timeout", "5"),
            ("watch-progress-notify-interval", "0"),
            ("log-level", "loud"),
            ("quota-backend-bytes", "many"),
            ("certificate-validity", "0"),
            ("name", ""),
            ("data-dir", ""),
        ] {
            let why = refused(&[(name, value)], &[], "");
            assert!(why.starts_with(&format!("--{name}: ")), "{why}");
        }
        for (heartbeat, election) in [("1", "5"), ("3", "15")] {
            let timing = [
                ("heartbeat-interval", heartbeat),
                ("election-timeout", election),
            ];
            let why = refused(&timing, &[], "");
            assert!(why.contains("hardly five heartbeats"), "{why}");
        }
        let off =
            load(&[("quota-backend-bytes", "-1"), ("socket", "off")], &[], "").expect("loads");
        assert_eq!((off.quota_bytes, off.socket), (None, Socket::Off));
    }
}

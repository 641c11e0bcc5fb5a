//! From the text of each key to the settings: the bounds, and what depends on other keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::config::{
    BackupSettings, CompactionMode, ConfigError, DEFAULT_NAME, InitialState, Join, LogLevel,
    Origin, Settings, Socket, Values,
};
use crate::cli::listen::{ListenUrl, Scheme, listen_urls, listen_urls_or_none};
use crate::core::cluster::founding::Founders;
use crate::core::kv::request::REQUEST_BYTES_MAX;
use crate::core::kv::retention::Retention;
use crate::core::paths::{self, Surroundings, User};
use crate::core::units::{Size, UnitError, duration, size};

/// Streams of one connection: out of reach of a sane client, and what bounds the memory that one
/// connection can ask for. etcd sets no limit.
const STREAMS_MAX: u32 = 65_536;

/// Reads the values into settings.
pub(super) struct Reader<'a> {
    pub(super) values: Values,
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) user: User,
}

impl Reader<'_> {
    pub(super) fn settings(&self) -> Result<Settings, ConfigError> {
        let data_dir = self.data_dir()?;
        let insecure = self.switch("insecure")?;
        let compaction_mode = self.compaction_mode()?;
        let usual = |url| listen_urls(url).expect("the default is one");
        let here = usual("http://127.0.0.1:2379");
        let listen_client = self.parse("listen-client-urls", here, listen_urls)?;
        let listen_metrics = self.parse("listen-metrics-urls", Vec::new(), listen_urls_or_none)?;
        let founders = self.founders()?;
        let joining = self.joining(insecure)?;
        let listen_peer = self.listen_peer(founders.is_some(), joining.join.as_ref())?;
        if !insecure {
            self.loopback("listen-peer-urls", &listen_peer)?;
            self.loopback("listen-client-urls", &listen_client)?;
            self.loopback("listen-metrics-urls", &listen_metrics)?;
        }
        let settings = Settings {
            name: self.parse("name", DEFAULT_NAME.to_owned(), |text| match text {
                "" => Err("is empty: write a name".to_owned()),
                _ => Ok(text.to_owned()),
            })?,
            socket: self.socket(&data_dir),
            listen_client,
            advertise_client: self.parse("advertise-client-urls", Vec::new(), advertised)?,
            listen_metrics,
            listen_peer,
            advertise_peer: self.parse("initial-advertise-peer-urls", Vec::new(), advertised)?,
            certificate_validity: self.certificate_validity()?,
            client_tls: self.client_tls()?,
            peer_tls: self.peer_tls()?,
            founders,
            initial_state: self.initial_state()?,
            replace_after: self.replace_after()?,
            cluster_token: self.cluster_token()?,
            joining,
            fleetlock_token: self.fleetlock_token()?,
            quota_bytes: self.parse("quota-backend-bytes", Some(2 << 30), quota)?,
            request_bytes_max: self.request_bytes_max()?,
            txn_ops_max: self.parse("max-txn-ops", 128, |text| count(text, 1, u32::MAX.into()))?
                as usize,
            streams_max: self.streams_max()?,
            compaction_mode,
            retention: self.retention(compaction_mode)?,
            snapshot_entries: self
                .parse("snapshot-count", 10_000, |text| count(text, 1, 100_000_000))?,
            snapshot_log_bytes: self.parse("snapshot-log-bytes", 64 << 20, |text| {
                size(text).map_err(words)
            })?,
            heartbeat_ms: self.parse("heartbeat-interval", 100, |text| count(text, 1, 60_000))?,
            election_ms: self.parse("election-timeout", 1_000, |text| count(text, 5, 300_000))?,
            watch_progress: self.parse(
                "watch-progress-notify-interval",
                duration("10m").expect("a duration"),
                positive,
            )?,
            backup: self.backup(&data_dir)?,
            reboot: self.reboot()?,
            boot_id_file: self.boot_id_file()?,
            corrupt_check: self.span_or_never("corrupt-check-time", "10m")?,
            force_new_cluster: self.parse("force-new-cluster", false, switch)?,
            log_level: self.parse("log-level", LogLevel::Info, log_level)?,
            insecure,
            data_dir,
        };
        self.timing(&settings)?;
        self.urls_fit_certificates(&settings)?;
        self.place_among_founders(&settings)?;
        Ok(settings)
    }

    pub(super) fn switch(&self, name: &'static str) -> Result<bool, ConfigError> {
        self.parse(name, false, switch)
    }

    /// A member that is alone needs none; one that joins over TLS has certificates for it.
    fn listen_peer(
        &self,
        founds: bool,
        join: Option<&Join>,
    ) -> Result<Vec<ListenUrl>, ConfigError> {
        let is_secure = |join: &Join| join.urls.iter().all(|url| url.starts_with("https://"));
        let usual = match join {
            Some(join) if is_secure(join) => "https://127.0.0.1:2380",
            Some(_) => "http://127.0.0.1:2380",
            None if founds => "http://127.0.0.1:2380",
            None => "",
        };
        let usual = listen_urls_or_none(usual).expect("the default is one");
        self.parse("listen-peer-urls", usual, listen_urls_or_none)
    }

    fn certificate_validity(&self) -> Result<Duration, ConfigError> {
        let usual = duration("2160h").expect("a duration");
        self.parse("certificate-validity", usual, positive)
    }

    fn cluster_token(&self) -> Result<String, ConfigError> {
        let usual = "coracle-cluster".to_owned();
        self.parse("initial-cluster-token", usual, |text| Ok(text.to_owned()))
    }

    fn fleetlock_token(&self) -> Result<Option<String>, ConfigError> {
        self.parse("fleetlock-token", None, |text| {
            Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
        })
    }

    fn founders(&self) -> Result<Option<Founders>, ConfigError> {
        self.parse("initial-cluster", None, |text| match text {
            "" => Ok(None),
            _ => Founders::read(text)
                .map(Some)
                .map_err(|error| error.to_string()),
        })
    }

    fn replace_after(&self) -> Result<Option<Duration>, ConfigError> {
        let usual = duration("10m").expect("a duration");
        self.parse("replace-after", Some(usual), |text| {
            let span = duration(text).map_err(words)?;
            Ok(Some(span).filter(|span| !span.is_zero()))
        })
    }

    fn initial_state(&self) -> Result<InitialState, ConfigError> {
        let state = self.parse(
            "initial-cluster-state",
            InitialState::New,
            |text| match text {
                "new" => Ok(InitialState::New),
                "existing" => Ok(InitialState::Existing),
                _ => Err(format!("{text:?} is neither: write new or existing")),
            },
        )?;
        let others = self.founders()?.map_or(0, |founders| founders.0.len());
        match state {
            InitialState::Existing if others < 2 => Err(ConfigError::Value {
                origin: self.origin("initial-cluster-state"),
                why: "the other members must be asked, and initial-cluster names none".to_owned(),
            }),
            state => Ok(state),
        }
    }

    /// This member is one of the founders, under the URLs where the others will look for it.
    fn place_among_founders(&self, settings: &Settings) -> Result<(), ConfigError> {
        let Some(founders) = &settings.founders else {
            return Ok(());
        };
        let name = &settings.name;
        let wrong = |why| {
            let origin = self.origin("initial-cluster");
            Err(ConfigError::Value { origin, why })
        };
        let Some(urls) = founders.0.get(name) else {
            return wrong(format!(
                "it does not name this member, {name:?}: set name, or add it"
            ));
        };
        let own = match settings.advertise_peer.is_empty() {
            true => settings
                .listen_peer
                .iter()
                .map(ToString::to_string)
                .collect(),
            false => settings.advertise_peer.clone(),
        };
        let (mut urls, mut own) = (urls.clone(), own);
        urls.sort_unstable();
        own.sort_unstable();
        if urls != own {
            return wrong(format!(
                "it says that {name:?} is reached at {}, and initial-advertise-peer-urls says {}",
                urls.join(","),
                own.join(",")
            ));
        }
        Ok(())
    }

    fn timing(&self, settings: &Settings) -> Result<(), ConfigError> {
        // etcd's own bound: fewer and an election begins while heartbeats are on their way. A
        // quarter of the time, in whole milliseconds, is the least that is waited for.
        let is_short = settings.election_ms < 5 * settings.heartbeat_ms
            || settings.election_ms / 4 <= settings.heartbeat_ms;
        if is_short {
            let why = format!(
                "{} ms is hardly five heartbeats of {} ms: raise it or lower heartbeat-interval",
                settings.election_ms, settings.heartbeat_ms
            );
            return Err(ConfigError::Value {
                origin: self.origin("election-timeout"),
                why,
            });
        }
        Ok(())
    }

    fn backup(&self, data_dir: &Path) -> Result<BackupSettings, ConfigError> {
        let usual = data_dir.join("backup");
        Ok(BackupSettings {
            directory: self.parse("backup-dir", usual, |text| match text {
                "" => Err("is empty: write a directory".to_owned()),
                _ => Ok(PathBuf::from(text)),
            })?,
            interval: self.span_or_never("backup-interval", "1h")?,
            keep: self.parse("backup-keep", 24, |text| count(text, 1, 10_000))? as usize,
        })
    }

    pub(super) fn span_or_never(
        &self,
        name: &'static str,
        default: &str,
    ) -> Result<Option<Duration>, ConfigError> {
        let default = duration(default).expect("a duration");
        self.parse(name, Some(default), |text| match text {
            "0" => Ok(None),
            _ => positive(text).map(Some),
        })
    }

    fn request_bytes_max(&self) -> Result<usize, ConfigError> {
        self.parse("max-request-bytes", 1_572_864, |text| {
            let bytes = size(text).map_err(words)?;
            match usize::try_from(bytes) {
                Ok(0) => Err(format!(
                    "{text:?} allows no request: write a size of at least one byte"
                )),
                Ok(bytes) if bytes <= REQUEST_BYTES_MAX => Ok(bytes),
                _ => Err(format!(
                    "{text:?} is more than one entry of the log can take: write {} or less",
                    Size(REQUEST_BYTES_MAX as u64)
                )),
            }
        })
    }

    fn streams_max(&self) -> Result<u32, ConfigError> {
        self.parse("max-concurrent-streams", STREAMS_MAX, |text| {
            let streams = count(text, 1, u32::MAX.into())?;
            Ok(u32::try_from(streams).expect("within its bounds"))
        })
    }

    /// The value of `name` read by `read`, or `default` when nobody set it.
    pub(super) fn parse<T>(
        &self,
        name: &'static str,
        default: T,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let Some((text, origin)) = self.values.get(name) else {
            return Ok(default);
        };
        read(text).map_err(|why| ConfigError::Value {
            origin: origin.clone(),
            why,
        })
    }

    pub(super) fn origin(&self, name: &'static str) -> Origin {
        self.values
            .get(name)
            .map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|(text, _)| text.as_str())
    }

    /// A variable of the environment that holds an absolute path, as the XDG rules want it.
    fn folder(&self, variable: &str) -> Option<PathBuf> {
        self.environment
            .get(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            user: self.user,
            home: self.folder("HOME"),
            data_home: self.folder("XDG_DATA_HOME"),
            runtime_dir: self.folder("XDG_RUNTIME_DIR"),
        }
    }

    fn data_dir(&self) -> Result<PathBuf, ConfigError> {
        match self.text("data-dir") {
            Some("") => Err(ConfigError::Value {
                origin: self.origin("data-dir"),
                why: "is empty: write a directory".to_owned(),
            }),
            Some(path) => Ok(PathBuf::from(path)),
            None => {
                let data_dir = self.surroundings().data_dir();
                data_dir.ok_or(ConfigError::Homeless(Origin::Default))
            }
        }
    }

    /// A daemon with a data directory of its own has its socket there: the usual place belongs to
    /// the usual daemon.
    fn socket(&self, data_dir: &Path) -> Socket {
        let surroundings = self.surroundings();
        let usual = match surroundings.data_dir() {
            Some(usual) if usual == data_dir => surroundings.socket(data_dir),
            _ => data_dir.join(paths::SOCKET_NAME),
        };
        match self.text("socket") {
            Some("" | "off") => Socket::Off,
            // Who writes the usual one out, as --check-config does, wants no more than the usual.
            Some(path) if usual != Path::new(path) => Socket::Asked(PathBuf::from(path)),
            _ => Socket::Usual(usual),
        }
    }

    fn loopback(&self, name: &'static str, urls: &[ListenUrl]) -> Result<(), ConfigError> {
        let is_open = |url: &&ListenUrl| url.scheme == Scheme::Http && !url.is_loopback();
        let Some(url) = urls.iter().find(is_open) else {
            return Ok(());
        };
        let why = format!(
            "{url} can be reached from other machines without TLS: \
             write https:// and give certificates, listen on 127.0.0.1, or accept it with \
             --insecure"
        );
        Err(ConfigError::Value {
            origin: self.origin(name),
            why,
        })
    }

    fn compaction_mode(&self) -> Result<CompactionMode, ConfigError> {
        let default = CompactionMode::Bytes;
        self.parse("auto-compaction-mode", default, |text| match text {
            "bytes" => Ok(CompactionMode::Bytes),
            "periodic" => Ok(CompactionMode::Periodic),
            "revision" => Ok(CompactionMode::Revision),
            _ => Err(format!(
                "{text:?} is no mode: write bytes, periodic or revision"
            )),
        })
    }

    fn retention(&self, mode: CompactionMode) -> Result<Retention, ConfigError> {
        let default = match mode {
            CompactionMode::Bytes => Retention::Bytes(16 << 20),
            _ => Retention::All,
        };
        self.parse("auto-compaction-retention", default, |text| {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            match mode {
                _ if text == "0" => Ok(Retention::All),
                // For etcd it is hours or revisions: whoever brings the flag along means those.
                CompactionMode::Bytes if is_number => Err(format!(
                    "{text:?} has no unit: write a size such as 16MiB, or set \
                     auto-compaction-mode to periodic (hours, as in etcd) or revision"
                )),
                CompactionMode::Bytes => size(text).map(Retention::Bytes).map_err(words),
                CompactionMode::Revision => {
                    count(text, 1, i64::MAX as u64).map(Retention::Revisions)
                }
                CompactionMode::Periodic if is_number => {
                    positive(&format!("{text}h")).map(Retention::Age)
                }
                CompactionMode::Periodic => positive(text).map(Retention::Age),
            }
        })
    }
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(format!("{text:?} is no switch: write true or false")),
    }
}

/// URLs that others connect to: names are allowed, ports are not optional.
pub(super) fn advertised(text: &str) -> Result<Vec<String>, String> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .map(|url| {
            let url = url.trim().trim_end_matches('/');
            let place = url
                .strip_prefix("http://")
                .or_else(|| url.strip_prefix("https://"))
                .and_then(|rest| rest.rsplit_once(':'));
            match place.map(|(host, port)| (host, port.parse::<u16>())) {
                Some((host, Ok(_))) if !host.is_empty() && !host.contains('/') => {
                    Ok(url.to_owned())
                }
                _ => Err(format!(
                    "{url:?} is no URL to connect to: write http://HOST:PORT or https://HOST:PORT"
                )),
            }
        })
        .collect()
}

pub(super) fn words(error: UnitError) -> String {
    error.to_string()
}

fn count(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("{text:?} is no number from {least} to {most}"))
}

pub(super) fn positive(text: &str) -> Result<Duration, String> {
    let span = duration(text).map_err(words)?;
    if span.is_zero() {
        Err(format!("{text:?} is no time at all: write 1s or more"))
    } else {
        Ok(span)
    }
}

/// A negative number turns the quota off and zero is the default, as in etcd.
fn quota(text: &str) -> Result<Option<u64>, String> {
    if text
        .strip_prefix('-')
        .is_some_and(|rest| rest.parse::<u64>().is_ok())
    {
        return Ok(None);
    }
    size(text)
        .map_err(words)
        .map(|bytes| Some(if bytes == 0 { 2 << 30 } else { bytes }))
}

fn log_level(text: &str) -> Result<LogLevel, String> {
    match text {
        "debug" => Ok(LogLevel::Debug),
        "info" => Ok(LogLevel::Info),
        "warn" => Ok(LogLevel::Warn),
        "error" => Ok(LogLevel::Error),
        _ => Err(format!(
            "{text:?} is no level: write debug, info, warn or error"
        )),
    }
}

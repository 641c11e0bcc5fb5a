//! `[reboot]`: when this machine reboots, who must agree, and when it is well again.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::config::reader::{Reader, positive, words};
use crate::cli::config::{ConfigError, or_never, quoted};
use crate::core::lock::alerts::Filter;
use crate::core::lock::name::Group;
use crate::core::lock::reboot::Strategy;
use crate::core::lock::window::Window;
use crate::core::units::{Span, duration};

/// Where programs say that they want a reboot, as Debian's and others' do.
const SENTINEL_FILES: &str = "/run/reboot-required,/var/run/reboot-required";
const HEALTH_DIRECTORY: &str = "/etc/coracle/health.d";

/// What the daemon does about reboots of its machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebootSettings {
    pub strategy: Strategy,
    pub group: Group,
    /// Empty: at any time.
    pub windows: Vec<Window>,
    pub sentinel_files: Vec<PathBuf>,
    /// Command lines for the shell: one that fails blocks.
    pub blockers: Vec<String>,
    pub prometheus_url: Option<String>,
    pub alert_filter: Filter,
    /// None: people who are logged in are not asked.
    pub users_delay: Option<Duration>,
    /// None: by logind, or else by the kernel.
    pub command: Option<String>,
    pub drain_timeout: Duration,
    pub health_directory: PathBuf,
    pub health_deadline: Duration,
    /// None: a machine that is gone keeps its place.
    pub release_absent_after: Option<Duration>,
    pub fleetlock_url: Option<String>,
    pub fleetlock_token: Option<String>,
    pub check_interval: Duration,
}

impl Reader<'_> {
    pub(super) fn reboot(&self) -> Result<RebootSettings, ConfigError> {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        let read = |text: &str| paths(text);
        let settings = RebootSettings {
            strategy: self.parse("reboot-strategy", Strategy::default(), parsed)?,
            group: self.parse("reboot-group", Group::default(), parsed)?,
            windows: self.parse("reboot-windows", Vec::new(), windows)?,
            sentinel_files: self.parse(
                "reboot-sentinel-files",
                paths(SENTINEL_FILES).expect("the default reads"),
                read,
            )?,
            blockers: self.parse("reboot-blockers", Vec::new(), |text| Ok(lines(text)))?,
            prometheus_url: self.parse("reboot-prometheus-url", None, url)?,
            alert_filter: self.parse("reboot-alert-filter", Filter::default(), parsed)?,
            users_delay: self.span_or_never("reboot-users-delay", "5m")?,
            command: self.parse("reboot-command", None, text_or_none)?,
            drain_timeout: self.parse("reboot-drain-timeout", minutes(5), positive)?,
            health_directory: self.parse("reboot-health-dir", HEALTH_DIRECTORY.into(), |text| {
                match text {
                    "" => Err("is empty: write a directory".to_owned()),
                    _ => Ok(PathBuf::from(text)),
                }
            })?,
            health_deadline: self.parse("reboot-health-deadline", minutes(10), positive)?,
            release_absent_after: self.parse("reboot-release-absent-after", None, |text| {
                let span = duration(text).map_err(words)?;
                Ok(Some(span).filter(|span| !span.is_zero()))
            })?,
            fleetlock_url: self.parse("reboot-fleetlock-url", None, url)?,
            fleetlock_token: self.parse("reboot-fleetlock-token", None, text_or_none)?,
            check_interval: self.parse("reboot-check-interval", minutes(1), positive)?,
        };
        if settings.strategy == Strategy::FleetLock && settings.fleetlock_url.is_none() {
            return Err(ConfigError::Value {
                origin: self.origin("reboot-strategy"),
                why: "nobody is to be asked: set reboot-fleetlock-url, such as \
                      http://airlock.example:3333"
                    .to_owned(),
            });
        }
        Ok(settings)
    }

    pub(super) fn boot_id_file(&self) -> Result<PathBuf, ConfigError> {
        let usual = PathBuf::from("/proc/sys/kernel/random/boot_id");
        self.parse("boot-id-file", usual, |text| match text {
            "" => Err("is empty: write a file".to_owned()),
            _ => Ok(PathBuf::from(text)),
        })
    }
}

fn parsed<T: std::str::FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// What stands on lines of its own: what can hold commas.
fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

fn windows(text: &str) -> Result<Vec<Window>, String> {
    let texts = text.split([';', '\n']).map(str::trim);
    let texts = texts.filter(|text| !text.is_empty());
    texts.map(parsed).collect()
}

fn paths(text: &str) -> Result<Vec<PathBuf>, String> {
    let texts = text.split(',').map(str::trim);
    let texts = texts.filter(|text| !text.is_empty());
    let path = |text: &str| match text.starts_with('/') {
        true => Ok(PathBuf::from(text)),
        false => Err(format!(
            "{text:?} is no full path: write one, such as /run/reboot-required"
        )),
    };
    texts.map(path).collect()
}

/// The beginning of a URL, to which a path is added.
fn url(text: &str) -> Result<Option<String>, String> {
    let text = text.trim().trim_end_matches('/');
    if text.is_empty() {
        return Ok(None);
    }
    let http = text.strip_prefix("http://");
    let rest = http.or_else(|| text.strip_prefix("https://"));
    match rest.filter(|rest| !rest.is_empty() && !rest.starts_with(['/', ':'])) {
        Some(_) => Ok(Some(text.to_owned())),
        None => Err(format!(
            "{text:?} is no URL: write http://HOST:PORT or https://HOST:PORT"
        )),
    }
}

fn text_or_none(text: &str) -> Result<Option<String>, String> {
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

/// As a table of the file that would give the same settings.
impl fmt::Display for RebootSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |texts: Vec<String>| toml::Value::from(texts).to_string();
        let texts = |values: &[Window]| values.iter().map(ToString::to_string).collect();
        let files = self.sentinel_files.iter();
        let files = files.map(|path| path.display().to_string()).collect();
        let text = |text: &Option<String>| quoted(&text.as_deref().unwrap_or_default());
        let lines = [
            ("strategy", quoted(&self.strategy)),
            ("group", quoted(&self.group)),
            ("windows", list(texts(&self.windows))),
            ("sentinel-files", list(files)),
            ("blockers", list(self.blockers.clone())),
            ("prometheus-url", text(&self.prometheus_url)),
            ("alert-filter", quoted(&self.alert_filter)),
            ("users-delay", quoted(&or_never(self.users_delay))),
            ("command", text(&self.command)),
            ("drain-timeout", quoted(&Span(self.drain_timeout))),
            ("health-dir", quoted(&self.health_directory.display())),
            ("health-deadline", quoted(&Span(self.health_deadline))),
            (
                "release-absent-after",
                quoted(&or_never(self.release_absent_after)),
            ),
            ("fleetlock-url", text(&self.fleetlock_url)),
            ("fleetlock-token", text(&self.fleetlock_token)),
            ("check-interval", quoted(&Span(self.check_interval))),
        ];
        f.write_str("[reboot]")?;
        for (key, value) in lines {
            write!(f, "\n{key} = {value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::config::Settings;
    use crate::core::paths::User;

    fn load(file: &str) -> Result<Settings, String> {
        let file = Some(("c.toml", file));
        let none = BTreeMap::new();
        Settings::load(&none, &none, file, User::Root).map_err(|error| error.to_string())
    }

    #[test]
    fn a_machine_reboots_by_itself_only_where_somebody_said_so() {
        let reboot = load("").expect("loads").reboot;
        assert_eq!(reboot.strategy, Strategy::Off);
        assert_eq!(reboot.release_absent_after, None);
        assert_eq!(reboot.sentinel_files.len(), 2);
    }

    #[test]
    fn what_is_printed_loads_as_the_same_settings() {
        let everything = "[reboot]\nstrategy = \"fleetlock\"\ngroup = \"db\"\n\
            windows = [\"Mon-Fri 02:00-04:00 Europe/Berlin\", \"Sat,Sun 22:00-06:00\"]\n\
            sentinel-files = [\"/a\", \"/b\"]\n\
            blockers = [\"test ! -e /busy, really\", \"a; b\"]\n\
            prometheus-url = \"http://p:9090/\"\nalert-filter = \"Disk*,!DiskOld\"\n\
            users-delay = \"0\"\ncommand = \"systemctl reboot\"\ndrain-timeout = \"1m\"\n\
            health-dir = \"/h\"\nhealth-deadline = \"2m\"\nrelease-absent-after = \"1h\"\n\
            fleetlock-url = \"https://a\"\nfleetlock-token = \"t\"\ncheck-interval = \"10s\"";
        for file in [
            "",
            everything,
            "[reboot]\nwindows = \"02:00-04:00; Sun 00:00-24:00\"",
        ] {
            let settings = load(file).expect("loads");
            let printed = settings.to_string();
            assert_eq!(load(&printed), Ok(settings), "{printed}");
        }
        let settings = load(everything).expect("loads").reboot;
        assert_eq!(settings.blockers, ["test ! -e /busy, really", "a; b"]);
        assert_eq!(settings.windows.len(), 2);
    }

    #[test]
    fn bad_values_are_refused_with_what_would_be_right() {
        for (line, words) in [
            (
                "strategy = \"reboot\"",
                "write off, lock, immediate or fleetlock",
            ),
            ("strategy = \"fleetlock\"", "set reboot-fleetlock-url"),
            ("group = \"a b\"", "such as db"),
            ("windows = [\"Mon\"]", "Mon-Fri 02:00-04:00"),
            ("windows = 2", "a list of texts"),
            ("sentinel-files = [\"run/x\"]", "no full path"),
            ("prometheus-url = \"p:9090\"", "http://HOST:PORT"),
            ("alert-filter = \",\"", "Disk*,!Watchdog"),
            ("users-delay = \"5\"", "such as 1h30m"),
            ("health-deadline = \"0\"", "1s or more"),
            ("stratgy = \"off\"", "did you mean reboot-strategy?"),
        ] {
            let error = load(&format!("[reboot]\n{line}")).expect_err(line);
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}

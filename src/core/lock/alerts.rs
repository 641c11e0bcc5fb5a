//! Prometheus's alerts as blockers of a reboot: which are firing, and which of them count.
//!
//! The answer is that of `GET /api/v1/alerts` (Prometheus, "HTTP API").

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// Alerts by their names: `*` stands for any text, `!` before one takes it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    text: String,
    wanted: Vec<String>,
    unwanted: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlertsError {
    #[error(
        "{0:?} has an empty name: write names of alerts with commas, such as \"Disk*,!Watchdog\""
    )]
    Filter(String),
    #[error("it is no answer of Prometheus to /api/v1/alerts: {0}")]
    Answer(String),
    #[error("Prometheus says: {0}")]
    Refused(String),
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Alert {
    state: String,
    labels: Labels,
}

#[derive(Deserialize)]
struct Labels {
    #[serde(default)]
    alertname: String,
}

/// The names of the alerts that are firing and that `filter` is about, each once.
pub fn firing(body: &[u8], filter: &Filter) -> Result<Vec<String>, AlertsError> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| AlertsError::Answer(error.to_string()))?;
    let Some(data) = answer.data else {
        let error = answer.error;
        return Err(error.map_or_else(
            || AlertsError::Answer("it has no data".to_owned()),
            AlertsError::Refused,
        ));
    };
    let alerts = data.alerts.into_iter();
    let firing = alerts.filter(|alert| alert.state == "firing");
    let names = firing.map(|alert| alert.labels.alertname);
    let mut names: Vec<String> = names.filter(|name| filter.is_about(name)).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

impl Filter {
    pub fn is_about(&self, name: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
        (self.wanted.is_empty() || any(&self.wanted)) && !any(&self.unwanted)
    }
}

/// Whether `name` is what the pattern says. Linear: each part between stars at its first place.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(last)
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            text: "*".to_owned(),
            wanted: vec!["*".to_owned()],
            unwanted: Vec::new(),
        }
    }
}

impl FromStr for Filter {
    type Err = AlertsError;

    fn from_str(text: &str) -> Result<Self, AlertsError> {
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        for part in text.split(',').map(str::trim) {
            let (list, name) = match part.strip_prefix('!') {
                Some(name) => (&mut unwanted, name),
                None => (&mut wanted, part),
            };
            if name.is_empty() {
                return Err(AlertsError::Filter(text.to_owned()));
            }
            list.push(name.to_owned());
        }
        Ok(Self {
            text: text.to_owned(),
            wanted,
            unwanted,
        })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Filter {
        text.parse().expect(text)
    }

    #[test]
    fn a_filter_is_names_with_stars_and_exceptions() {
        for (text, about, not) in [
            ("*", "Anything", "-"),
            ("DiskFull", "DiskFull", "DiskFuller"),
            ("Disk*", "Disk", "ADisk"),
            ("*Disk", "MyDisk", "Disks"),
            ("a*b*c", "axxbxxc", "acb"),
            ("a*a", "aa", "a"),
            ("Disk*,Node*", "NodeDown", "Watchdog"),
            ("!Watchdog", "NodeDown", "Watchdog"),
            ("*,!Watch*,!Info", "NodeDown", "Watchdog"),
        ] {
            assert!(filter(text).is_about(about), "{text} {about}");
            assert!(not == "-" || !filter(text).is_about(not), "{text} {not}");
        }
        for text in ["", "a,,b", "!"] {
            let error = text.parse::<Filter>().expect_err(text);
            assert!(error.to_string().contains("Disk*,!Watchdog"), "{error}");
        }
    }

    #[test]
    fn alerts_that_fire_and_count_are_named_once() {
        let body = br#"{"status":"success","data":{"alerts":[
            {"state":"firing","labels":{"alertname":"NodeDown","instance":"a"},"value":"1"},
            {"state":"firing","labels":{"alertname":"NodeDown","instance":"b"}},
            {"state":"pending","labels":{"alertname":"DiskFull"}},
            {"state":"firing","labels":{"alertname":"Watchdog"}}]}}"#;
        let named = firing(body, &filter("!Watchdog"));
        assert_eq!(named, Ok(vec!["NodeDown".to_owned()]));
        let none = br#"{"status":"success","data":{"alerts":[]}}"#;
        assert_eq!(firing(none, &Filter::default()), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_answer_is_no_quiet_one() {
        for body in ["", "<html>", "{}", r#"{"data":{}}"#] {
            assert!(
                firing(body.as_bytes(), &Filter::default()).is_err(),
                "{body}"
            );
        }
        let refused = br#"{"status":"error","errorType":"x","error":"too busy"}"#;
        let error = firing(refused, &Filter::default()).expect_err("an error");
        assert_eq!(error.to_string(), "Prometheus says: too busy");
    }
}

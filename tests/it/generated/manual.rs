//! man/: one page per face and per verb group, from the command lines and `cli::manual`.
//!
//! A verb without verbs of its own is described on the page above it, so that `man kvctl` is
//! enough to use `kvctl put`.

use clap::{Arg, Command};
use clap_mangen::Man;
use coracle::applet::{APPLETS, root};
use coracle::cli::manual::{PAGES, Page, Row, page};
use coracle::error::Exit;

use crate::generated::{Files, compare};

/// The footer of every page.
const SOURCE: &str = concat!("coracle ", env!("CARGO_PKG_VERSION"));
/// What clap_mangen puts before each section and a page needs once.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

#[test]
fn manual_pages_match_the_command_lines() {
    let mut made = Files::new();
    for (name, command, face) in pages() {
        let added = page(&name).unwrap_or_else(|| panic!("no entry for {name} in cli::manual"));
        let face = page(&face).expect("the page of a face comes before its groups");
        made.insert(
            format!("man/{name}.1"),
            render(&name, &command, added, face).into_bytes(),
        );
    }
    for page in PAGES {
        let path = format!("man/{}.1", page.name);
        assert!(
            made.contains_key(&path),
            "cli::manual has an entry for {path}: no such page"
        );
        assert!(!page.examples.is_empty(), "{path} has no examples");
    }
    compare(&["man"], &made);
}

#[test]
fn command_lines_are_sound() {
    root().debug_assert();
    for applet in APPLETS {
        applet
            .faces()
            .for_each(|face| (applet.command)(face).debug_assert());
    }
}

/// Name of the page, its command, and the page of the face that it belongs to.
fn pages() -> Vec<(String, Command, String)> {
    let mut found = Vec::new();
    let mut coracle = root().disable_help_subcommand(true);
    coracle.build();
    found.push(("coracle".to_owned(), coracle.clone(), "coracle".to_owned()));
    for applet in APPLETS {
        let (name, command) = match applet.symlink {
            Some(link) => {
                let mut command = (applet.command)(link).disable_help_subcommand(true);
                command.build();
                (link.to_owned(), command)
            }
            None => {
                let command = coracle
                    .find_subcommand(applet.name)
                    .expect("made from the table");
                (format!("coracle-{}", applet.name), command.clone())
            }
        };
        collect(&name, command, &name, &mut found);
    }
    found
}

/// The page of `command` and of each group below it.
fn collect(name: &str, command: Command, face: &str, found: &mut Vec<(String, Command, String)>) {
    let groups: Vec<Command> = verbs(&command)
        .filter(|verb| is_group(verb))
        .cloned()
        .collect();
    found.push((name.to_owned(), command, face.to_owned()));
    for group in groups {
        collect(&format!("{name}-{}", group.get_name()), group, face, found);
    }
}

fn verbs(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set() && verb.get_name() != "help")
}

fn is_group(command: &Command) -> bool {
    verbs(command).next().is_some()
}

fn render(name: &str, command: &Command, added: &Page, face: &Page) -> String {
    // The long version of a face speaks of what it answers; a page has its own name.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().to_owned();
    let command = command
        .clone()
        .display_name(name.to_owned())
        .override_usage(usage);
    let man = Man::new(command.clone());
    let mut out = Vec::new();
    man.render_name_section(&mut out).expect("memory takes it");
    man.render_synopsis_section(&mut out)
        .expect("memory takes it");
    man.render_description_section(&mut out)
        .expect("memory takes it");
    man.render_options_section(&mut out)
        .expect("memory takes it");
    let title = escape(&name.to_uppercase());
    let mut page = format!("{APOSTROPHE}.TH \"{title}\" 1 \"\" \"{SOURCE}\" \"{SOURCE}\"\n");
    page += &body(&out);
    let mut related = Vec::new();
    if name == "coracle" {
        page += &applets(&mut related);
    } else if is_group(&command) {
        page += &commands(name, &command, &mut related);
    }
    page += ".SH \"EXIT STATUS\"\n";
    page += &exits(added, face);
    page += &section("FILES", added.files, face.files);
    page += &environment(&command, added, face);
    page += ".SH EXAMPLES\n";
    for (index, (line, what)) in added.examples.iter().enumerate() {
        let pause = if index > 0 { ".PP\n" } else { "" };
        let (what, line) = (sentence(what), escape(line));
        page += &format!("{pause}{what}\n.PP\n.RS 4\n.nf\n{line}\n.fi\n.RE\n");
    }
    if name != "coracle" {
        related.insert(0, face.name.to_owned());
        related.insert(0, "coracle".to_owned());
    }
    related.retain(|other| other != name);
    related.dedup();
    if !related.is_empty() {
        let names: Vec<_> = related
            .iter()
            .map(|page| format!("{}(1)", escape(page)))
            .collect();
        page += &format!(".SH \"SEE ALSO\"\n{}\n", names.join(",\n"));
    }
    page
}

/// The table of applets: what to call, and where it is described.
fn applets(related: &mut Vec<String>) -> String {
    let mut lines = Vec::new();
    for applet in APPLETS {
        let command = (applet.command)(applet.name);
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        let mut names = format!("coracle {}", applet.name);
        applet
            .faces()
            .for_each(|face| names += &format!(", {face}"));
        related.push(match applet.symlink {
            Some(link) => link.to_owned(),
            None => format!("coracle-{}", applet.name),
        });
        lines.push((names, about));
    }
    if lines.is_empty() {
        String::new()
    } else {
        ".SH APPLETS\n".to_owned() + &rows(lines)
    }
}

/// Each verb with its options; a group is named with the page that describes it.
fn commands(name: &str, command: &Command, related: &mut Vec<String>) -> String {
    let mut out = ".SH COMMANDS\n".to_owned();
    for verb in verbs(command) {
        if is_group(verb) {
            let group = format!("{name}-{}", verb.get_name());
            let about = verb
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            let see = format!("{}: see {group}(1)", about.trim_end_matches('.'));
            out += &format!(".SS {}\n{}\n", escape(verb.get_name()), sentence(&see));
            related.push(group);
            continue;
        }
        // What is global or the same for every verb is described once, above.
        let mut own = verb.clone().mut_args(|arg| {
            let shared = arg.is_global_set() || arg.get_id() == "help" || arg.get_id() == "version";
            if shared { arg.hide(true) } else { arg }
        });
        let usage = own.render_usage().to_string();
        out += &format!(".SS {}\n", escape(verb.get_name()));
        for line in usage.trim_start_matches("Usage:").lines().map(str::trim) {
            out += &format!("{}\n.br\n", escape(line));
        }
        let mut described = Vec::new();
        let man = Man::new(own);
        man.render_description_section(&mut described)
            .expect("memory takes it");
        man.render_options_section(&mut described)
            .expect("memory takes it");
        let described = body(&described);
        for line in described.lines().filter(|line| !line.starts_with(".SH")) {
            out += &format!("{line}\n");
        }
    }
    out
}

/// What clap_mangen wrote, without its preamble and without space at the end of a line.
fn body(sections: &[u8]) -> String {
    let text = str::from_utf8(sections)
        .expect("a page is UTF-8")
        .replace(APOSTROPHE, "");
    text.lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// The codes that can be seen today, each one of those that are documented for all faces.
fn exits(added: &Page, face: &Page) -> String {
    let codes = if added.exits.is_empty() {
        face.exits
    } else {
        added.exits
    };
    for (code, _) in codes.iter().filter(|(code, _)| code.len() == 1) {
        let known = |(exit, _): &(Exit, &str)| exit.0.to_string() == *code;
        assert!(Exit::TABLE.iter().any(known), "{code} is no exit code");
    }
    let text = |(code, meaning): &Row| (code.to_string(), meaning.to_string());
    rows(codes.iter().map(text))
}

/// The variables that the command line reads, and those of the table.
fn environment(command: &Command, added: &Page, face: &Page) -> String {
    let own = |arg: &Arg| {
        let variable = arg.get_env()?.to_str()?.to_owned();
        Some((variable, format!("stands for --{}", arg.get_long()?)))
    };
    let mut variables: Vec<_> = command.get_arguments().filter_map(own).collect();
    let table = if added.environment.is_empty() {
        face.environment
    } else {
        added.environment
    };
    for (name, _) in table {
        let twice = variables.iter().any(|(variable, _)| variable == name);
        assert!(!twice, "the command line already names {name}");
    }
    variables.extend(
        table
            .iter()
            .map(|(name, what)| (name.to_string(), what.to_string())),
    );
    if variables.is_empty() {
        return String::new();
    }
    ".SH ENVIRONMENT\n".to_owned() + &rows(variables)
}

fn section(title: &str, own: &[Row], inherited: &[Row]) -> String {
    let table = if own.is_empty() { inherited } else { own };
    if table.is_empty() {
        return String::new();
    }
    let table = table
        .iter()
        .map(|(name, what)| (name.to_string(), what.to_string()));
    format!(".SH {title}\n{}", rows(table))
}

fn rows(table: impl IntoIterator<Item = (String, String)>) -> String {
    let row = |(name, what): (String, String)| {
        format!(".TP\n\\fB{}\\fR\n{}\n", escape(&name), sentence(&what))
    };
    table.into_iter().map(row).collect()
}

/// `text` with a capital and a period.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let stop = if text.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    escape(&format!("{first}{}{stop}", letters.as_str()))
}

/// Text as roff takes it: a backslash, a hyphen to type, and a line that begins like a request.
fn escape(text: &str) -> String {
    let line = |line: &str| {
        let guard = if line.starts_with(['.', '\'']) {
            "\\&"
        } else {
            ""
        };
        guard.to_owned() + &line.replace('\\', "\\e").replace('-', "\\-")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roff_requests_in_a_text_are_escaped() {
        assert_eq!(
            escape(".SH x\n'y\na\\b --c"),
            "\\&.SH x\n\\&'y\na\\eb \\-\\-c"
        );
    }

    #[test]
    fn a_verb_is_described_on_the_page_of_its_group() {
        let put = Command::new("put")
            .about("Writes a key")
            .arg(Arg::new("ttl").long("ttl"));
        let lease = Command::new("lease")
            .about("Leases.")
            .subcommand(Command::new("grant"));
        let endpoints = Arg::new("endpoints")
            .long("endpoints")
            .global(true)
            .env("X_ENDPOINTS");
        let mut face = Command::new("xctl")
            .arg(endpoints)
            .subcommands([put, lease]);
        face.build();
        let entry = Page {
            name: "xctl",
            exits: &[("0", "done")],
            files: &[("/x", "the x")],
            environment: &[],
            examples: &[("xctl put a b", "writes a")],
        };
        let text = render("xctl", &face, &entry, &entry);
        for part in [
            ".SS put\n",
            "\\fB\\-\\-ttl\\fR",
            ".SS lease\nLeases: see xctl\\-lease(1).\n",
            ".TP\n\\fBX_ENDPOINTS\\fR\nStands for \\-\\-endpoints.\n",
            ".SH FILES\n.TP\n\\fB/x\\fR\nThe x.\n",
            "Writes a.\n.PP\n.RS 4\n.nf\nxctl put a b\n.fi\n",
            ".SH \"EXIT STATUS\"\n.TP\n\\fB0\\fR\nDone.\n",
            ".SH \"SEE ALSO\"\ncoracle(1),\nxctl\\-lease(1)\n",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        let named = text.matches("\\-\\-endpoints\\fR").count();
        assert_eq!(named, 1, "in options, not again for each verb:\n{text}");
    }
}

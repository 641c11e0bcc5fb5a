//! completions/: one file per shell for `coracle` and for each link that install.sh makes.
//!
//! install.sh takes the names of the links from completions/bash, so this test also holds the
//! links to the table of applets.

use clap::{ArgAction, Command, ValueHint};
use clap_complete::{Generator, Shell};
use coracle::applet::{APPLETS, root};

use crate::generated::{Files, compare};

#[test]
fn completions_match_the_command_lines() {
    let mut made = Files::new();
    let mut faces = vec![root()];
    faces.extend(
        APPLETS
            .iter()
            .filter_map(|applet| applet.symlink.map(applet.command)),
    );
    for face in faces {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let (path, content) = completion(shell, face.clone());
            made.insert(path, content);
        }
    }
    compare(
        &["completions/bash", "completions/zsh", "completions/fish"],
        &made,
    );
}

fn completion(shell: Shell, command: Command) -> (String, Vec<u8>) {
    let mut command = with_bare_switches(command);
    let name = command.get_name().to_owned();
    let mut content = Vec::new();
    clap_complete::generate(shell, &mut command, name.clone(), &mut content);
    if shell == Shell::Bash {
        content = with_files(&command, content);
    }
    let file = match shell {
        // bash-completion looks for the bare name of the command.
        Shell::Bash => name,
        _ => shell.file_name(&name),
    };
    (format!("completions/{shell}/{file}"), content)
}

/// A switch takes a value only after `=`: what a shell would offer as the next word would be taken
/// for the key.
fn with_bare_switches(command: Command) -> Command {
    let command = command.mut_args(|arg| match arg.is_require_equals_set() {
        true => arg
            .require_equals(false)
            .hide_possible_values(false)
            .hide_default_value(false)
            .num_args(0)
            .action(ArgAction::SetTrue),
        false => arg,
    });
    command.mut_subcommands(with_bare_switches)
}

/// clap_complete offers flags where a verb's first word belongs; where that is a file, files are of
/// more use, and flags are offered once a hyphen is there.
fn with_files(command: &Command, content: Vec<u8>) -> Vec<u8> {
    let mut text = String::from_utf8(content).expect("a script is UTF-8");
    let name = command.get_name().to_owned();
    let mut paths = Vec::new();
    collect(command, &name, &mut paths);
    for path in paths {
        let begin = text.find(&format!("\n        {path})\n"));
        let begin = begin.expect("each verb has a case");
        let end = begin
            + text[begin..]
                .find("\n            ;;\n")
                .expect("it is closed");
        let case = text[begin..end].to_owned();
        let word = case
            .find(" || ${COMP_CWORD} -eq ")
            .expect("it offers flags");
        let rest = word + case[word..].find(" ]]").expect("it is closed");
        let (head, tail) = case
            .rsplit_once("COMPREPLY=( $(compgen -W \"${opts}\" -- \"${cur}\") )")
            .expect("it ends with the flags");
        let files = "COMPREPLY=( $(compgen -f -- \"${cur}\") )";
        let offered = format!("{}{}{files}{tail}", &case[..word], &head[rest..]);
        text.replace_range(begin..end, &offered);
    }
    text.into_bytes()
}

/// The names that a script gives to the verbs whose first word is a file.
fn collect(command: &Command, path: &str, found: &mut Vec<String>) {
    let first = command.get_positionals().next();
    if first.is_some_and(|arg| arg.get_value_hint() == ValueHint::FilePath) {
        found.push(path.to_owned());
    }
    for verb in command.get_subcommands() {
        let verb_path = format!("{path}__subcmd__{}", verb.get_name().replace('-', "__"));
        collect(verb, &verb_path, found);
    }
}

//! completions/: one file per shell for `coracle` and for each link that install.sh makes.
//!
//! install.sh takes the names of the links from completions/bash, so this test also holds the
//! links to the table of applets.

use clap::Command;
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

fn completion(shell: Shell, mut command: Command) -> (String, Vec<u8>) {
    let name = command.get_name().to_owned();
    let mut content = Vec::new();
    clap_complete::generate(shell, &mut command, name.clone(), &mut content);
    let file = match shell {
        // bash-completion looks for the bare name of the command.
        Shell::Bash => name,
        _ => shell.file_name(&name),
    };
    (format!("completions/{shell}/{file}"), content)
}

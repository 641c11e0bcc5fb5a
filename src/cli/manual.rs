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

pub const PAGES: &[Page] = &[Page {
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
}];

/// The entry of the page called `name`.
pub fn page(name: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.name == name)
}

//! `optin completions`: what a shell needs to complete a command line.

use clap::Subcommand as _;
use clap_complete::Shell;

use super::{Command, print};

#[derive(clap::Args)]
pub struct Options {
    shell: Shell,
}

pub fn run(options: Options) -> anyhow::Result<()> {
    let mut optin = Command::augment_subcommands(clap::Command::new("optin"));
    // Not straight to standard output: a pipe that is closed early would be a panic in there.
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut optin, "optin", &mut script);
    print(&script)
}

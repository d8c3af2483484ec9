//! `optin evidence make`: a ZIP that shows one living consent to a regulator.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, ensure};

use crate::app::{key_ring, open_store};
use crate::clock::Clock;
use crate::commands::config;
use crate::commands::whole_file::WholeFile;
use crate::journeys::evidence::{Evidence, bundle};
use crate::links::Links;
use crate::templates::Templates;

#[derive(clap::Args)]
pub struct Options {
    /// The list's slug
    slug: String,
    /// The person's address; `-` reads it from standard input, where no list of processes shows it
    email: String,
    /// In whose name: it is put on record; see `optin operator`
    #[arg(long = "as", value_name = "OPERATOR", env = "OPTIN_OPERATOR")]
    operator: String,
    /// The ZIP's file
    #[arg(long, default_value = "evidence.zip")]
    out: PathBuf,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    let config = config()?;
    let keys = key_ring(&config)?;
    let store = open_store(&config, &keys)?;
    let links = Links::new(config.public_url()?, &keys);
    let templates =
        Templates::load(config.templates_dir().map(PathBuf::as_path), config.controller()?.clone())?;
    store.compare_ring(&keys).await?;
    // Where nothing can be written, nothing is looked at; and one person's evidence takes no other's place.
    ensure!(
        !options.out.exists(),
        "{} is there already: name another file with --out",
        options.out.display()
    );
    let mut file = WholeFile::create(&options.out)?;
    let evidence =
        Evidence { store: &store, keys: &keys, links: &links, templates: &templates, clock: &Clock::System };
    let email = match options.email.as_str() {
        "-" => io::read_to_string(io::stdin()).context("standard input cannot be read")?,
        email => email.to_owned(),
    };
    let pieces = evidence.make(&options.slug, email.trim(), &options.operator).await?;
    let zip = bundle::of(&pieces)?;
    let cannot = || format!("{} cannot be written", options.out.display());
    file.write_all(&zip).with_context(cannot)?;
    file.finish()?;
    println!("{} holds the evidence; that it was made is on record", options.out.display());
    Ok(())
}

//! `optin export`: a snapshot of the people who may be written to.

mod follow;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::whole_file::WholeFile;
use super::{config, counted};
use crate::app::{key_ring, open_store};
use crate::clock::Clock;
use crate::journeys::export::manifest::Manifest;
use crate::journeys::export::{Export, ExportError, Format};
use crate::links::Links;

#[derive(clap::Args)]
pub struct Options {
    /// The list's slug
    slug: String,
    /// In whose name; see `optin operator`
    #[arg(long = "as", value_name = "OPERATOR", env = "OPTIN_OPERATOR")]
    operator: String,
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Where to write; standard output otherwise. The file appears only when it is whole, and its manifest beside it
    #[arg(long)]
    out: Option<PathBuf>,
    /// Keep a folder in step with the list until stopped: its file is always whole, and current within seconds
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    follow: Option<PathBuf>,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    let config = config()?;
    let keys = key_ring(&config)?;
    let store = open_store(&config, &keys)?;
    let links = Links::new(config.public_url()?, &keys);
    store.compare_ring(&keys).await?;
    let export = Export { store: &store, keys: &keys, links: &links, clock: &Clock::System };
    if let Some(dir) = &options.follow {
        return follow::follow(export, &options, dir).await;
    }
    let progress = progress();
    let manifest = match &options.out {
        None => write(export, &options, io::stdout().lock(), &progress).await?,
        Some(path) => to_file(export, &options, path, &progress).await?,
    };
    progress.finish_and_clear();
    eprintln!("{} exported", counted(manifest.rows.unwrap_or_default(), "row", "rows"));
    Ok(())
}

async fn write(
    export: Export<'_>,
    options: &Options,
    to: impl Write,
    progress: &ProgressBar,
) -> Result<Manifest, ExportError> {
    let to = BufWriter::with_capacity(64 * 1024, to);
    export
        .write(&options.slug, &options.operator, options.format, to, |count| progress.set_position(count))
        .await
}

/// A broken export leaves nothing that could be taken for whole. The manifest follows the file: an older one that still
/// stands there until then names another SHA-256.
async fn to_file(
    export: Export<'_>,
    options: &Options,
    path: &Path,
    progress: &ProgressBar,
) -> anyhow::Result<Manifest> {
    let mut file = WholeFile::create(path)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".manifest.json");
    let mut told = WholeFile::create(Path::new(&beside))?;
    let manifest = write(export, options, &mut file, progress).await?;
    file.finish()?;
    serde_json::to_writer_pretty(&mut told, &manifest)?;
    told.write_all(b"\n")?;
    told.finish()?;
    Ok(manifest)
}

/// On a terminal's standard error; nowhere else.
fn progress() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(
        ProgressStyle::with_template("{spinner} rows: {human_pos}, {per_sec}, {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

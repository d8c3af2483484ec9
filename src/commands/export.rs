//! `optin export`: a snapshot of the people who may be written to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{config, counted};
use crate::app::{key_ring, open_store};
use crate::clock::Clock;
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
    /// Where to write; standard output otherwise. The file appears only when it is whole
    #[arg(long)]
    out: Option<PathBuf>,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    let config = config()?;
    let keys = key_ring(&config)?;
    let store = open_store(&config, &keys)?;
    let links = Links::new(config.public_url()?, &keys);
    store.compare_ring(&keys).await?;
    let export = Export { store: &store, keys: &keys, links: &links, clock: &Clock::System };
    let progress = progress();
    let count = match &options.out {
        None => write(&export, &options, io::stdout().lock(), &progress).await?,
        Some(path) => to_file(&export, &options, path, &progress).await?,
    };
    progress.finish_and_clear();
    eprintln!("{} exported", counted(count, "row", "rows"));
    Ok(())
}

async fn write(
    export: &Export<'_>,
    options: &Options,
    to: impl Write,
    progress: &ProgressBar,
) -> Result<u64, ExportError> {
    let to = BufWriter::with_capacity(64 * 1024, to);
    export
        .write(&options.slug, &options.operator, options.format, to, |count| progress.set_position(count))
        .await
}

/// Writes beside the file and renames at the end: a broken export leaves nothing that could be taken for whole.
async fn to_file(
    export: &Export<'_>,
    options: &Options,
    path: &Path,
    progress: &ProgressBar,
) -> anyhow::Result<u64> {
    let half = half_of(path)?;
    let done = async {
        let cannot = || format!("{} cannot be written", path.display());
        let mut open = OpenOptions::new();
        let opened = open.write(true).create_new(true).mode(0o600).open(&half);
        let mut file: File = opened.with_context(cannot)?;
        let count = write(export, options, &mut file, progress).await?;
        file.sync_all().with_context(cannot)?;
        fs::rename(&half, path).with_context(cannot)?;
        anyhow::Ok(count)
    };
    let done = done.await;
    if done.is_err() {
        _ = fs::remove_file(&half);
    }
    done
}

fn half_of(path: &Path) -> anyhow::Result<PathBuf> {
    let name = path.file_name().context("--out needs the name of a file")?;
    let mut half = name.to_owned();
    half.push(format!(".{}.half", std::process::id()));
    Ok(path.with_file_name(half))
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

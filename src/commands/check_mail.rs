//! `optin check-mail`: whether whoever gets a newsletter can leave it, told of a sample by a table and an exit code.

mod bodies;
mod checks;
mod header;
mod live;
mod ours;
mod report;

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::time::timeout;
use zeroize::Zeroizing;

use self::checks::{Known, Sample};
use self::report::Finding;
use super::config;
use crate::app::key_ring;
use crate::config::Config;
use crate::links::Links;
use crate::store::{Store, StoreError};

/// The largest sample, in bytes. Hardly a mail server takes a larger mail.
const MAX_BYTES: usize = 10 * 1024 * 1024;
/// How long the database has to tell a list's name.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub struct Options {
    /// The sample, as a mail program saves it (.eml), best as it arrived in a mailbox; `-` reads standard input
    file: PathBuf,
    /// Also post to the sample's one-click link, as mail providers do. This REALLY UNSUBSCRIBES whoever the sample was
    /// sent to: their data is erased
    #[arg(long)]
    live: bool,
}

pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let config = config()?;
    let keys = key_ring(&config)?;
    let links = Links::new(config.public_url()?, &keys);
    let bytes = read(&options)?;
    let sample = Sample::read(&bytes, &links)
        .context("this is not a mail: it does not begin with header fields, as a saved mail (.eml) does")?;
    let known = ask(&config, sample.list()).await;
    let mut findings = sample.check(&known);
    if options.live {
        findings.push(live::post(sample.one_click_url()).await);
    }
    super::print(report::table(&findings).as_bytes())?;
    Ok(if findings.iter().any(Finding::fails) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The sample's bytes. They bring an address, and may be thrown away with care.
fn read(options: &Options) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let (name, from): (_, io::Result<Box<dyn Read>>) = match options.file.to_str() {
        Some("-") => ("standard input".into(), Ok(Box::new(io::stdin()))),
        _ => (
            options.file.display().to_string(),
            File::open(&options.file).map(|file| Box::new(file) as Box<dyn Read>),
        ),
    };
    let mut bytes = Zeroizing::new(Vec::new());
    // One byte too many tells that there are too many.
    let most = MAX_BYTES as u64 + 1;
    let read = from.and_then(|from| from.take(most).read_to_end(&mut bytes));
    read.with_context(|| format!("{name} cannot be read"))?;
    ensure!(bytes.len() <= MAX_BYTES, "{name} is larger than 10 MiB, which is more than a newsletter can be");
    Ok(bytes)
}

/// What the database tells of a list. Whoever runs this may have no way to it.
async fn ask(config: &Config, list: Option<u32>) -> Known {
    let Some(list) = list else { return Known::Unasked("no link tells which list it is".into()) };
    let url = match config.database_url() {
        Ok(url) => url,
        Err(error) => return Known::Unasked(error.to_string()),
    };
    let find = async { Store::open(url)?.find_list_by_number(list).await };
    match timeout(PATIENCE, find).await.unwrap_or(Err(StoreError::Unavailable)) {
        Ok(Some((list, _))) => Known::List(Box::new(list)),
        Ok(None) => Known::NoList,
        Err(error) => Known::Unasked(error.to_string()),
    }
}

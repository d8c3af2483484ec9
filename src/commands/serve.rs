//! `optin serve`: the service, stateless: several may run on one database.

use std::sync::Arc;

use tracing::Level;

use super::{config, log, service};
use crate::app::App;
use crate::clock::Clock;
use crate::store::StoreError;
use crate::store::migrate::{check, migrations};
use crate::web::server::Limits;

#[derive(clap::Args)]
pub struct Options {
    /// Check the settings, start nothing
    #[arg(long)]
    check: bool,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    let config = config()?;
    let (listen, private_listen) = (config.listen()?, config.private_listen()?);
    let lmtp_listen = config.lmtp_listen()?;
    let app = Arc::new(App::new(&config, Clock::System, None)?);
    if options.check {
        println!("The settings are good");
        return Ok(());
    }
    log(Level::INFO)?;
    check(config.database_url()?, &migrations()).await?;
    app.store.check_ring(&app.keys).await?;
    tell_of_held_lists(&app).await?;
    let shutdown = service::shutdown_signal()?;
    let public = service::bind(listen, "OPTIN_LISTEN").await?;
    let private = match private_listen {
        Some(address) => Some(service::bind(address, "OPTIN_PRIVATE_LISTEN").await?),
        None => None,
    };
    let lmtp = match &lmtp_listen {
        Some(place) => Some(service::bind_lmtp(place).await?),
        None => None,
    };
    tracing::info!(%listen, "serving");
    let listeners = service::Listeners { public, private, lmtp };
    service::run(app, listeners, shutdown, Limits::default()).await?;
    tracing::info!("stopped");
    Ok(())
}

/// A restored database is served, and people may leave; but nothing is signed or sent for lists that are behind.
async fn tell_of_held_lists(app: &App) -> anyhow::Result<()> {
    for list in app.store.lists().await? {
        if app.store.is_held(list.number).await? {
            tracing::error!(list = list.slug, "{}", StoreError::Held);
        }
    }
    Ok(())
}

//! `optin dev`: everything that is needed to try the service, started by one command and stopped by Ctrl-C.

mod home;
pub mod news;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tracing::Level;

use super::{log, service};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::consent::operator::Role;
use crate::mail::{inbox::Inbox, session};
use crate::store::cluster::Cluster;
use crate::store::migrate::{migrate, migrations};
use crate::web::desk::invitation;
use crate::web::server::Limits;
use home::Home;

#[derive(clap::Args)]
pub struct Options {
    /// Where everything is kept
    #[arg(long, default_value = ".optin")]
    data_dir: PathBuf,
    /// Where the pages are served
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// The operator in whose name `dev` exports.
const OPERATOR: &str = "dev";
const DATABASE: &str = "optin";

pub async fn run(options: Options) -> anyhow::Result<()> {
    log(Level::WARN)?;
    // From here on a Ctrl-C is heard, and whatever has been started is stopped in order.
    let shutdown = service::shutdown_signal()?;
    let home = Home::open(&options.data_dir)?;
    let public = service::bind(options.listen, "--listen").await?;
    let relay = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port is free for the mail")?;

    let cluster = Cluster::durable(home.path(), |line| eprintln!("{line}")).await?;
    let served = async {
        cluster.create_database(DATABASE, None).await?;
        let settings =
            home.settings(&cluster.url(DATABASE), &public.local_addr()?, &relay.local_addr()?, OPERATOR)?;
        let config = Config::load(|name| settings.get(name).cloned())?;
        migrate(config.database_url()?, &migrations()).await?;
        let inbox = Inbox::open(home.path().join("inbox")).context("the inbox cannot be opened")?;
        let app = Arc::new(App::new(&config, Clock::System, Some(inbox.clone()))?);
        app.store.check_ring(&app.keys).await?;
        news::create(&app).await?;
        // What a `dev` that was killed was carrying need not wait for its lease to end.
        app.store.hurry_letters(app.clock.now()).await?;
        app.store.add_operator(OPERATOR, Role::Admin, app.clock.now()).await?;
        home.write_env(&settings)?;

        let catcher = tokio::spawn(session::serve(inbox.door(), relay, shutdown.clone()));
        welcome(&app, &home, &way_to_the_desk(&app).await?);
        let limits = Limits { drain: Duration::from_secs(1), ..Limits::default() };
        let listeners = service::Listeners { public, private: None, lmtp: None };
        service::run(app, listeners, shutdown.clone(), limits).await?;
        catcher.abort();
        anyhow::Ok(())
    };
    let served = served.await;
    cluster.stop().await?;
    served
}

/// Where a password for it is set, as long as there is none.
async fn way_to_the_desk(app: &App) -> anyhow::Result<String> {
    let operator = app.store.operator(OPERATOR).await?;
    match operator.and_then(|operator| operator.password) {
        Some(_) => Ok(format!("{}/desk", app.links.public_url)),
        None => {
            let secret = App::secret();
            app.store.invite(&secret, OPERATOR, app.clock.now()).await?;
            Ok(invitation(&app.links.public_url, &secret))
        }
    }
}

fn welcome(app: &App, home: &Home, desk: &str) {
    let url = &app.links.public_url;
    println!(
        "\nOptin is running. Ctrl-C stops it.\n\n  Sign up      {url}/lists/{slug}\n  Inbox        {url}/inbox\n  \
         Desk         {desk}\n  \
         Read on      README.md, then docs/ARCHITECTURE.md\n\nIn another terminal, for every other command:\n\n  \
         . {env}\n",
        slug = news::SLUG,
        env = home.env_path().display(),
    );
}

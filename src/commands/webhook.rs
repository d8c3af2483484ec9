//! `optin webhook`: who is told that a list's feed has news.

use anyhow::{Context as _, ensure};
use clap::Subcommand;
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::config;
use crate::app::{App, key_ring};
use crate::clock::Clock;
use crate::consent::operator::Right;
use crate::consent::webhook::{Secret, Target};
use crate::keys::KeyRing;
use crate::store::Store;
use crate::store::access::Access;
use crate::store::webhooks::{WebhookId, seal_secret};

#[derive(Subcommand)]
pub enum WebhookCommand {
    /// Have a URL called whenever a list's feed has news; prints the secret that calls are signed with, once
    Add {
        #[command(flatten)]
        of: Of,
        /// https://…
        url: String,
    },
    /// A list's webhooks, and what came of their calls
    List {
        /// The list's slug
        slug: String,
    },
    /// A new secret, printed once; the one before signs beside it for a day. A webhook that was given up is called again
    Rotate {
        #[command(flatten)]
        of: Of,
        /// As `optin webhook list` names it
        webhook: String,
    },
    /// No more calls
    Remove {
        #[command(flatten)]
        of: Of,
        /// As `optin webhook list` names it
        webhook: String,
    },
}

/// Whose change it is, and to what.
#[derive(clap::Args)]
pub struct Of {
    /// The list's slug
    slug: String,
    /// In whose name; see `optin operator`
    #[arg(long = "as", value_name = "OPERATOR", env = "OPTIN_OPERATOR")]
    operator: String,
}

pub async fn run(command: WebhookCommand) -> anyhow::Result<()> {
    let config = config()?;
    let store = Store::open(config.database_url()?)?;
    match command {
        WebhookCommand::Add { of, url } => {
            let target = Target::parse(&url, &config.webhook_networks()?)?;
            let keys = ready_ring(&store, key_ring(&config)?).await?;
            let list = change(&store, &of).await?;
            let (id, secret) = (WebhookId(App::random()), Secret::new(App::random()));
            let sealed = seal_secret(&keys, App::random(), list, id, &secret);
            store.add_webhook(list, id, &target, &sealed, Clock::System.now()).await?;
            eprintln!("{} is called from now on; its calls are signed with", name(id));
            print_secret(&secret)
        }
        WebhookCommand::List { slug } => show(&store, &slug).await,
        WebhookCommand::Rotate { of, webhook } => {
            let id = id(&webhook)?;
            let keys = ready_ring(&store, key_ring(&config)?).await?;
            let list = change(&store, &of).await?;
            let secret = Secret::new(App::random());
            let sealed = seal_secret(&keys, App::random(), list, id, &secret);
            ensure!(store.rotate_webhook(list, id, &sealed, Clock::System.now()).await?, NO_WEBHOOK);
            print_secret(&secret)
        }
        WebhookCommand::Remove { of, webhook } => {
            let id = id(&webhook)?;
            let list = change(&store, &of).await?;
            ensure!(store.remove_webhook(list, id).await?, NO_WEBHOOK);
            println!("it is called no more");
            Ok(())
        }
    }
}

const NO_WEBHOOK: &str = "there is no such webhook; `optin webhook list` names those that there are";

/// A secret that is sealed with another ring than the service's would sign nothing.
async fn ready_ring(store: &Store, keys: KeyRing) -> anyhow::Result<KeyRing> {
    store.compare_ring(&keys).await?;
    Ok(keys)
}

/// The list's number, once the change is on record.
async fn change(store: &Store, of: &Of) -> anyhow::Result<u32> {
    let Of { slug, operator } = of;
    let known = store.operator(operator).await?;
    let known = known
        .with_context(|| format!("there is no operator `{operator}`; `optin operator add` makes one"))?;
    let (list, _) = store.find_list(slug).await?.with_context(|| format!("there is no list `{slug}`"))?;
    ensure!(!list.is_closed, "the list `{slug}` is closed: its feed tells nothing");
    ensure!(
        known.may(Right::Settings, list.number),
        "the operator `{operator}` may not do that on the list `{slug}`; `optin operator add --role` gives a role"
    );
    store.record_access(list.number, operator, Access::Webhook, Clock::System.now()).await?;
    Ok(list.number)
}

async fn show(store: &Store, slug: &str) -> anyhow::Result<()> {
    let (list, _) = store.find_list(slug).await?.with_context(|| format!("there is no list `{slug}`"))?;
    for webhook in store.webhooks(list.number).await? {
        let fault = webhook.fault.as_deref().unwrap_or("no answer yet");
        let state = match (webhook.disabled_at, webhook.attempts) {
            (Some(at), _) => format!("given up on {} ({fault})", at.strftime("%Y-%m-%d %H:%M UTC")),
            (None, 0) => "well".to_owned(),
            (None, tries) => format!("tried {tries} times ({fault})"),
        };
        println!("{}  {}  {state}", name(webhook.id), webhook.url);
    }
    Ok(())
}

fn print_secret(secret: &Secret) -> anyhow::Result<()> {
    let line = Zeroizing::new(format!("{}\n", secret.text().as_str()));
    super::print(line.as_bytes())
}

fn name(id: WebhookId) -> String {
    HEXLOWER.encode(&id.0)
}

fn id(name: &str) -> anyhow::Result<WebhookId> {
    let bytes = HEXLOWER.decode(name.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(WebhookId).context(NO_WEBHOOK)
}

//! The demonstration list.

use crate::app::App;
use crate::consent::list_file::ListFile;

pub const SLUG: &str = "news";

const FILE: &str = include_str!("../../../examples/news.toml");

/// Makes the list with its notice, unless it is there from an earlier start.
pub async fn create(app: &App) -> anyhow::Result<()> {
    let spoken = app.templates.words().codes();
    let file = ListFile::parse(FILE, &spoken).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    app.store.create_list(&file.slug, &file.options, file.texts, app.clock.now(), App::random()).await?;
    Ok(())
}

//! The demonstration list.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

use crate::app::App;
use crate::consent::list::ListOptions;
use crate::consent::notice::NoticeText;

pub const SLUG: &str = "news";

const FILE: &str = include_str!("../../../examples/news.toml");

/// A list as a file describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    slug: String,
    list: ListOptions,
    /// The notice's text, by language.
    notice: BTreeMap<String, NoticeText>,
}

/// Makes the list with its notice, unless it is there from an earlier start.
pub async fn create(app: &App) -> anyhow::Result<()> {
    let file: ListFile = toml::from_str(FILE).context("examples/news.toml")?;
    app.store.create_list(&file.slug, &file.list, file.notice, app.clock.now(), App::random()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_sound() {
        let file: ListFile = toml::from_str(FILE).unwrap();
        assert_eq!(file.slug, SLUG);
        assert!(file.list.fields.iter().all(|field| field.has_good_name()));
        assert!(file.notice.contains_key(&file.list.lang) && file.list.title.contains_key(&file.list.lang));
    }
}

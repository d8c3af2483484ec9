//! What each page and letter is given, by example: `templates/samples.json`. Read by people who write their own, and
//! by the trial that finds at the start what only rendering would show.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::{BuiltIn, TemplateError};

const FILE: &str = "samples.json";

/// By the template's name, or for all parts of a letter by its folder's.
#[derive(Deserialize)]
pub struct Samples(BTreeMap<String, Vec<Sample>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// On what occasion, in words.
    pub when: String,
    pub given: Json,
}

impl Samples {
    /// # Errors
    /// Where the file is none.
    pub fn read() -> Result<Samples, TemplateError> {
        let bytes = BuiltIn::get(FILE).map(|file| file.data).unwrap_or_default();
        serde_json::from_slice(&bytes).map_err(|error| TemplateError::Template {
            file: format!("templates/{FILE}"),
            line: error.line(),
            fault: error.to_string(),
        })
    }

    /// Those of one template. What only others include has none.
    pub fn of(&self, template: &str) -> &[Sample] {
        let folder = || self.0.get(template.rsplit_once('/')?.0);
        self.0.get(template).or_else(folder).map_or(&[], Vec::as_slice)
    }
}

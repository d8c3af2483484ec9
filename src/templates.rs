//! The pages and letters: templates with the words of each language.
//!
//! An operator's folder, laid out like the repository's `templates/`, comes before what is built in: a file there
//! replaces the built-in one of the same name, stylesheet included; a catalogue in its `words/` replaces single
//! messages, or is a new language. What an operator wrote is checked when it is loaded, by rendering every template
//! with its samples (`templates/samples.json`): nothing that it could trip over is left to a reader.
//! `.html` escapes what it is given, `.txt` does not. Templates may use
//! `t("key", name=value)`, `date(timestamp)`, `moment(timestamp)`, `countries()`, the filters of `text.rs`, and the
//! globals `lang`, `languages`, `controller`.

mod folder;
mod samples;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use rust_embed::RustEmbed;
use serde::Serialize;

use self::folder::Source;
use self::samples::Samples;
use crate::words::{WordError, Words, WordsError};

#[derive(RustEmbed)]
#[folder = "templates"]
struct BuiltIn;

const STYLESHEET: &str = "pages/optin.css";

/// All templates, parsed, once for each language. One for the whole service.
#[derive(Debug)]
pub struct Templates {
    words: Arc<Words>,
    by_language: BTreeMap<String, Environment<'static>>,
    files: BTreeMap<String, String>,
    stylesheet: String,
}

/// What is wrong with a template, and where: the file as an operator would find it, and a line in it, counted from 1.
/// Holds nothing that a template was given to show.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("{file} cannot be read: {fault}")]
    Read { file: String, fault: std::io::Error },
    #[error("{0} takes the place of no built-in file: see docs/TEMPLATES.md for the names that there are")]
    Stray(String),
    #[error(transparent)]
    Words(#[from] WordsError),
    #[error("{file}:{line}: {fault}")]
    Template { file: String, line: usize, fault: String },
    #[error("there is no template `{0}`")]
    Missing(String),
    #[error("there is no language `{0}`")]
    Language(String),
}

/// Files by their names below the folder.
type Sources = BTreeMap<String, Source>;

impl Templates {
    /// Reads and parses everything: the files in `folder`, and the built-in ones that it does not replace. Where
    /// there is a folder, everything is tried too. `controller` is shown on every page and in every letter.
    ///
    /// # Errors
    /// Where a file cannot be read or parsed, or has no place; where languages disagree; where a template asks for
    /// what there is not.
    pub fn load(folder: Option<&Path>, controller: impl Serialize) -> Result<Templates, TemplateError> {
        let built_in = built_in();
        let own = folder.map(|folder| folder::read(folder, &built_in)).transpose()?.unwrap_or_default();
        let words = Arc::new(Words::read(catalogues(&built_in).chain(catalogues(&own)))?);
        let known = folder.map(|_| Words::read(catalogues(&built_in))).transpose()?;
        let mut sources = built_in;
        sources.extend(own);
        let stylesheet = sources.remove(STYLESHEET).map(|source| source.content).unwrap_or_default();
        sources.retain(|name, _| name.ends_with(".html") || name.ends_with(".txt"));
        let files = sources.iter().map(|(name, source)| (name.clone(), source.file.clone())).collect();

        let mut templates = Templates { words, by_language: BTreeMap::new(), files, stylesheet };
        for (name, source) in &sources {
            templates.knows_the_words_of(name, source)?;
        }
        let controller = Value::from(Serde(controller));
        for language in templates.words.languages() {
            let mut env = environment(&language.code, &templates.words, controller.clone());
            for (name, source) in &sources {
                env.add_template_owned(name.clone(), source.content.clone())
                    .map_err(|error| templates.fault(name, &error))?;
            }
            templates.by_language.insert(language.code, env);
        }
        if let Some(known) = known {
            templates.has_no_word_too_many(&known, &sources)?;
            templates.try_all()?;
        }
        Ok(templates)
    }

    /// The template `name`, say `pages/signup.html` or `letters/confirmation/body.txt`, in the language `lang`.
    /// What it needs stands in the comment at its top.
    ///
    /// # Errors
    /// Where the template or language does not exist, or the template uses what it was not given.
    pub fn render(&self, name: &str, lang: &str, context: impl Serialize) -> Result<String, TemplateError> {
        let env = self.by_language.get(lang).ok_or_else(|| TemplateError::Language(lang.into()))?;
        let template = env.get_template(name).map_err(|_| TemplateError::Missing(name.into()))?;
        template.render(Serde(context)).map_err(|error| self.fault(name, &error))
    }

    /// Renders every template in every language with each of its samples, so that whatever shows only then shows now.
    fn try_all(&self) -> Result<(), TemplateError> {
        let samples = Samples::read()?;
        for (lang, env) in &self.by_language {
            for (name, template) in env.templates() {
                for sample in samples.of(name) {
                    let rendered = template.render(Serde(&sample.given));
                    rendered.map_err(|error| self.fault_in_trial(name, &error, lang, &sample.when))?;
                }
            }
        }
        Ok(())
    }

    pub fn words(&self) -> &Words {
        &self.words
    }

    /// The stylesheet of all pages, CSS in UTF-8, served as `/assets/optin.css`.
    pub fn stylesheet(&self) -> &str {
        &self.stylesheet
    }

    /// The names of all templates.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    fn knows_the_words_of(&self, name: &str, source: &Source) -> Result<(), TemplateError> {
        let known = |asked: &str| self.words.keys().any(|key| text::names(asked, key));
        match text::keys_in(&source.content).find(|(_, key)| !known(key)) {
            None => Ok(()),
            Some((line, key)) => Err(TemplateError::Template {
                file: self.file(name),
                line,
                fault: WordError::Key(key.into()).to_string(),
            }),
        }
    }

    /// A message that is not `known` stands there for a template to ask for. Where none does, its key is misspelt.
    fn has_no_word_too_many(&self, known: &Words, sources: &Sources) -> Result<(), TemplateError> {
        let known: BTreeSet<&str> = known.keys().collect();
        let asked: BTreeSet<&str> =
            sources.values().flat_map(|source| text::keys_in(&source.content)).map(|(_, key)| key).collect();
        let idle = |key: &&str| !known.contains(key) && !asked.iter().any(|asked| text::names(asked, key));
        let place = self.words.keys().find(idle).and_then(|key| Some((key, self.words.place(key)?)));
        place.map_or(Ok(()), |(key, (file, line))| {
            let fault = format!("no template asks for `{key}`");
            Err(TemplateError::Template { file: file.into(), line, fault })
        })
    }

    fn file(&self, name: &str) -> String {
        self.files.get(name).cloned().unwrap_or_else(|| name.into())
    }

    /// Says where the innermost error lies. Only details that name variables, keys and types are told: others may
    /// quote what was to be shown.
    fn fault(&self, name: &str, error: &Error) -> TemplateError {
        let innermost = innermost(error);
        let telling = matches!(
            innermost.kind(),
            ErrorKind::SyntaxError
                | ErrorKind::UndefinedError
                | ErrorKind::TemplateNotFound
                | ErrorKind::MissingArgument
                | ErrorKind::UnknownFilter
                | ErrorKind::UnknownTest
                | ErrorKind::UnknownFunction
        );
        let kind = innermost.kind().to_string();
        self.at(name, innermost, innermost.detail().filter(|_| telling).unwrap_or(&kind))
    }

    /// The same of a sample, which may be quoted.
    fn fault_in_trial(&self, name: &str, error: &Error, lang: &str, when: &str) -> TemplateError {
        let innermost = innermost(error);
        let asked = || innermost.template_source()?.get(innermost.range()?);
        let fault = match (innermost.detail(), asked()) {
            (Some(detail), _) => detail.to_owned(),
            (None, Some(asked)) => format!("{} in `{asked}`", innermost.kind()),
            (None, None) => innermost.kind().to_string(),
        };
        self.at(name, innermost, &format!("{fault} (in `{lang}`, sample “{when}”)"))
    }

    fn at(&self, name: &str, innermost: &Error, fault: &str) -> TemplateError {
        let file = self.file(innermost.name().unwrap_or(name));
        TemplateError::Template { file, line: innermost.line().unwrap_or(1), fault: fault.replace('\n', " ") }
    }
}

fn innermost(error: &Error) -> &Error {
    let inner = std::error::Error::source(error).and_then(|inner| inner.downcast_ref::<Error>());
    inner.map_or(error, innermost)
}

fn built_in() -> Sources {
    let read = |name: &str| {
        let content = String::from_utf8_lossy(&BuiltIn::get(name)?.data).into_owned();
        Some((name.to_owned(), Source { file: format!("templates/{name}"), content }))
    };
    BuiltIn::iter().filter_map(|name| read(&name)).collect()
}

/// The files of words among them: language code, file, content.
fn catalogues(sources: &Sources) -> impl Iterator<Item = (&str, &str, &str)> {
    sources.iter().filter_map(|(name, source)| {
        Some((folder::language(name)?, source.file.as_str(), source.content.as_str()))
    })
}

/// One environment a language: so `t` knows its language even inside an imported macro.
fn environment(lang: &str, words: &Arc<Words>, controller: Value) -> Environment<'static> {
    let mut env = Environment::new();
    // Lets an error name the variable that is missing. The values that come with it stay in `fault`.
    env.set_debug(true);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().unwrap_or_default());
    env.set_auto_escape_callback(|name| match name.ends_with(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    text::add_to(&mut env);
    env.add_global("lang", lang.to_owned());
    env.add_global("languages", Value::from(Serde(words.languages())));
    env.add_global("controller", controller);

    let (said, code) = (Arc::clone(words), lang.to_owned());
    env.add_function("t", move |key: String, args: Kwargs| say(&said, &code, &key, &args));
    let (said, code) = (Arc::clone(words), lang.to_owned());
    env.add_function("date", move |at: String| said.date(&code, timestamp(&at)?).map_err(unsaid));
    let (said, code) = (Arc::clone(words), lang.to_owned());
    env.add_function("moment", move |at: String| said.moment(&code, timestamp(&at)?).map_err(unsaid));
    let countries = words.countries(lang).map(|all| Value::from(Serde(all))).unwrap_or_default();
    env.add_function("countries", move || countries.clone());
    env
}

fn say(words: &Words, lang: &str, key: &str, args: &Kwargs) -> Result<String, Error> {
    let names: Vec<&str> = args.args().collect();
    let values = names.iter().map(|name| args.get::<Value>(name)).collect::<Result<Vec<_>, _>>()?;
    if let Some(missing) = names.iter().zip(&values).find(|(_, value)| value.is_undefined()) {
        return Err(Error::new(
            ErrorKind::UndefinedError,
            format!("`{}` for `{key}` is undefined", missing.0),
        ));
    }
    let given: Vec<(&str, &dyn Display)> =
        names.iter().zip(&values).map(|(name, value)| (*name, value as &dyn Display)).collect();
    words.t(lang, key, &given).map_err(unsaid)
}

fn timestamp(at: &str) -> Result<Timestamp, Error> {
    at.parse().map_err(|_| Error::new(ErrorKind::MissingArgument, "needs a timestamp"))
}

fn unsaid(error: WordError) -> Error {
    Error::new(ErrorKind::MissingArgument, error.to_string())
}

#[cfg(test)]
mod tests;

//! A list's fields in words: what they are called, and what is wrong with what was entered.

use super::answer::say;
use crate::app::App;
use crate::consent::field::{Field, FieldKind, FieldProblem};
use crate::consent::list::List;

/// What a field is called in `lang`: by the list, or by the language's own word for a well-known one.
pub fn label(app: &App, list: &List, field: &Field, lang: &str) -> String {
    let own = field.label(lang, &list.options.lang).map(str::to_owned);
    let word = || app.templates.words().t(lang, &format!("field.{}", field.name), &[]);
    own.or_else(|| word().ok()).unwrap_or_else(|| field.name.clone())
}

/// What is wrong with the value of a field; an undeclared one has no name.
pub fn told(app: &App, list: &List, name: &str, problem: FieldProblem, lang: &str) -> String {
    let declared = list.options.fields.iter().find(|field| field.name == name);
    let label = declared.map_or_else(|| name.to_owned(), |field| label(app, list, field, lang));
    let is_country = declared.is_some_and(|field| field.kind == FieldKind::Country);
    match problem {
        FieldProblem::Undeclared => say(app, lang, "problem.field.undeclared", &[]),
        FieldProblem::Missing => say(app, lang, "problem.field.missing", &[("label", &label)]),
        FieldProblem::IllTyped if is_country => say(app, lang, "problem.field.country", &[]),
        FieldProblem::IllTyped => say(app, lang, "problem.field.control", &[("label", &label)]),
        FieldProblem::TooLong(n) => say(app, lang, "problem.field.too_long", &[("label", &label), ("n", &n)]),
    }
}

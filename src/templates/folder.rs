//! An operator's folder: its files, each in the place of a built-in one.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Sources, TemplateError};

/// A file of the operator's or a built-in one: the path that an operator would look for, and the content.
pub struct Source {
    pub file: String,
    pub content: String,
}

/// All files below `folder`, by their names in it. What an editor left behind is passed over: a hidden file, or one
/// that ends in `~`.
///
/// # Errors
/// Where something cannot be read, is not UTF-8, or would take the place of nothing.
pub fn read(folder: &Path, built_in: &Sources) -> Result<Sources, TemplateError> {
    let mut own = BTreeMap::new();
    read_into(&mut own, folder, "", built_in)?;
    Ok(own)
}

fn read_into(
    own: &mut Sources,
    folder: &Path,
    prefix: &str,
    built_in: &Sources,
) -> Result<(), TemplateError> {
    let within = |path: &Path| {
        let file = path.display().to_string();
        move |fault| TemplateError::Read { file, fault }
    };
    let mut paths = Vec::new();
    for item in std::fs::read_dir(folder).map_err(within(folder))? {
        paths.push(item.map_err(within(folder))?.path());
    }
    // The first fault is then the same at each start.
    paths.sort();
    for path in paths {
        let own_name = path.file_name().unwrap_or_default().to_string_lossy();
        if own_name.starts_with('.') || own_name.ends_with('~') {
            continue;
        }
        let name = format!("{prefix}{own_name}");
        let inside = format!("{name}/");
        if path.is_dir() && built_in.keys().any(|known| known.starts_with(&inside)) {
            read_into(own, &path, &inside, built_in)?;
        } else if built_in.contains_key(&name) || language(&name).is_some() {
            let content = text(&path, std::fs::read(&path).map_err(within(&path))?)?;
            own.insert(name, Source { file: path.display().to_string(), content });
        } else {
            return Err(TemplateError::Stray(path.display().to_string()));
        }
    }
    Ok(())
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String, TemplateError> {
    String::from_utf8(bytes).map_err(|error| {
        let sound = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = sound.iter().filter(|byte| **byte == b'\n').count() + 1;
        TemplateError::Template { file: path.display().to_string(), line, fault: "this is not UTF-8".into() }
    })
}

/// The language whose words a file holds: `words/pt-br.toml` has those of `pt-br`. Lower case, so that it is found
/// whatever way a browser writes it.
pub fn language(name: &str) -> Option<&str> {
    let code = name.strip_prefix("words/")?.strip_suffix(".toml")?;
    let is_part = |part: &str| {
        (1..=8).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    code.split('-').all(is_part).then_some(code)
}

#[cfg(test)]
mod tests;

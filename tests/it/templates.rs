//! What templates are given: `templates/samples.json` says it to whoever writes their own, and to the trial at the
//! start. So it must be what pages and letters are really given.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::house::House;

type Samples = BTreeMap<String, Vec<Value>>;

fn samples() -> Samples {
    serde_json::from_str(&fs::read_to_string("templates/samples.json").unwrap()).unwrap()
}

/// A piece of template, ended by a line's end, that cannot be rendered unless `name` is there, and is like the sample or null.
fn probe(name: &str, sample: &Value, depth: usize) -> String {
    let of_type = |kind: &str| {
        let other = format!("{name} is not none and {name} is not {kind}");
        format!("{{{{ {name} }}}}{{% if {other} %}}{{{{ {name}.is_no_{kind} }}}}{{% endif %}}\n\n")
    };
    match sample {
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| probe(&format!("{name}.{key}"), value, depth));
            // It may be null in another sample; what is not given at all is no null.
            format!("{{% if {name} is not none %}}{}{{% endif %}}\n", members.collect::<String>())
        }
        Value::Array(items) => {
            let item = format!("item_{depth}");
            let inner: String = items.iter().map(|sample| probe(&item, sample, depth + 1)).collect();
            format!("{{% for {item} in {name} %}}{inner}{{% endfor %}}\n")
        }
        Value::String(_) => of_type("string"),
        Value::Number(_) => of_type("number"),
        Value::Bool(_) => of_type("boolean"),
        Value::Null => format!("{{{{ {name} }}}}\n"),
    }
}

/// The built-in template, which first looks at everything that its samples promise.
fn probing(file: &str, block: &str, samples: &[Value]) -> String {
    let given = samples.iter().flat_map(|sample| sample["given"].as_object().unwrap());
    let probes: String = given.map(|(name, sample)| probe(name, sample, 0)).collect();
    let text = fs::read_to_string(format!("templates/{file}")).unwrap();
    assert_eq!(text.matches(block).count(), 1, "{file}");
    text.replace(block, &format!("{block}\n{probes}"))
}

#[tokio::test]
async fn pages_and_letters_are_given_what_the_samples_promise() {
    let folder = tempfile::tempdir().unwrap();
    // The desk's pages are met by its own tests.
    for (name, samples) in samples().into_iter().filter(|(name, _)| !name.starts_with("desk/")) {
        let is_letter = Path::new("templates").join(&name).is_dir();
        let files = match is_letter {
            true => vec![format!("{name}/body.txt"), format!("{name}/body.html")],
            false => vec![name],
        };
        for file in files {
            let block = if is_letter { "{% block body %}" } else { "{% block main %}" };
            let path = folder.path().join(&file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, probing(&file, block, &samples)).unwrap();
        }
    }
    let house = House::with_templates(folder.path()).await;
    house.every_page("en").await;
    house.close().await;
}

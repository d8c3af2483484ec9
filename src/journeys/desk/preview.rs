//! What people would see of a list and a version of its notice, made of the templates that they are really made of. The
//! links lead nowhere.

use serde_json::{Value, json};

use crate::app::App;
use crate::consent::field::Field;
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::templates::TemplateError;
use crate::web::fields;
use crate::web::notice::shown;

/// A list with a version of its notice, both of which may be drafts.
pub struct Preview<'a> {
    pub app: &'a App,
    pub list: &'a List,
    pub notice: &'a Notice,
}

impl Preview<'_> {
    /// In each language of the notice: its text, and the confirmation letter.
    pub fn each_language(&self) -> Result<Vec<Value>, TemplateError> {
        self.notice.languages().map(|lang| self.in_language(lang)).collect()
    }

    fn in_language(&self, lang: &str) -> Result<Value, TemplateError> {
        let App { templates, links, .. } = self.app;
        // An operator's language may have gone since: such a text is shown in the frame of another.
        let frame = templates.words().pick([lang]).unwrap_or("en");
        let context = json!({
            "list": self.title(lang),
            "confirm_url": format!("{}/c/…", links.public_url),
            "not_me_url": format!("{}/n/…", links.public_url),
            "hours": self.list.options.pending_ttl_hours,
            "notice_url": links.notice(&self.list.slug, self.notice.version, lang),
            "leave_mailto": self.list.mailbox(),
        });
        let subject = templates.render("letters/confirmation/subject.txt", frame, &context)?;
        let prefix = self.list.text_in(lang, &self.list.options.sender.subject_prefix);
        let subject = [prefix.unwrap_or_default(), subject.trim()].join(" ");
        Ok(json!({
            "lang": lang,
            "name": templates.words().languages().into_iter().find(|of| of.code == lang).map(|of| of.name),
            "text": self.notice.text_in(lang).1,
            "letter": {
                "subject": subject.trim(),
                "text": templates.render("letters/confirmation/body.txt", frame, &context)?,
            },
        }))
    }

    /// The whole signup page in a language, with a form that leads nowhere.
    pub fn signup_page(&self, lang: &str) -> Result<String, TemplateError> {
        let frame = self.app.templates.words().pick([lang]).unwrap_or("en");
        let field = |field: &Field| {
            json!({
                "name": field.name,
                "label": fields::label(self.app, self.list, field, lang),
                "kind": field.kind,
                "required": field.required,
                "max": field.max,
                "value": "",
                "problem": null,
            })
        };
        let context = json!({
            "list": self.title(lang),
            "notice": shown(self.list, self.notice, lang),
            "email": { "value": "", "problem": null },
            "fields": self.list.options.fields.iter().map(field).collect::<Vec<_>>(),
            "consent": { "given": false, "problem": null },
            "problems": [],
            "stale": false,
            "foreign": false,
            "action": "/desk",
        });
        self.app.templates.render("pages/signup.html", frame, context)
    }

    fn title(&self, lang: &str) -> Value {
        json!({ "slug": self.list.slug, "title": self.list.title(lang) })
    }
}

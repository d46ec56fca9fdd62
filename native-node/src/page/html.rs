//! The page itself.

use minijinja::{AutoEscape, Environment, Value, context, value::Serde};

use crate::{language::Language, status::Report};

pub(super) fn render(report: &Report, language: Language) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.render_str(
        include_str!("page.html"),
        context! {
            report => Value::from(Serde(report)),
            language => language.code(),
            lost => language.page_lost(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{Mood, Row};

    #[test]
    fn whatever_a_node_is_called_stays_text() {
        let report = Report {
            name: "<script>alert(1)</script>".into(),
            mood: Mood::Good,
            headline: "\" onload=\"x".into(),
            rows: vec![Row {
                label: "Models",
                value: "<b>&".into(),
            }],
        };
        let html = render(&report, Language::English).unwrap();
        assert!(!html.contains("<script>alert"), "{html}");
        assert!(html.contains("&lt;b&gt;&amp;"), "{html}");
        assert!(
            html.contains("lang=\"en\"") && html.contains("class=\"good\""),
            "{html}"
        );
    }
}

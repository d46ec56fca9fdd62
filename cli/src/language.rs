//! Every sentence that a person reads, in Finnish and in English side by side.

mod checks;
mod errors;
mod help;
mod project;
mod words;

pub(crate) use self::help::Help;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Finnish,
    English,
}

impl Language {
    /// Finnish where the locale says so, as in `fi_FI.UTF-8`.
    pub(crate) fn from_locale(locale: Option<&str>) -> Self {
        let language = locale
            .unwrap_or_default()
            .split(['_', '.', '-', '@'])
            .next();
        if language == Some("fi") {
            Self::Finnish
        } else {
            Self::English
        }
    }

    fn pick<T>(self, finnish: T, english: T) -> T {
        match self {
            Self::Finnish => finnish,
            Self::English => english,
        }
    }

    /// A number with one decimal, as the language writes it.
    pub(crate) fn decimal(self, number: f64) -> String {
        let text = format!("{number:.1}");
        self.pick(text.replace('.', ","), text)
    }
}

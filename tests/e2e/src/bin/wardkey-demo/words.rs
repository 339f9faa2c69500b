//! The demo's own sentences. What the product says is the product's.

/// Japanese or English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    Ja,
    En,
}

impl Words {
    /// DEMO_LANG, else LANG, else Japanese.
    pub fn choose(demo: Option<&str>, lang: Option<&str>) -> Self {
        match demo.filter(|text| !text.is_empty()).or(lang).and_then(|text| text.get(..2)) {
            Some("en") => Self::En,
            Some("C." | "PO") if demo.is_none() => Self::En,
            _ => Self::Ja,
        }
    }

    /// One of two.
    pub fn pick<'a>(self, ja: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Ja => ja,
            Self::En => en,
        }
    }

    /// As an option of the product.
    pub fn code(self) -> &'static str {
        self.pick("ja", "en")
    }
}

//! How a page is looked at: on which screen, in which colours.

use std::fmt;

use serde_json::{Value, json};

/// The size of the page, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Screen {
    /// 1280 x 900.
    Desktop,
    /// 390 x 844, as a phone would.
    Phone,
}

/// What `prefers-color-scheme` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

/// Both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look(pub(crate) Screen, pub(crate) Theme);

impl Look {
    /// What a test begins with.
    pub(crate) const FIRST: Self = Self(Screen::Desktop, Theme::Light);

    /// Every look. The first one is the last, so that a test goes on as it was.
    pub(crate) const ALL: [Self; 4] = [
        Self(Screen::Desktop, Theme::Dark),
        Self(Screen::Phone, Theme::Dark),
        Self(Screen::Phone, Theme::Light),
        Self::FIRST,
    ];

    /// For `Emulation.setDeviceMetricsOverride`. A window of its own is never that narrow.
    pub(super) fn metrics(self) -> Value {
        let (width, height, mobile) = match self.0 {
            Screen::Desktop => (1280, 900, false),
            Screen::Phone => (390, 844, true),
        };
        json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile })
    }

    /// For `Emulation.setEmulatedMedia`.
    pub(super) fn media(self) -> Value {
        let value = match self.1 {
            Theme::Light => "light",
            Theme::Dark => "dark",
        };
        json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] })
    }
}

impl fmt::Display for Look {
    /// As it is in the names of pictures.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:?}-{:?}", self.0, self.1);
        f.write_str(&text.to_lowercase())
    }
}

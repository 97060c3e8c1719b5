//! What is embedded for the browser, under names that say what is in it.

/// A file for the browser. It never changes under its name.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its name: `NAME.HASH.ENDING`, where HASH are the first 64 bits of its SHA-256.
    pub file: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its content.
    pub plain: &'static [u8],
    /// The same, as `gzip` writes it.
    pub gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

impl Asset {
    /// The one of that name.
    pub fn find(file: &str) -> Option<&'static Self> {
        ASSETS.iter().find(|it| it.file == file)
    }

    /// Where it is served.
    pub(crate) fn href(index: usize) -> String {
        format!("{}/assets/{}", crate::ROOT, ASSETS[index].file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_is_in_it_and_nothing_else_is_found() {
        for asset in &ASSETS {
            let parts: Vec<&str> = asset.file.split('.').collect();
            assert_eq!(parts.len(), 3, "{}", asset.file);
            assert!(parts[1].len() == 16 && parts[1].bytes().all(|it| it.is_ascii_hexdigit()));
            assert!(asset.gzip.starts_with(&[0x1f, 0x8b]) && asset.gzip.len() < asset.plain.len());
            assert_eq!(Asset::find(asset.file).map(|it| it.file), Some(asset.file));
        }
        for unknown in ["", "../assets.rs", "console.css", "htmx.0000000000000000.js"] {
            assert!(Asset::find(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn the_first_page_is_small() {
        let wire: usize = ASSETS.iter().map(|it| it.gzip.len()).sum();
        assert!(wire < 40_000, "{wire}");
    }

    #[test]
    fn each_name_is_where_the_table_says() {
        for (index, start) in [
            (CONSOLE, "console."),
            (ICON, "icon."),
            (HTMX, "htmx."),
            (HTMX_SSE, "htmx_sse."),
            (MORPH, "morph."),
            (KEEP, "keep."),
            (LIVE, "live."),
        ] {
            assert!(ASSETS[index].file.starts_with(start));
        }
    }
}

//! Master keys: what the operator keeps outside of the database, and nothing but data keys is sealed
//! with.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use model::Secret;

use super::cipher::{Cipher, CipherFailed, KEY, hex, random};

/// The first 64 bits of a hash of a master key, as 16 hexadecimal digits: tells keys apart, and says
/// nothing of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterKeyId(pub(crate) String);

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A master key.
#[derive(Debug)]
pub(super) struct MasterKey {
    pub(super) id: MasterKeyId,
    pub(super) cipher: Cipher,
}

/// The operator's keys: the first seals, all open. Never empty. Shows nothing in `Debug`, and
/// cloning it is cheap.
#[derive(Clone, Debug)]
pub struct MasterKeys {
    first: Arc<MasterKey>,
    others: Arc<[MasterKey]>,
}

/// Why there are no master keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The operator gave none.
    #[error(
        "no key to seal secrets with: give --key-file FILE (TIDEGATE_KEY_FILE) or set TIDEGATE_KEY; \
         `tidegate-control-plane key generate` makes one"
    )]
    Missing,
    /// The operator gave two, and which one seals is not to be guessed.
    #[error("both --key-file (TIDEGATE_KEY_FILE) and TIDEGATE_KEY are given: give one of them")]
    Both,
    /// The file cannot be read.
    #[error("cannot read the key file {}", file.display())]
    Unreadable {
        /// Its path.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Every user of the machine can read the file, or write to it.
    #[error("the key file {} is open to everybody: chmod 600 it", .0.display())]
    Open(PathBuf),
    /// There is nothing in it.
    #[error("there is no key: one is base64 of {KEY} bytes, each on a line of its own")]
    Empty,
    /// A line is no key. What it holds is not said: it may be nearly one.
    #[error("the key in line {0} is not base64 of {KEY} bytes")]
    Line(usize),
    /// The machine is at fault.
    #[error(transparent)]
    Cipher(#[from] CipherFailed),
}

impl MasterKeys {
    /// What the operator gave: a file by option or by environment, or the keys themselves.
    pub fn given(file: Option<&Path>, text: Option<&Secret>) -> Result<Self, KeyError> {
        match (file, text) {
            (Some(file), None) => Self::read(file),
            (None, Some(text)) => Self::parse(text),
            (None, None) => Err(KeyError::Missing),
            (Some(_), Some(_)) => Err(KeyError::Both),
        }
    }

    fn read(file: &Path) -> Result<Self, KeyError> {
        let unreadable = |source| KeyError::Unreadable { file: file.to_owned(), source };
        let mode = fs::metadata(file).map_err(unreadable)?.permissions().mode();
        // A group is what systemd's credentials are read by.
        if mode & 0o007 != 0 {
            return Err(KeyError::Open(file.to_owned()));
        }
        Self::parse(&Secret::new(fs::read_to_string(file).map_err(unreadable)?))
    }

    /// Keys, one a line: base64 of 32 bytes, standard or url-safe, with or without `=`. Empty lines,
    /// and those that start with `#`, say nothing.
    pub fn parse(text: &Secret) -> Result<Self, KeyError> {
        let lines = (1..).zip(text.expose().lines().map(str::trim));
        let mut keys = lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| MasterKey::parse(line)?.ok_or(KeyError::Line(number)));
        let first = keys.next().ok_or(KeyError::Empty)??;
        let others = keys.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { first: Arc::new(first), others: others.into() })
    }

    /// The text of a new key, made at random.
    pub fn generate() -> Result<Secret, CipherFailed> {
        Ok(STANDARD.encode(random::<KEY>()?).into())
    }

    /// The fingerprints, first the key that seals.
    pub fn ids(&self) -> impl Iterator<Item = &MasterKeyId> {
        self.all().map(|it| &it.id)
    }

    pub(super) fn first(&self) -> &MasterKey {
        &self.first
    }

    pub(super) fn get(&self, id: &MasterKeyId) -> Option<&MasterKey> {
        self.all().find(|it| it.id == *id)
    }

    fn all(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&*self.first).chain(self.others.iter())
    }
}

/// Either alphabet is made one; padding may be there or not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl MasterKey {
    fn parse(text: &str) -> Result<Option<Self>, CipherFailed> {
        let text = text.replace('-', "+").replace('_', "/");
        let bytes = LENIENT.decode(text).unwrap_or_default();
        let Ok(key) = <[u8; KEY]>::try_from(bytes) else { return Ok(None) };
        Ok(Some(Self { id: MasterKeyId(fingerprint(&key)), cipher: Cipher::new(&key)? }))
    }
}

fn fingerprint(key: &[u8; KEY]) -> String {
    let hash = digest(&SHA256, &[b"tidegate master key\0", key.as_slice()].concat());
    let mut start = [0; 8];
    start.copy_from_slice(&hash.as_ref()[..8]);
    hex(start)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};

    use super::*;

    fn parse(text: &str) -> Result<Vec<String>, KeyError> {
        let keys = MasterKeys::parse(&Secret::new(text.to_owned()))?;
        Ok(keys.ids().map(ToString::to_string).collect())
    }

    #[test]
    fn a_key_may_be_written_in_each_way_of_base64() {
        let key = [0xfb; KEY];
        let id = parse(&STANDARD.encode(key)).unwrap();
        assert_eq!(parse(&URL_SAFE.encode(key)).unwrap(), id);
        assert_eq!(parse(&format!(" {}\r\n", URL_SAFE_NO_PAD.encode(key))).unwrap(), id);
        assert_eq!(id[0].len(), 16);
    }

    #[test]
    fn the_first_line_seals_and_all_open() {
        let text = format!("# new\n{}\n\n{}\n", STANDARD.encode([1; 32]), STANDARD.encode([2; 32]));
        let keys = MasterKeys::parse(&Secret::new(text)).unwrap();
        let ids: Vec<_> = keys.ids().cloned().collect();
        assert_eq!(ids.len(), 2);
        assert_eq!(keys.first().id, ids[0]);
        assert!(keys.get(&ids[1]).is_some());
        assert_eq!([ids[0].to_string()], *parse(&STANDARD.encode([1; 32])).unwrap());
    }

    #[test]
    fn what_is_no_key_is_named_by_its_line_and_not_shown() {
        assert!(matches!(parse(""), Err(KeyError::Empty)));
        assert!(matches!(parse("# nothing\n"), Err(KeyError::Empty)));
        let good = STANDARD.encode([1; 32]);
        for bad in [&STANDARD.encode([1; 31]), &STANDARD.encode([1; 33]), "hunter2", "ö"] {
            let error = parse(&format!("{good}\n{bad}\n")).unwrap_err();
            assert!(matches!(error, KeyError::Line(2)), "{error}");
            assert!(!format!("{error} {error:?}").contains(bad.trim_end_matches('=')));
        }
    }

    #[test]
    fn a_generated_key_is_one_and_another_each_time() {
        let [one, two] = [(), ()].map(|()| MasterKeys::generate().unwrap());
        assert_ne!(one, two);
        let keys = MasterKeys::parse(&one).unwrap();
        let shown = format!("{keys:?}");
        assert!(!shown.contains(one.expose()) && shown.contains("Cipher(..)"), "{shown}");
    }

    #[test]
    fn a_file_is_read_unless_everybody_may() {
        let file = std::env::temp_dir().join(format!("tidegate-key-{}", std::process::id()));
        fs::write(&file, MasterKeys::generate().unwrap().expose()).unwrap();
        let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o640);
        MasterKeys::given(Some(&file), None).unwrap();
        mode(0o644);
        assert!(matches!(MasterKeys::given(Some(&file), None), Err(KeyError::Open(_))));
        fs::remove_file(&file).unwrap();
        let gone = MasterKeys::given(Some(&file), None);
        assert!(matches!(gone, Err(KeyError::Unreadable { .. })));
    }

    #[test]
    fn none_and_two_are_refused_with_what_to_do() {
        let missing = MasterKeys::given(None, None).unwrap_err().to_string();
        for word in ["--key-file", "TIDEGATE_KEY_FILE", "TIDEGATE_KEY;", "key generate"] {
            assert!(missing.contains(word), "{missing}");
        }
        let key = MasterKeys::generate().unwrap();
        let both = MasterKeys::given(Some(Path::new("/nowhere")), Some(&key));
        assert!(matches!(both, Err(KeyError::Both)));
    }
}

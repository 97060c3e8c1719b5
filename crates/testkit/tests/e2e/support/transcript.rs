//! Runs a page of commands by a shell, with real avn, and writes down what they said.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use tokio::process::Command;

use super::Stack;
use super::table::{Keep, Listed, Page};

/// How long the commands of a page may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// What differs from run to run, and what is written instead.
const CHANGING: [(&str, &str); 14] = [
    (r"(127\.0\.0\.1|localhost|\[::1\]):\d+", "HOST:PORT"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "TIME"),
    (r"\bacl[0-9a-f]{11}\b", "ACL_ID"),
    (r"tidegate_[-_A-Za-z0-9]+", "TOKEN"),
    (r#""password": ?"[^"]*""#, r#""password": "PASSWORD""#),
    (r"sasl\.password=\S+", "sasl.password=PASSWORD"),
    (r"port \d+", "port PORT"),
    (r"\d+(\.\d+)? ?%", "N%"),
    // What a client knows beside what it was asked for, and how Python's argparse says so.
    (r"\(choose from [^)]*\)", "(choose from ...)"),
    (r"\{[-a-z,]{40,}\}", "{...}"),
    (r"available options: .*", "available options: ..."),
    // The columns of a table are as wide as what is in them.
    (r"={3,}", "==="),
    (r" {2,}", "  "),
    (r"(?m)[ \t]+$", ""),
];

/// What a page said.
pub(crate) struct Transcript {
    /// Each command as it is written on the page, how it ended, and what is kept of what it printed.
    pub(crate) text: String,
    /// Commands that ended otherwise than the table says, with all that they printed.
    pub(crate) surprises: Vec<String>,
}

/// How a command ended, and what it printed to both of its outputs.
struct Said {
    code: i32,
    printed: String,
}

impl Stack {
    /// Runs the commands of a page by one shell in which `avn` is this one. `newest` says whether
    /// those for the newest one only are among them.
    pub(crate) async fn transcript(&self, page: &Page, avn: &Path, newest: bool) -> Transcript {
        let listed: Vec<&Listed> = page.commands.iter().filter(|it| newest || !it.once).collect();
        let home = self.folder("page");
        let script = self.script(page, &listed);
        fs::write(
            home.join(".curlrc"),
            "silent\nnoproxy = \"*\"\nwrite-out = \"\\n%{http_code}\\n\"\n",
        )
        .expect("the folder is ours");
        let path = [avn.parent().expect("a folder"), Path::new("/usr/local/bin:/usr/bin:/bin")];
        let path = format!("{}:{}", path[0].display(), path[1].display());
        let mut shell = Command::new("sh");
        // The address and the project come from the environment that we have, too.
        shell
            .args(["-c", &script])
            .current_dir(&home)
            .env("HOME", &home)
            .env("PATH", path)
            .env("AIVEN_AUTH_TOKEN", &self.token)
            .env("NO_PROXY", "*")
            .env_remove("AIVEN_CREDENTIALS_FILE")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let ended = tokio::time::timeout(PATIENCE, shell.output()).await;
        let ended = ended.expect("the page takes too long").expect("cannot run sh");
        assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
        let said = |number: usize| Said::read(&home, number);
        write_down(page, &listed, said, &self.token)
    }

    fn script(&self, page: &Page, listed: &[&Listed]) -> String {
        let values = [
            ("{service}", self.service.as_str()),
            ("{project}", &self.project),
            ("{url}", &self.url),
            ("{token}", &self.token),
            ("{issuer}", &self.issuer),
            ("{jwks}", &self.jwks),
        ];
        let mut script = String::new();
        for (number, command) in listed.iter().enumerate() {
            // Not a subshell: variables are for the commands that follow.
            let text = page.meant(command, &values);
            let _ = write!(script, "{{\n{text}\n}} > {number}.out 2>&1\necho $? > {number}.code\n");
        }
        script
    }
}

impl Said {
    fn read(home: &Path, number: usize) -> Self {
        let read = |what: &str| {
            let path: PathBuf = home.join(format!("{number}.{what}"));
            fs::read_to_string(&path).unwrap_or_default()
        };
        let code = read("code").trim().parse().expect("the shell ended before this command");
        Self { code, printed: read("out") }
    }
}

fn write_down(
    page: &Page,
    listed: &[&Listed],
    said: impl Fn(usize) -> Said,
    token: &str,
) -> Transcript {
    let (mut text, mut surprises) = (format!("=== {}\n", page.title), Vec::new());
    for (number, command) in listed.iter().enumerate() {
        let Said { code, printed } = said(number);
        let printed = printed.replace(token, "TOKEN");
        // curl succeeds whatever the answer is.
        let refused =
            code != 0 || (command.text.trim_start().starts_with("curl") && !is_success(&printed));
        if refused != command.because.is_some() {
            surprises.push(format!("{}\n[{code}]\n{printed}", command.text));
        }
        if command.hidden {
            continue;
        }
        let why = command.because.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
        let _ =
            write!(text, "\n$ {}\n[{code}]{why}\n{}", command.text, kept(&command.keep, &printed));
    }
    Transcript { text, surprises }
}

/// Whether the status that curl writes last says so.
fn is_success(printed: &str) -> bool {
    printed.trim_end().lines().next_back().is_some_and(|it| it.starts_with('2'))
}

fn kept(keep: &Keep, printed: &str) -> String {
    let lines = |with: &str| {
        let lines: Vec<&str> = printed.lines().filter(|it| it.contains(with)).collect();
        lines.join("\n")
    };
    let kept = match keep {
        Keep::Exit => String::new(),
        Keep::Lines(word) => lines(word),
        Keep::Keys => keys(printed),
        // Where a client crashes is its own affair, and how it is used is long.
        Keep::All if printed.contains("Traceback") || printed.starts_with("usage: ") => {
            printed.trim_end().lines().next_back().unwrap_or_default().to_owned()
        }
        Keep::All => printed.to_owned(),
    };
    let mut kept = kept;
    for (pattern, instead) in CHANGING {
        let pattern = Regex::new(pattern).expect("a pattern");
        kept = pattern.replace_all(&kept, instead).into_owned();
    }
    if kept.is_empty() || kept.ends_with('\n') { kept } else { kept + "\n" }
}

/// The keys of the JSON object with which it begins, and what comes after that.
fn keys(printed: &str) -> String {
    let mut values = serde_json::Deserializer::from_str(printed).into_iter::<Value>();
    let Some(Ok(Value::Object(object))) = values.next() else { return printed.to_owned() };
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    let rest = printed.get(values.byte_offset()..).unwrap_or_default();
    format!("{}\n{}", keys.join(" "), rest.trim())
}

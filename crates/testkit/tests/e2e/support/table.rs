//! Tables of commands, as `documented/section4.txt` says how they are written.

/// The commands of a page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) title: String,
    /// What stands on the page, and what is meant here; in this order.
    words: Vec<(String, String)>,
    pub(crate) commands: Vec<Listed>,
}

/// A command.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// As it is written on the page.
    pub(crate) text: String,
    pub(crate) keep: Keep,
    /// Only for the newest avn.
    pub(crate) once: bool,
    /// No command of the page: it prepares another one, or puts things back.
    pub(crate) hidden: bool,
    /// Why it fails. Without it, it succeeds.
    pub(crate) because: Option<String>,
}

/// What is kept of what a command prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keep {
    #[default]
    All,
    /// The keys of the JSON, and what comes after it.
    Keys,
    /// Nothing.
    Exit,
    /// The lines with this word.
    Lines(String),
}

/// Reads a table.
pub(crate) fn pages(table: &str) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    for line in table.lines() {
        if let Some(title) = line.strip_prefix("=== ") {
            pages.push(Page { title: title.to_owned(), ..Page::default() });
            continue;
        }
        let Some(page) = pages.last_mut() else { continue };
        if let Some(words) = line.strip_prefix("~~~ ") {
            let (written, meant) = words.split_once(" ==> ").expect("`WORDS ==> OTHERS`");
            page.words.push((written.to_owned(), meant.to_owned()));
        } else if let Some(options) = line.strip_prefix("---") {
            page.commands.push(Listed::of(options.trim()));
        } else if let Some(command) = page.commands.last_mut() {
            command.text.push_str(line);
            command.text.push('\n');
        }
    }
    for command in pages.iter_mut().flat_map(|it| &mut it.commands) {
        command.text.truncate(command.text.trim_end().len());
        assert!(!command.text.is_empty(), "a command without lines: {command:?}");
    }
    pages
}

impl Listed {
    fn of(options: &str) -> Self {
        let (word, rest) = options.split_once(' ').unwrap_or((options, ""));
        let listed = Self::default();
        match word {
            "" => listed,
            "keys" => Self { keep: Keep::Keys, ..listed },
            "exit" => Self { keep: Keep::Exit, ..listed },
            "lines" => Self { keep: Keep::Lines(rest.to_owned()), ..listed },
            "once" => Self { once: true, ..listed },
            "hidden" => Self { hidden: true, ..listed },
            "because" => Self { because: Some(rest.to_owned()), ..listed },
            other => panic!("no option `{other}` of a command"),
        }
    }
}

impl Page {
    /// The command as it is run, with `values` for what is in braces.
    pub(crate) fn meant(&self, command: &Listed, values: &[(&str, &str)]) -> String {
        let mut text = command.text.clone();
        for (written, meant) in &self.words {
            text = text.replace(written, meant);
        }
        for (name, value) in values {
            text = text.replace(name, value);
        }
        text
    }
}

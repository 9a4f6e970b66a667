//! The examples of a page.

use std::collections::BTreeSet;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

pub(super) struct Page {
    pub(super) name: String,
    pub(super) items: Vec<Item>,
    /// The names after `$` that occur in its text, outside of blocks.
    pub(super) placeholders: BTreeSet<String>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Item {
    /// An operation that the text names, perhaps with a query.
    Operation { method: String, path: String },
    /// A subcommand of `parley` that the text names.
    Subcommand(Vec<String>),
    /// A command and the output shown.
    Command { line: String, output: String },
    /// The body of a request or of a response.
    Json { schema: String, text: String, follows_block: bool },
    /// The reason why an example is not run.
    NotRun(String),
}

impl Item {
    pub(super) fn operation(method: &str, path: &str) -> Self {
        Self::Operation { method: method.to_owned(), path: path.to_owned() }
    }
}

impl Page {
    pub(super) fn parse(name: &str, text: &str) -> Self {
        let mut page = Self { name: name.to_owned(), items: Vec::new(), placeholders: BTreeSet::new() };
        let (mut lines, mut follows_block) = (text.lines(), false);
        while let Some(line) = lines.next() {
            if let Some(info) = line.strip_prefix("```") {
                let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
                page.block(info, &block, follows_block);
                follows_block = true;
            } else if !line.trim().is_empty() {
                follows_block = false;
                line.split('`').skip(1).step_by(2).for_each(|code| page.code(code));
            }
        }
        page
    }

    /// Code within a line of text.
    fn code(&mut self, code: &str) {
        let (first, rest) = code.split_once(' ').unwrap_or((code, ""));
        if METHODS.contains(&first) && rest.starts_with('/') {
            self.items.push(Item::operation(first, rest));
        } else if first == "parley" && !rest.is_empty() {
            self.items.push(Item::Subcommand(rest.split(' ').map(str::to_owned).collect()));
        } else if let Some(placeholder) = code.strip_prefix('$') {
            self.placeholders.insert(placeholder.to_owned());
        }
    }

    fn block(&mut self, info: &str, lines: &[&str], follows_block: bool) {
        if let Some(schema) = info.strip_prefix("json ") {
            let text = lines.join("\n");
            self.items.push(Item::Json { schema: schema.to_owned(), text, follows_block });
        } else if info == "console" {
            self.commands(lines);
        } else if let Some(reason) = info.strip_prefix("console not run: ") {
            self.items.push(Item::NotRun(reason.to_owned()));
        } else {
            panic!("{}: no test support for a block of `{info}`", self.name);
        }
    }

    fn commands(&mut self, lines: &[&str]) {
        let mut lines = lines.iter().peekable();
        while let Some(line) = lines.next() {
            let first = line.strip_prefix("$ ").unwrap_or_else(|| panic!("{}: no command: {line}", self.name));
            let mut command = first.to_owned();
            while let Some(more) = command.strip_suffix('\\') {
                command = more.to_owned() + lines.next().expect("the command goes on");
            }
            let mut output = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
                output.push(*line);
            }
            self.items.push(Item::Command { line: command, output: output.join("\n") });
        }
    }
}

//! The one quiet layout of all mails, as text and as HTML.
//!
//! The HTML is one column without images, style sheets or anything from elsewhere. It sets no colours but those of the
//! button, so that each mail program's own light and dark stay readable.

use super::letter::{House, LONGEST_NAME, flat};

/// Where lines of text are broken.
const WIDTH: usize = 72;

/// No fact is longer than this: some come from what a program says of itself.
const LONGEST_FACT: usize = 200;

/// What a letter says, before it has a form.
pub(super) struct Page {
    pub(super) subject: String,
    preview: String,
    heading: String,
    blocks: Vec<Block>,
    why: &'static str,
}

enum Block {
    Say(String),
    Link { label: &'static str, url: String },
    Code(String),
    Facts(Vec<(&'static str, String)>),
}

impl Page {
    /// A page with nothing on it yet. `preview` is what lists of mails show beside the subject; `why` completes the
    /// sentence "… sent this mail because".
    pub(super) fn new(subject: impl Into<String>, preview: impl Into<String>, why: &'static str) -> Self {
        let subject = subject.into();
        Self { heading: subject.clone(), subject, preview: preview.into(), blocks: Vec::new(), why }
    }

    /// Adds a paragraph.
    pub(super) fn say(self, words: impl AsRef<str>) -> Self {
        self.with(Block::Say(flat(words.as_ref(), usize::MAX)))
    }

    /// Adds a link with what it does.
    pub(super) fn link(self, label: &'static str, url: &str) -> Self {
        self.with(Block::Link { label, url: flat(url, usize::MAX) })
    }

    /// Adds a code, in groups that can be kept in mind.
    pub(super) fn code(self, code: &str) -> Self {
        self.with(Block::Code(grouped(&flat(code, LONGEST_NAME))))
    }

    /// Adds facts, each with its name.
    pub(super) fn facts(self, facts: Vec<(&'static str, String)>) -> Self {
        let facts = facts.into_iter().map(|(name, fact)| (name, flat(&fact, LONGEST_FACT)));
        self.with(Block::Facts(facts.filter(|(_, fact)| !fact.is_empty()).collect()))
    }

    fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }
}

fn grouped(code: &str) -> String {
    let half = code.len() / 2;
    let splits = matches!(code.len(), 6 | 8) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if splits { format!("{} {}", &code[..half], &code[half..]) } else { code.to_owned() }
}

/// The text part.
pub(super) fn text(page: &Page, house: &House<'_>) -> String {
    let blocks = page.blocks.iter().map(text_block);
    let footer = format!("---\n{}\n{}\n", wrapped(&because(page, house)), flat(house.public_url, usize::MAX));
    std::iter::once(wrapped(&page.heading)).chain(blocks).chain([footer]).collect::<Vec<_>>().join("\n\n")
}

fn text_block(block: &Block) -> String {
    match block {
        Block::Say(words) => wrapped(words),
        Block::Link { label, url } => format!("{label}:\n{url}"),
        Block::Code(code) => format!("    {code}"),
        Block::Facts(facts) => {
            let widest = facts.iter().map(|(name, _)| name.len() + 1).max().unwrap_or(0);
            let line = |(name, fact): &(&str, String)| format!("    {:<widest$} {fact}", format!("{name}:"));
            facts.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

fn because(page: &Page, house: &House<'_>) -> String {
    format!("{} sent this mail because {}.", house.name, page.why)
}

/// Breaks lines at spaces; a word that is too long keeps its line to itself.
fn wrapped(words: &str) -> String {
    let mut lines = String::new();
    let mut used = 0;
    for word in words.split_whitespace() {
        let wide = word.chars().count();
        if used > 0 {
            let fits = used + 1 + wide <= WIDTH;
            lines.push(if fits { ' ' } else { '\n' });
            used = if fits { used + 1 } else { 0 };
        }
        lines.push_str(word);
        used += wide;
    }
    lines
}

const BODY: &str = "margin:0;padding:24px 16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif";
const HIDDEN: &str = "display:none;max-height:0;overflow:hidden;font-size:1px;line-height:1px;opacity:0";
const BUTTON: &str = "display:inline-block;padding:12px 20px;border-radius:8px;background:#4a4fd0;color:#ffffff;\
                      font-weight:600;text-decoration:none";
const CODE: &str = "margin:0 0 16px;font:600 28px/1.4 ui-monospace,Menlo,Consolas,monospace;letter-spacing:4px";
const QUIET: &str = "font-size:13px;opacity:.75";

/// The HTML part.
pub(super) fn html(page: &Page, house: &House<'_>) -> String {
    let [subject, preview, heading] = [&page.subject, &page.preview, &page.heading].map(|text| escaped(text));
    let blocks: String = page.blocks.iter().map(html_block).collect();
    let because = escaped(&because(page, house));
    let url = escaped(&flat(house.public_url, usize::MAX));
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{subject}</title>
</head>
<body style="{BODY}">
<div style="{HIDDEN}">{preview}</div>
<div style="max-width:560px;margin:0 auto">
<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3">{heading}</h1>
{blocks}<div style="margin:32px 0 0;padding:16px 0 0;border-top:1px solid #88888866;{QUIET}">
<p style="margin:0">{because}<br>{url}</p>
</div>
</div>
</body>
</html>
"#
    )
}

fn html_block(block: &Block) -> String {
    match block {
        Block::Say(words) => format!("<p style=\"margin:0 0 16px\">{}</p>\n", escaped(words)),
        Block::Link { label, url } => {
            let (label, url) = (escaped(label), escaped(url));
            format!(
                "<p style=\"margin:24px 0 8px\"><a href=\"{url}\" style=\"{BUTTON}\">{label}</a></p>\n\
                 <p style=\"margin:0 0 24px;overflow-wrap:anywhere;word-break:break-all;{QUIET}\">{url}</p>\n"
            )
        }
        Block::Code(code) => format!("<p style=\"{CODE}\">{}</p>\n", escaped(code)),
        Block::Facts(facts) => {
            let rows: String = facts.iter().map(html_fact).collect();
            format!(
                "<table style=\"margin:0 0 16px;border-spacing:0;font-size:14px;text-align:left\">\n{rows}</table>\n"
            )
        }
    }
}

fn html_fact((name, fact): &(&'static str, String)) -> String {
    let (name, fact) = (escaped(name), escaped(fact));
    format!(
        "<tr><th scope=\"row\" style=\"padding:2px 16px 2px 0;font-weight:400;opacity:.75;vertical-align:top\">{name}</th>\
         <td style=\"padding:2px 0;overflow-wrap:anywhere\">{fact}</td></tr>\n"
    )
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

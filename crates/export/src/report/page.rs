//! The page: HTML with its style, charts and tables in it, and nothing from elsewhere.

use std::fmt::{self, Write};

use portbook_answers::{Cell, Table};

use super::Report;
use super::section::Section;

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn page(report: &Report) -> Result<String, fmt::Error> {
    let about = &report.about;
    let title = if about.scope == "all" {
        "All ports".to_owned()
    } else {
        about.scope.clone()
    };
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}: licences and clearances</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<p class=\"log\">{origin}</p>\n<h1>{title}: licences and clearances</h1>\n",
        title = escaped(&title),
        origin = escaped(&about.origin)
    );
    writeln!(
        page,
        "<p>Facts up to {} in the time of China, with corrections and annulments applied.</p>",
        escaped(&report.as_of)
    )?;
    page.push_str("</header>\n");
    let events: u64 = report.tally.events.values().sum();
    if report.tally.simulated > 0 {
        let share = if report.tally.simulated == events {
            "Every event".to_owned()
        } else {
            format!("{} of {events} events", report.tally.simulated)
        };
        writeln!(
            page,
            "<p class=\"simulated\"><strong>SIMULATED.</strong> {share} of this report is made up. Nothing here happened.</p>"
        )?;
    }
    page.push_str("<main>\n");
    page.push_str(&contents(report)?);
    for section in &report.sections {
        page.push_str(&section_of(section)?);
    }
    page.push_str(&foundation(report)?);
    page.push_str("</main>\n</body>\n</html>\n");
    Ok(page)
}

fn contents(report: &Report) -> Result<String, fmt::Error> {
    let mut text = "<nav aria-label=\"Sections\">\n<ul>\n".to_owned();
    for section in &report.sections {
        writeln!(
            text,
            "<li><a href=\"#{}\">{}</a></li>",
            section.id,
            escaped(&section.title)
        )?;
    }
    text.push_str("<li><a href=\"#foundation\">What this rests on</a></li>\n</ul>\n</nav>\n");
    Ok(text)
}

fn section_of(section: &Section) -> Result<String, fmt::Error> {
    let mut text = format!(
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{}</h2>\n",
        escaped(&section.title),
        id = section.id
    );
    for (part, words) in &section.method {
        writeln!(
            text,
            "<p class=\"definition\"><b>{part}.</b> {}</p>",
            marked_up(words)
        )?;
    }
    if let Some(chart) = &section.chart {
        writeln!(text, "<figure>{}</figure>", chart.svg(&escaped(&section.title))?)?;
    }
    if let Some(n) = section.n {
        let open = section.open.map_or(String::new(), |it| {
            format!(", {} of {} still open", grouped(it.open), grouped(it.of))
        });
        writeln!(text, "<p>n = {}{open}</p>", grouped(n))?;
    }
    for table in &section.tables {
        text.push_str(&table_of(table)?);
    }
    for note in &section.notes {
        writeln!(text, "<p class=\"note\">{}</p>", escaped(note))?;
    }
    write!(
        text,
        "<details open><summary>The same numbers again</summary><pre><code>{}</code></pre></details>\n</section>\n",
        escaped(&section.command)
    )?;
    Ok(text)
}

fn table_of(table: &Table) -> Result<String, fmt::Error> {
    let mut text = format!(
        "<div class=\"wide\"><table>\n<caption>{}</caption>\n<thead><tr>",
        escaped(&table.name.replace('_', " "))
    );
    for (at, column) in table.columns.iter().enumerate() {
        let is_mass = table
            .rows
            .iter()
            .any(|row| matches!(row.get(at), Some(Cell::Grams(_))));
        let unit = if is_mass { " kg" } else { "" };
        write!(
            text,
            "<th scope=\"col\">{}{unit}</th>",
            escaped(&column.replace('_', " "))
        )?;
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        text.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let cell = escaped(&cell_text(cell));
            if at == 0 {
                write!(text, "<th scope=\"row\">{cell}</th>")?;
            } else {
                write!(text, "<td>{cell}</td>")?;
            }
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table></div>\n");
    Ok(text)
}

/// As people read it: digits in groups, masses in kilograms.
fn cell_text(cell: &Cell) -> String {
    match cell {
        Cell::Count(count) => grouped(*count),
        Cell::Grams(grams) => {
            let (whole, rest) = (grams / 1000, grams % 1000);
            if rest == 0 {
                grouped(whole)
            } else {
                format!("{}.{rest:03}", grouped(whole))
            }
        }
        Cell::Missing => "–".to_owned(),
        Cell::Text(_) | Cell::Number(_) | Cell::Decimal(_) => cell.to_text(),
    }
}

/// Digits in groups of three, held together by spaces that do not break.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Text of a methods page: what stands between backticks or stars is set apart.
fn marked_up(text: &str) -> String {
    let mut html = String::new();
    for (at, part) in escaped(text).split('`').enumerate() {
        if at % 2 == 1 {
            html.extend(["<code>", part, "</code>"]);
        } else {
            html += &part.replace('*', "");
        }
    }
    html
}

/// The checkpoint and the reference data: what a reader needs in order to believe nothing of the above.
fn foundation(report: &Report) -> Result<String, fmt::Error> {
    let about = &report.about;
    let scope = if about.scope == "all" {
        "--all"
    } else {
        &about.scope
    };
    let mut text = format!(
        "<section aria-labelledby=\"foundation\">\n<h2 id=\"foundation\">What this rests on</h2>\n\
         <p>Everything above was counted from the records that this signed checkpoint covers. It proves that they are complete and \
         unchanged, not that what their sources stated is true, nor that everything that happened was stated.</p>\n\
         <pre><code>{}</code></pre>\n\
         <details open><summary>Verify it</summary><pre><code>portbook verify {scope} --at {}</code></pre></details>\n\
         <div class=\"wide\"><table>\n<caption>Reference data of the build that made this report</caption>\n\
         <thead><tr><th scope=\"col\">file</th><th scope=\"col\">SHA-256</th></tr></thead>\n<tbody>\n",
        escaped(about.checkpoint_note.trim_end()),
        about.checkpoint_size
    );
    for (name, digest) in about.references.iter().chain(&about.policies) {
        writeln!(
            text,
            "<tr><th scope=\"row\">{}</th><td><code>{digest}</code></td></tr>",
            escaped(name)
        )?;
    }
    write!(
        text,
        "</tbody>\n</table></div>\n<p>Made by <code>{}</code>, portbook {}.</p>\n</section>\n",
        escaped(&about.command),
        env!("CARGO_PKG_VERSION")
    )?;
    Ok(text)
}

/// Text as HTML: nothing in it is a tag, and nothing ends an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_no_tag() {
        assert_eq!(escaped("<script>\"&"), "&lt;script&gt;&quot;&amp;");
        assert_eq!(marked_up("*see* `a<b`."), "see <code>a&lt;b</code>.");
    }

    #[test]
    fn numbers_are_written_for_people() {
        let text = |cell| cell_text(&cell).replace('\u{202f}', " ");
        assert_eq!(text(Cell::Count(1_234_567)), "1 234 567");
        assert_eq!(text(Cell::Grams(1_000_001)), "1 000.001");
        assert_eq!(text(Cell::Grams(1_234_567_008)), "1 234 567.008");
        assert_eq!(text(Cell::Missing), "–");
    }
}

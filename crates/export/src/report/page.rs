//! The page: HTML with its style, charts and tables in it, and nothing from elsewhere.

use std::fmt::{self, Write};

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
    if let Some((first, last)) = &report.days {
        writeln!(
            page,
            "<p>Events from {first} to {last}, in the time of China.</p>"
        )?;
    }
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
        writeln!(text, "<li><a href=\"#{}\">{}</a></li>", section.id, section.title)?;
    }
    text.push_str("<li><a href=\"#foundation\">What this rests on</a></li>\n</ul>\n</nav>\n");
    Ok(text)
}

fn section_of(section: &Section) -> Result<String, fmt::Error> {
    let mut text = format!(
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{}</h2>\n<p class=\"definition\">{}</p>\n",
        section.title,
        escaped(&section.definition),
        id = section.id
    );
    if let Some(chart) = &section.chart {
        writeln!(text, "<figure>{}</figure>", chart.svg(section.title)?)?;
    }
    write!(
        text,
        "<div class=\"wide\"><table>\n<caption>{}</caption>\n<thead><tr>",
        section.title
    )?;
    for column in &section.columns {
        write!(text, "<th scope=\"col\">{column}</th>")?;
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in &section.rows {
        text.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let cell = escaped(cell);
            if at == 0 {
                write!(text, "<th scope=\"row\">{cell}</th>")?;
            } else {
                write!(text, "<td>{cell}</td>")?;
            }
        }
        text.push_str("</tr>\n");
    }
    write!(
        text,
        "</tbody>\n</table></div>\n<details open><summary>The same numbers again</summary><pre><code>{}</code></pre></details>\n</section>\n",
        escaped(&section.command)
    )?;
    Ok(text)
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
    }
}

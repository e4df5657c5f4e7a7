//! Charts as SVG: whole coordinates, no script, text that can be read and searched.

use std::fmt::{self, Write};

/// Width of a chart.
const WIDTH: u64 = 900;
/// Height of what is drawn in it.
const HEIGHT: u64 = 220;
/// Room for the numbers of the axis.
const LEFT: u64 = 64;
/// Room for a legend.
const TOP: u64 = 28;

/// One series of a bar chart.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) values: Vec<u64>,
}

/// What is drawn.
#[derive(Debug, Clone)]
pub(super) enum Chart {
    /// Bars side by side.
    Bars {
        labels: Vec<String>,
        series: Vec<Series>,
        unit: &'static str,
    },
    /// A range with a mark in it: low, middle, high.
    Ranges {
        labels: Vec<String>,
        ranges: Vec<(u64, u64, u64)>,
        unit: &'static str,
    },
}

impl Chart {
    /// The chart, named after its section; the table below it says the same.
    pub(super) fn svg(&self, title: &str) -> Result<String, fmt::Error> {
        match self {
            Self::Bars { labels, series, unit } => bars(title, labels, series, unit),
            Self::Ranges { labels, ranges, unit } => range_bars(title, labels, ranges, unit),
        }
    }
}

fn bars(title: &str, labels: &[String], series: &[Series], unit: &str) -> Result<String, fmt::Error> {
    let most = series
        .iter()
        .flat_map(|it| &it.values)
        .copied()
        .max()
        .unwrap_or_default();
    let top = round_up(most);
    let mut svg = begin(title, TOP + HEIGHT + 30);
    axis(&mut svg, top, unit)?;
    let (band, count) = (band(labels.len()), length(series.len()));
    let bar = (band * 8 / 10 / count.max(1)).clamp(2, 60);
    for (at, label) in (0..).zip(labels) {
        let left = LEFT + band * at + (band - bar * count) / 2;
        for (nth, series) in (0..).zip(series) {
            let value = usize::try_from(at)
                .ok()
                .and_then(|at| series.values.get(at))
                .copied();
            let height = scaled(value.unwrap_or_default(), top);
            write!(
                svg,
                "<rect class=\"s{nth}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{height}\"><title>{label} {}: {} {unit}</title></rect>",
                left + bar * nth,
                TOP + HEIGHT - height,
                bar.saturating_sub(1).max(1),
                series.name,
                value.unwrap_or_default()
            )?;
        }
        tick(&mut svg, LEFT + band * at + band / 2, label)?;
    }
    let mut x = LEFT;
    for (nth, series) in (0..).zip(series) {
        write!(
            svg,
            "<rect class=\"s{nth}\" x=\"{x}\" y=\"6\" width=\"12\" height=\"12\"/><text x=\"{}\" y=\"16\">{}</text>",
            x + 18,
            series.name
        )?;
        x += 40 + 8 * length(series.name.len());
    }
    svg.push_str("</svg>");
    Ok(svg)
}

fn range_bars(
    title: &str,
    labels: &[String],
    ranges: &[(u64, u64, u64)],
    unit: &str,
) -> Result<String, fmt::Error> {
    let top = round_up(ranges.iter().map(|(_, _, high)| *high).max().unwrap_or_default());
    let mut svg = begin(title, TOP + HEIGHT + 30);
    axis(&mut svg, top, unit)?;
    let band = band(labels.len());
    for ((at, label), (low, middle, high)) in (0..).zip(labels).zip(ranges) {
        let x = LEFT + band * at + band / 2;
        let y = |value: u64| TOP + HEIGHT - scaled(value, top);
        write!(
            svg,
            "<g><title>{label}: p10 {low}, median {middle}, p90 {high}</title><line class=\"range\" x1=\"{x}\" x2=\"{x}\" y1=\"{}\" \
             y2=\"{}\"/><circle class=\"s0\" cx=\"{x}\" cy=\"{}\" r=\"6\"/><text class=\"value\" x=\"{}\" y=\"{}\">{middle}</text></g>",
            y(*low),
            y(*high),
            y(*middle),
            x + 11,
            y(*middle) + 4
        )?;
        tick(&mut svg, x, label)?;
    }
    svg.push_str("</svg>");
    Ok(svg)
}

fn begin(title: &str, height: u64) -> String {
    format!(
        "<svg role=\"img\" aria-label=\"{title}: chart of the table below\" viewBox=\"0 0 {WIDTH} {height}\">"
    )
}

fn axis(svg: &mut String, top: u64, unit: &str) -> fmt::Result {
    for step in 0..=4 {
        let value = top * step / 4;
        let y = TOP + HEIGHT - scaled(value, top);
        write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/><text class=\"label\" x=\"{}\" y=\"{}\">{value}</text>",
            LEFT - 8,
            y + 4
        )?;
    }
    write!(svg, "<text class=\"unit\" x=\"{WIDTH}\" y=\"16\">{unit}</text>")
}

fn tick(svg: &mut String, x: u64, label: &str) -> fmt::Result {
    write!(
        svg,
        "<text class=\"tick\" x=\"{x}\" y=\"{}\">{label}</text>",
        TOP + HEIGHT + 20
    )
}

fn band(count: usize) -> u64 {
    (WIDTH - LEFT) / length(count).max(1)
}

fn scaled(value: u64, top: u64) -> u64 {
    HEIGHT * value / top.max(1)
}

fn length(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

/// The next number that four steps divide and people like: 4, 8, 20, 40, 80, 200 ...
fn round_up(most: u64) -> u64 {
    let mut power = 1;
    loop {
        for step in [4, 8, 12, 20, 28] {
            let top = u64::saturating_mul(step, power);
            if top >= most || top == u64::MAX {
                return top;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_number_that_four_steps_divide() {
        for most in [0, 1, 4, 5, 13, 21, 29, 41, 999, 2_626, 6_150, u64::MAX] {
            let top = round_up(most);
            assert!(
                top >= most && (top.is_multiple_of(4) || top == u64::MAX),
                "{most}: {top}"
            );
        }
        assert_eq!((round_up(6_150), round_up(2_626)), (8_000, 2_800));
    }
}

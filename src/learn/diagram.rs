//! Reliability diagrams and learning curves as SVG.
//!
//! Comes in: bins and points. Goes out: one self-contained picture. Never happens here: a font, script or picture from
//! elsewhere.

use super::curve::Point;
use super::measure::Bin;
use crate::agreement::distribution::clopper_pearson;
use std::fmt::Write;

const SIDE: f64 = 320.0;
const EDGE: f64 = 44.0;

fn x(share: f64) -> f64 {
    EDGE + share * SIDE
}

fn y(share: f64) -> f64 {
    EDGE + (1.0 - share) * SIDE
}

/// Opens a picture with a frame, ticks at fifths, and titles.
fn open(title: &str, across: &str, up: &str, width: f64) -> String {
    let height = SIDE + 2.0 * EDGE;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <rect x=\"{EDGE}\" y=\"{EDGE}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"none\" stroke=\"#999\"/>\n",
        escape(title)
    );
    let middle = EDGE + SIDE / 2.0;
    let _ = writeln!(out, "<text x=\"{EDGE}\" y=\"24\" font-size=\"13\">{}</text>", escape(title));
    let below = SIDE + EDGE + 34.0;
    let _ = writeln!(out, "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{}</text>", escape(across));
    let turn = format!("transform=\"rotate(-90 12 {middle})\"");
    let _ = writeln!(out, "<text x=\"12\" y=\"{middle}\" text-anchor=\"middle\" {turn}>{}</text>", escape(up));
    out
}

fn ticks(out: &mut String) {
    for i in 0..=5 {
        let share = f64::from(i) / 5.0;
        let (at, low, left) = (x(share), y(0.0) + 16.0, EDGE - 6.0);
        let _ = writeln!(out, "<text x=\"{at}\" y=\"{low}\" text-anchor=\"middle\">{share:.1}</text>");
        let _ = writeln!(out, "<text x=\"{left}\" y=\"{:.1}\" text-anchor=\"end\">{share:.1}</text>", y(share) + 4.0);
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A reliability diagram: for each bin, the mean confidence against the share that holds, with its exact interval;
/// the area of a dot grows with the number. Each series has a name, a colour and its bins.
pub fn reliability(title: &str, series: &[(&str, &str, &[Bin])]) -> String {
    let mut out = open(title, "confidence", "share that holds", SIDE + 2.0 * EDGE);
    ticks(&mut out);
    let _ = writeln!(
        out,
        "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"#999\" stroke-dasharray=\"4 3\"/>",
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0)
    );
    for (i, (name, colour, bins)) in series.iter().enumerate() {
        let at = EDGE + 18.0 + 16.0 * i as f64;
        let _ = writeln!(out, "<text x=\"{}\" y=\"{at}\" fill=\"{colour}\">{}</text>", EDGE + 10.0, escape(name));
        bins.iter().filter(|bin| bin.n > 0).for_each(|bin| dot(&mut out, bin, colour));
    }
    out.push_str("</svg>\n");
    out
}

fn dot(out: &mut String, bin: &Bin, colour: &str) {
    let (mean, share) = (bin.confidence / bin.n as f64, bin.held as f64 / bin.n as f64);
    let bounds = clopper_pearson(bin.held, bin.n, 0.95);
    let (at, low, high) = (x(mean), y(bounds.low), y(bounds.high));
    let _ = writeln!(
        out,
        "<line x1=\"{at:.1}\" y1=\"{low:.1}\" x2=\"{at:.1}\" y2=\"{high:.1}\" stroke=\"{colour}\" opacity=\"0.5\"/>"
    );
    let radius = (bin.n as f64).sqrt().clamp(2.0, 12.0);
    let _ = writeln!(
        out,
        "<circle cx=\"{at:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\" fill=\"{colour}\" opacity=\"0.75\"><title>{} of {} hold\
         </title></circle>",
        y(share),
        bin.held,
        bin.n
    );
}

/// The learning curve: held-out kappa by number of decisions, and the kappa of what is replaced as a line.
pub fn learning_curve(points: &[Point]) -> String {
    let mut out = open("Held-out kappa by number of decisions", "decisions", "kappa", SIDE + 2.0 * EDGE);
    let most = points.iter().map(|p| p.decisions).max().unwrap_or(1).max(2) as f64;
    let least = points.iter().map(|p| p.decisions).min().unwrap_or(1).max(1) as f64;
    let across = |n: usize| x(if most > least { (n as f64 / least).ln() / (most / least).ln() } else { 0.5 });
    let up = |kappa: Option<f64>| y(kappa.unwrap_or(0.0).clamp(0.0, 1.0));
    for i in 0..=5 {
        let share = f64::from(i) / 5.0;
        let (left, at) = (EDGE - 6.0, y(share) + 4.0);
        let _ = writeln!(out, "<text x=\"{left}\" y=\"{at:.1}\" text-anchor=\"end\">{share:.1}</text>");
    }
    for point in points {
        let (at, low) = (across(point.decisions), y(0.0) + 16.0);
        let _ = writeln!(out, "<text x=\"{at:.1}\" y=\"{low}\" text-anchor=\"middle\">{}</text>", point.decisions);
    }
    let line = |of: fn(&Point) -> Option<f64>| {
        points.iter().map(|p| format!("{:.1},{:.1}", across(p.decisions), up(of(p)))).collect::<Vec<_>>().join(" ")
    };
    for (name, colour, path, place) in [
        ("learned", "#0b5394", line(|p| p.of("kappa").1), EDGE + 18.0),
        ("before", "#b45f06", line(|p| p.of("kappa").0), EDGE + 34.0),
    ] {
        let _ = writeln!(out, "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
        let _ = writeln!(out, "<text x=\"{}\" y=\"{place}\" fill=\"{colour}\">{name}</text>", EDGE + 10.0);
    }
    out.push_str("</svg>\n");
    out
}

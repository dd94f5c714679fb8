//! Reliability diagrams and learning curves as SVG.
//!
//! Comes in: bins and points. Goes out: one self-contained picture. Never happens here: a font, script or picture from
//! elsewhere.

use super::curve::Point;
use super::measure::{Bin, Gain};
use crate::agreement::distribution::clopper_pearson;
use std::fmt::Write;

const SIDE: f64 = 320.0;
const EDGE: f64 = 50.0;
/// Room for a line below the axes.
const FOOT: f64 = 14.0;

/// Colour of the confidence that is replaced.
pub const BEFORE: &str = "#b45f06";
/// Colour of the learned one.
pub const LEARNED: &str = "#0b5394";

fn x(share: f64) -> f64 {
    EDGE + share * SIDE
}

fn y(share: f64) -> f64 {
    EDGE + (1.0 - share) * SIDE
}

/// Opens a picture with its title.
fn frame(title: &str, width: f64) -> String {
    let (height, title) = (SIDE + 2.0 * EDGE + FOOT, escape(title));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<title>{title}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"{EDGE}\" y=\"24\" font-size=\"13\">{title}</text>\n"
    )
}

/// A frame for one plot, with the names of its axes.
fn axes(out: &mut String, across: &str, up: &str) {
    let (middle, below) = (EDGE + SIDE / 2.0, SIDE + EDGE + 34.0);
    let _ = writeln!(
        out,
        "<rect x=\"{EDGE}\" y=\"{EDGE}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"none\" stroke=\"#999\"/>"
    );
    let _ = writeln!(out, "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{}</text>", escape(across));
    let turn = format!("transform=\"rotate(-90 12 {middle})\"");
    let _ = writeln!(out, "<text x=\"12\" y=\"{middle}\" text-anchor=\"middle\" {turn}>{}</text>", escape(up));
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
    let mut out = frame(title, SIDE + 2.0 * EDGE);
    axes(&mut out, "confidence", "share that holds");
    ticks(&mut out);
    let below = SIDE + 2.0 * EDGE + 6.0;
    let note =
        "Ten bins of equal number each; bars: exact 95 % intervals; on the dashed line confidence is what it says.";
    let _ = writeln!(out, "<text x=\"{EDGE}\" y=\"{below}\" font-size=\"7.5\" fill=\"#555\">{note}</text>");
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

/// The learning curve: held-out kappa and log loss by number of decisions, with the interval of the change around each
/// point, and what is replaced as a line.
pub fn learning_curve(points: &[Point]) -> String {
    let width = 2.0 * (SIDE + 2.0 * EDGE);
    let mut out = frame("What learning gains by number of decisions, on held-out interviews", width);
    for (colour, name, at) in [(LEARNED, "learned", width - 130.0), (BEFORE, "before", width - 80.0)] {
        let _ = writeln!(out, "<text x=\"{at}\" y=\"24\" fill=\"{colour}\">{name}</text>");
    }
    for (i, (measure, name)) in [("kappa", "kappa"), ("log_loss", "log loss")].into_iter().enumerate() {
        let _ = writeln!(out, "<g transform=\"translate({} 0)\">", i as f64 * width / 2.0);
        panel(&mut out, points, measure, name);
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

/// One measure of the learning curve.
fn panel(out: &mut String, points: &[Point], measure: &str, name: &str) {
    axes(out, "decisions (log scale)", name);
    let shown: Vec<(usize, &Gain)> = points.iter().filter_map(|p| Some((p.decisions, p.gain(measure)?))).collect();
    let scale = Scale::around(shown.iter().flat_map(|(_, gain)| values(gain)));
    for tick in scale.ticks() {
        let (left, at) = (EDGE - 6.0, scale.y(tick));
        let _ =
            writeln!(out, "<line x1=\"{EDGE}\" y1=\"{at:.1}\" x2=\"{}\" y2=\"{at:.1}\" stroke=\"#eee\"/>", x(1.0));
        let _ = writeln!(out, "<text x=\"{left}\" y=\"{:.1}\" text-anchor=\"end\">{tick:.2}</text>", at + 4.0);
    }
    let most = shown.iter().map(|(n, _)| *n).max().unwrap_or(1).max(2) as f64;
    let least = shown.iter().map(|(n, _)| *n).min().unwrap_or(1).max(1) as f64;
    let across =
        |n: usize| x(if most > least { 0.05 + 0.9 * (n as f64 / least).ln() / (most / least).ln() } else { 0.5 });
    for (n, _) in &shown {
        let (at, low) = (across(*n), y(0.0) + 16.0);
        let _ = writeln!(out, "<text x=\"{at:.1}\" y=\"{low}\" text-anchor=\"middle\">{n}</text>");
    }
    // The learned line lies over the one that it replaces.
    for (colour, of) in [(BEFORE, before as Pick), (LEARNED, after)] {
        let at = |(n, gain): &(usize, &Gain)| Some(format!("{:.1},{:.1}", across(*n), scale.y(of(gain)?)));
        let path: Vec<String> = shown.iter().filter_map(at).collect();
        let path = path.join(" ");
        let _ = writeln!(out, "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
    }
    shown.iter().for_each(|(n, gain)| bar(out, gain, across(*n), &scale));
}

/// The learned value, with the interval of the change around it.
fn bar(out: &mut String, gain: &Gain, at: f64, scale: &Scale) {
    if let Some([low, high]) = bounds(gain) {
        let (low, high) = (scale.y(low), scale.y(high));
        let _ = writeln!(
            out,
            "<line x1=\"{at:.1}\" y1=\"{low:.1}\" x2=\"{at:.1}\" y2=\"{high:.1}\" stroke=\"{LEARNED}\" opacity=\"0.5\"/>"
        );
    }
    if let Some(value) = gain.after {
        let _ = writeln!(out, "<circle cx=\"{at:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{LEARNED}\"/>", scale.y(value));
    }
}

type Pick = fn(&Gain) -> Option<f64>;

fn before(gain: &Gain) -> Option<f64> {
    gain.before
}

fn after(gain: &Gain) -> Option<f64> {
    gain.after
}

/// The interval of the change, added to what was before.
fn bounds(gain: &Gain) -> Option<[f64; 2]> {
    let (before, interval) = (gain.before?, gain.change?.interval?);
    Some([before + interval.low, before + interval.high])
}

/// Everything that a gain shows.
fn values(gain: &Gain) -> impl Iterator<Item = f64> {
    gain.before.into_iter().chain(gain.after).chain(bounds(gain).into_iter().flatten())
}

/// From values to heights: a range of whole steps around them.
struct Scale {
    low: f64,
    step: f64,
    steps: usize,
}

impl Scale {
    fn around(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let fits = |step: &&f64| ((high / **step).ceil() - (low / **step).floor()) <= 6.0;
        let step = *[0.01, 0.02, 0.05, 0.1, 0.2].iter().find(fits).unwrap_or(&0.5);
        let first = (low / step).floor();
        let steps = ((high / step).ceil() - first).max(1.0) as usize;
        Scale { low: first * step, step, steps }
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (0..=self.steps).map(|i| self.low + self.step * i as f64)
    }

    fn y(&self, value: f64) -> f64 {
        y((value - self.low) / (self.step * self.steps as f64))
    }
}

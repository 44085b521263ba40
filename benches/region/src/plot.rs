//! The picture: latency by number of sessions, for put and get, and resumed handshakes. SVG by hand.

use std::fmt::Write;

use crate::report::{PROTOCOLS, SERVERS, STORES, count};
use crate::samples::{Case, Samples, Spread};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 760.0;
/// For the stores in their order, told apart by colour and by dashes; a colour-blind reader's palette.
const STYLES: [(&str, &str); 6] = [
    ("#d55e00", ""),
    ("#009e73", ""),
    ("#0072b2", ""),
    ("#0072b2", "5 4"),
    ("#8c5c99", ""),
    ("#8c5c99", "5 4"),
];

/// The inside of a diagram.
#[derive(Clone, Copy)]
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

pub fn picture(samples: &Samples) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    let frame = Frame { left: 70.0, top: 45.0, width: 380.0, height: 300.0 };
    latencies(&mut svg, samples, frame, "put");
    latencies(&mut svg, samples, Frame { left: 545.0, ..frame }, "get");
    legend(&mut svg);
    bars(&mut svg, samples, Frame { left: 70.0, top: 500.0, width: 855.0, height: 195.0 });
    svg + "</svg>\n"
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, extra: &str, words: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {extra}>{words}</text>");
}

fn line(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), style: &str) {
    let _ = writeln!(svg, "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {style}/>");
}

const GRID: &str = "stroke=\"#dddddd\"";
const AXIS: &str = "stroke=\"#333333\"";

impl Frame {
    fn bottom(self) -> f64 {
        self.top + self.height
    }

    fn right(self) -> f64 {
        self.left + self.width
    }

    fn title(self, svg: &mut String, words: &str) {
        text(svg, (self.left, self.top - 18.0), "start", "font-size=\"15\" font-weight=\"bold\"", words);
    }

    fn axes(self, svg: &mut String) {
        line(svg, (self.left, self.top), (self.left, self.bottom()), AXIS);
        line(svg, (self.left, self.bottom()), (self.right(), self.bottom()), AXIS);
    }

    fn up_label(self, svg: &mut String, words: &str) {
        let (x, y) = (self.left - 48.0, self.top + self.height / 2.0);
        text(svg, (x, y), "middle", &format!("transform=\"rotate(-90 {x:.1} {y:.1})\""), words);
    }
}

/// Both axes are logarithmic.
fn latencies(svg: &mut String, samples: &Samples, frame: Frame, work: &str) {
    let sizes = samples.sizes();
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else { return };
    let (first, last) = ((*first as f64).log10(), (*last as f64).log10().max((*first as f64).log10() + 1.0));
    let x = |sessions: u64| {
        frame.left + 15.0 + ((sessions as f64).log10() - first) / (last - first) * (frame.width - 30.0)
    };
    // From 0.3 to 50 microseconds.
    let (low, high) = (0.3_f64.log10(), 50.0_f64.log10());
    let y = |microseconds: f64| frame.bottom() - (microseconds.log10() - low) / (high - low) * frame.height;

    frame.title(svg, &format!("{work}: median latency, one process"));
    for tick in [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0] {
        line(svg, (frame.left, y(tick)), (frame.right(), y(tick)), GRID);
        text(svg, (frame.left - 7.0, y(tick) + 4.0), "end", "", &format!("{tick}"));
    }
    for sessions in &sizes {
        line(svg, (x(*sessions), frame.bottom()), (x(*sessions), frame.bottom() + 5.0), AXIS);
        text(svg, (x(*sessions), frame.bottom() + 20.0), "middle", "", &count(*sessions));
    }
    frame.axes(svg);
    frame.up_label(svg, "microseconds (logarithmic)");
    text(svg, (frame.left + frame.width / 2.0, frame.bottom() + 40.0), "middle", "", "sessions in the store");
    for ((store, _), (colour, dashes)) in STORES.iter().zip(STYLES) {
        let points = sizes.iter().filter_map(|sessions| {
            let case = Case { store, processes: 1, sessions: *sessions, work };
            let median = samples.over_rounds(&case, |sample| sample.median / 1e3)?.median;
            Some((x(*sessions), y(median.clamp(0.3, 50.0))))
        });
        curve(svg, &points.collect::<Vec<_>>(), colour, dashes);
    }
}

fn curve(svg: &mut String, points: &[(f64, f64)], colour: &str, dashes: &str) {
    let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"/>",
        path.join(" ")
    );
    for (x, y) in points {
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>");
    }
}

fn legend(svg: &mut String) {
    for (at, ((_, name), (colour, dashes))) in STORES.iter().zip(STYLES).enumerate() {
        let (x, y) = (70.0 + (at / 2) as f64 * 290.0, 412.0 + (at % 2) as f64 * 22.0);
        let style = format!("stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"");
        line(svg, (x, y - 4.0), (x + 28.0, y - 4.0), &style);
        text(svg, (x + 36.0, y), "start", "", name);
    }
}

fn bars(svg: &mut String, samples: &Samples, frame: Frame) {
    let rate = |server: &str, protocol: &str, who: &str| {
        let turns = samples.of_server(server, protocol, who);
        Spread::of(turns.iter().map(|turn| turn.rate()).collect()).map_or(0.0, |spread| spread.median)
    };
    let highest = samples.handshakes.iter().map(|turn| turn.rate()).fold(1.0, f64::max);
    let step = 10_f64.powf((highest / 2.0).log10().floor());
    let y = |rate: f64| frame.bottom() - rate / (highest * 1.1) * frame.height;
    frame.title(svg, "resumed handshakes a second, two worker processes");
    let mut tick = 0.0;
    while tick <= highest {
        line(svg, (frame.left, y(tick)), (frame.right(), y(tick)), GRID);
        text(svg, (frame.left - 7.0, y(tick) + 4.0), "end", "", &format!("{tick:.0}"));
        tick += step;
    }
    let groups = SERVERS.iter().flat_map(|server| PROTOCOLS.iter().map(move |protocol| (server, protocol)));
    for (at, ((server, _), (protocol, name))) in groups.enumerate() {
        let middle = frame.left + frame.width / 4.0 * (at as f64 + 0.5);
        for (who, words, colour, left) in
            [("stock", "own", "#999999", middle - 72.0), ("ours", "region", "#d55e00", middle + 4.0)]
        {
            let height = y(rate(server, protocol, who));
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{height:.1}\" width=\"68\" height=\"{:.1}\" fill=\"{colour}\"/>",
                frame.bottom() - height
            );
            text(
                svg,
                (left + 34.0, height - 5.0),
                "middle",
                "font-size=\"12\"",
                &format!("{:.0}", rate(server, protocol, who)),
            );
            text(svg, (left + 34.0, frame.bottom() + 17.0), "middle", "font-size=\"12\"", words);
        }
        let label = format!("{server}, {}", name.split(',').next().unwrap_or(name));
        text(svg, (middle, frame.bottom() + 38.0), "middle", "", &label);
    }
    frame.axes(svg);
    frame.up_label(svg, "a second");
}

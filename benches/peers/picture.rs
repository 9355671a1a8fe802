//! Picture of ratios in SVG: bars on a logarithmic axis, to the right for programs that are slower than
//! `stub`, to the left for those that are faster.

use std::fmt::Write;

/// Workload with the ratio of each program's wall time to that of `stub`.
pub struct Group {
    pub name: String,
    pub bars: Vec<(&'static str, f64)>,
}

/// Colors that people with any vision tell apart (Okabe and Ito).
const COLORS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
];

/// Width of the picture, of the names of workloads, and of the numbers beside bars, in pixels.
const WIDTH: f64 = 820.0;
const NAMES: f64 = 140.0;
const NUMBERS: f64 = 60.0;

/// Heights of title and legend, of a bar, and of the space between workloads, in pixels.
const HEAD: f64 = 70.0;
const BAR: f64 = 13.0;
const GAP: f64 = 9.0;

/// Draws a picture.
pub fn draw(title: &str, groups: &[&Group]) -> String {
    let programs = programs(groups);
    let axis = Axis::of(groups);
    let bars: usize = groups.iter().map(|group| group.bars.len()).sum();
    let bottom = HEAD + extent(bars, BAR) + extent(groups.len(), GAP);
    let mut svg = String::new();
    // Writing to a string can't fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
        bottom + 24.0
    );
    text(
        &mut svg,
        (10.0, 20.0),
        "start",
        &format!("{title}: wall time in multiples of that of stub"),
    );
    legend(&mut svg, &programs);
    ticks(&mut svg, axis, bottom);
    let mut y = HEAD + GAP / 2.0;
    for group in groups {
        let middle = y + extent(group.bars.len(), BAR) / 2.0 + 4.0;
        text(&mut svg, (NAMES - 10.0, middle), "end", &group.name);
        for (program, ratio) in &group.bars {
            bar(&mut svg, axis, y, *ratio, color(&programs, program));
            y += BAR;
        }
        y += GAP;
    }
    svg.push_str("</svg>\n");
    svg
}

/// Logarithmic axis of ratios.
#[derive(Clone, Copy)]
struct Axis {
    least: f64,
    most: f64,
}

impl Axis {
    /// Returns an axis from one power of ten to another that shows all bars.
    fn of(groups: &[&Group]) -> Self {
        let ratios = || groups.iter().flat_map(|group| &group.bars).map(|bar| bar.1);
        Self {
            least: ratios().fold(1.0, f64::min).log10().floor(),
            most: ratios().fold(10.0, f64::max).log10().ceil(),
        }
    }

    fn x(self, ratio: f64) -> f64 {
        let width = WIDTH - NAMES - NUMBERS;
        NAMES + width * (ratio.log10() - self.least) / (self.most - self.least)
    }

    fn powers(self) -> impl Iterator<Item = f64> {
        let steps = std::iter::successors(Some(self.least), |power| Some(power + 1.0));
        steps
            .take_while(move |power| *power <= self.most)
            .map(|power| 10f64.powf(power))
    }
}

fn bar(svg: &mut String, axis: Axis, y: f64, ratio: f64, color: &str) {
    let (one, end) = (axis.x(1.0), axis.x(ratio));
    let (left, width) = (one.min(end), (one - end).abs().max(1.0));
    let height = BAR - 2.0;
    let _ = writeln!(
        svg,
        "<rect x=\"{left:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{color}\"/>"
    );
    let number = match ratio {
        10.0.. => format!("{ratio:.0}"),
        1.0.. => format!("{ratio:.1}"),
        _ => format!("{ratio:.2}"),
    };
    text(svg, (one.max(end) + 4.0, y + 10.0), "start", &number);
}

fn legend(svg: &mut String, programs: &[&str]) {
    let mut x = 10.0;
    for program in programs {
        let color = color(programs, program);
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.0}\" y=\"34\" width=\"10\" height=\"10\" fill=\"{color}\"/>"
        );
        text(svg, (x + 14.0, 43.0), "start", program);
        x += 40.0 + extent(program.len(), 7.0);
    }
}

fn ticks(svg: &mut String, axis: Axis, bottom: f64) {
    for power in axis.powers() {
        let x = axis.x(power);
        let is_one = (power - 1.0).abs() < 1e-9;
        let line = if is_one { "black" } else { "#ddd" };
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{HEAD}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"{line}\"/>"
        );
        text(svg, (x, bottom + 15.0), "middle", &power.to_string());
    }
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}

/// Returns the names of all programs, in the order of their first bars.
fn programs<'a>(groups: &[&'a Group]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (name, _) in groups.iter().flat_map(|group| &group.bars) {
        if !names.contains(name) {
            names.push(*name);
        }
    }
    names
}

fn color(programs: &[&str], program: &str) -> &'static str {
    let index = programs.iter().position(|name| *name == program);
    COLORS[index.unwrap_or_default() % COLORS.len()]
}

#[allow(clippy::cast_precision_loss, reason = "numbers of pixels")]
fn extent(count: usize, each: f64) -> f64 {
    count as f64 * each
}

//! A picture of a run, for a person: rates, queue and layers over time, as SVG.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::log::{BIN_MS, LinkLog, Log, SubscriberLog, TrackLog};

/// Bins that one point of a line stands for: half a second.
const STEP: usize = 5;

/// Pixels.
const WIDTH: u32 = 1000;
const RATES: u32 = 300;
const QUEUE: u32 = 160;
const LAYERS: u32 = 160;

/// Subscribers and tracks are told apart by these.
const COLOURS: [RGBColor; 6] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 39, 40),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
    RGBColor(255, 127, 14),
    RGBColor(23, 190, 207),
];

const GREY: RGBColor = RGBColor(150, 150, 150);

type Line = Vec<(f64, f64)>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The picture of a run.
///
/// # Errors
/// What the drawing library says.
pub fn plot(title: &str, log: &Log) -> Result<String, Box<dyn std::error::Error>> {
    let links = shown_links(log);
    let height = RATES + QUEUE + LAYERS;
    let mut svg = String::new();
    {
        let size = (WIDTH, height * links.len() as u32 + 24);
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        let head = format!("{title} ({}, seed {})", log.column, log.seed);
        let rest = root.titled(&head, ("sans-serif", 16))?;
        for (area, link) in rest.split_evenly((links.len(), 1)).iter().zip(links) {
            let (rates, below) = area.split_vertically(RATES);
            let (queue, layers) = below.split_vertically(QUEUE);
            let seen: Vec<&SubscriberLog> = log
                .subscribers
                .iter()
                .filter(|s| link.is_none_or(|link| s.link == link.name))
                .collect();
            draw_rates(&rates, log, link, &seen)?;
            draw_queue(&queue, link, &seen)?;
            draw_layers(&layers, &seen)?;
        }
        root.present()?;
    }
    Ok(svg)
}

/// The bottlenecks that somebody subscribes through; else one picture of all.
fn shown_links(log: &Log) -> Vec<Option<&LinkLog>> {
    let narrow = |link: &&LinkLog| log.subscribers.iter().any(|s| s.link == link.name);
    let links: Vec<_> = log.links.iter().filter(narrow).map(Some).collect();
    if !links.is_empty() {
        return links;
    }
    let uplinks: Vec<_> = log.links.iter().map(Some).collect();
    if uplinks.is_empty() {
        vec![None]
    } else {
        uplinks
    }
}

fn mean<T>(bins: &[T], value: impl Fn(&T) -> f64) -> Line {
    points(bins, |bins| {
        bins.iter().map(&value).sum::<f64>() / bins.len() as f64
    })
}

fn most<T>(bins: &[T], value: impl Fn(&T) -> f64) -> Line {
    points(bins, |bins| bins.iter().map(&value).fold(0.0, f64::max))
}

fn points<T>(bins: &[T], value: impl Fn(&[T]) -> f64) -> Line {
    let seconds = f64::from(BIN_MS) / 1000.0 * STEP as f64;
    let numbered = bins.chunks(STEP).zip(0_u32..);
    numbered
        .map(|(bins, at)| (f64::from(at) * seconds, value(bins)))
        .collect()
}

/// Both ends of a step, so that a line has corners.
fn steps(line: Line) -> Line {
    let mut cornered: Line = Vec::new();
    for (at, value) in line {
        match cornered.last() {
            Some((_, last)) if *last != value => {
                let last = *last;
                cornered.extend([(at, last), (at, value)]);
            }
            _ => cornered.push((at, value)),
        }
    }
    cornered
}

/// One line of a panel.
struct Curve {
    label: String,
    colour: RGBColor,
    width: u32,
    line: Line,
}

fn curve(label: impl Into<String>, colour: RGBColor, width: u32, line: Line) -> Curve {
    Curve {
        label: label.into(),
        colour,
        width,
        line,
    }
}

fn draw_rates(
    area: &Area<'_>,
    log: &Log,
    link: Option<&LinkLog>,
    subscribers: &[&SubscriberLog],
) -> Drawn {
    let mut curves = Vec::new();
    if let Some(link) = link {
        let cross = mean(&link.bins, |bin| bin.cross_kbps);
        if cross.iter().any(|(_, rate)| *rate > 0.0) {
            curves.push(curve("others", GREY, 1, cross));
        }
        let capacity = steps(mean(&link.bins, |bin| bin.capacity_kbps));
        curves.push(curve(format!("{} carries", link.name), BLACK, 2, capacity));
        if !subscribers.iter().any(|s| s.link == link.name) {
            curves.push(curve(
                "sent",
                COLOURS[0],
                1,
                mean(&link.bins, |b| b.carried_kbps),
            ));
        }
        for publisher in log.publishers.iter().filter(|p| p.link == link.name) {
            let label = format!("{} estimates", publisher.name);
            let line = mean(&publisher.estimate_kbps, |kbps| *kbps);
            curves.push(curve(label, COLOURS[1], 2, line));
        }
    }
    for (subscriber, at) in subscribers.iter().zip(0..) {
        if subscriber.tracks.is_empty() || link.is_some_and(|l| l.name != subscriber.link) {
            continue;
        }
        let colour = COLOURS[at % COLOURS.len()];
        let pale = RGBColor(colour.0 / 2 + 110, colour.1 / 2 + 110, colour.2 / 2 + 110);
        let (name, bins) = (&subscriber.name, &subscriber.bins);
        curves.push(curve(
            format!("{name} sent"),
            pale,
            1,
            mean(bins, |bin| bin.sent_kbps),
        ));
        let padding = mean(bins, |bin| bin.padding_kbps + bin.repair_kbps);
        if padding.iter().any(|(_, rate)| *rate > 0.0) {
            curves.push(curve(format!("{name} repairs, padding"), GREY, 1, padding));
        }
        let allotted = steps(mean(bins, |bin| bin.allotted_kbps));
        if allotted.iter().any(|(_, rate)| *rate > 0.0) {
            curves.push(curve(
                format!("{name} allotted"),
                COLOURS[(at + 2) % 6],
                1,
                allotted,
            ));
        }
        let estimate = mean(bins, |bin| bin.estimate_kbps);
        if estimate.iter().any(|(_, rate)| *rate > 0.0) {
            curves.push(curve(format!("{name} estimate"), colour, 2, estimate));
        }
    }
    // An estimate of a link without a limit says little: what is sent sets the scale.
    let scale = curves
        .iter()
        .filter(|c| !c.label.ends_with("estimate") && !c.label.ends_with("estimates"));
    let top = scale
        .flat_map(|c| &c.line)
        .map(|(_, rate)| *rate)
        .fold(100.0, f64::max);
    panel(area, "kbit/s", (0.0, top * 1.15), &curves)
}

fn draw_queue(area: &Area<'_>, link: Option<&LinkLog>, subscribers: &[&SubscriberLog]) -> Drawn {
    let mut curves = Vec::new();
    if let Some(link) = link {
        let longest = most(&link.bins, |bin| bin.queue_ms_max);
        curves.push(curve("queue, longest", COLOURS[4], 1, longest));
        curves.push(curve(
            "mean",
            COLOURS[1],
            2,
            mean(&link.bins, |bin| bin.queue_ms_mean),
        ));
    }
    for subscriber in subscribers {
        let line = most(&subscriber.bins, |bin| bin.paced_ms_max);
        if line.iter().any(|(_, ms)| *ms > 0.0) {
            curves.push(curve(
                format!("{} paced, longest", subscriber.name),
                GREY,
                1,
                line,
            ));
        }
    }
    let all = curves.iter().flat_map(|c| &c.line).map(|(_, ms)| *ms);
    let top = all.fold(50.0, f64::max);
    panel(area, "ms", (0.0, top * 1.1), &curves)
}

/// Each picture's layer: the spatial one, and thirds of it for the temporal ones.
fn draw_layers(area: &Area<'_>, subscribers: &[&SubscriberLog]) -> Drawn {
    let pictures = |subscriber: &&SubscriberLog| {
        let name = subscriber.name.clone();
        let tracks = subscriber.tracks.iter().filter(|track| !track.is_audio);
        let tracks: Vec<(String, TrackLog)> = tracks.map(|t| (name.clone(), t.clone())).collect();
        tracks
    };
    let tracks: Vec<_> = subscribers.iter().flat_map(pictures).collect();
    let numbered = tracks.iter().zip(0..).take(COLOURS.len());
    let curves = numbered.map(|((name, track), at)| {
        // A hair apart, so that one does not hide the other.
        let apart = at as f64 * 0.04;
        let line = most(&track.bins, |bin| {
            if bin.paused || bin.frames == 0 {
                return -0.3;
            }
            f64::from(bin.spatial) + f64::from(bin.temporal) / 3.0
        });
        let line = line.into_iter().map(|(x, y)| (x, y + apart)).collect();
        let label = format!("{name} sees {}", track.name);
        curve(label, COLOURS[at % COLOURS.len()], 1, steps(line))
    });
    panel(area, "layer", (-0.4, 3.0), &curves.collect::<Vec<_>>())
}

fn panel(area: &Area<'_>, unit: &str, (low, high): (f64, f64), curves: &[Curve]) -> Drawn {
    let lines = curves.iter().flat_map(|curve| &curve.line);
    let end = lines.map(|(at, _)| *at).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(4)
        .margin_right(12)
        .x_label_area_size(18)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..end, low..high)?;
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(WHITE)
        .bold_line_style(RGBColor(225, 225, 225));
    mesh.y_desc(unit)
        .y_labels(5)
        .x_labels(12)
        .label_style(("sans-serif", 11));
    mesh.draw()?;
    for curve in curves {
        let style = curve.colour.stroke_width(curve.width);
        let clipped = curve
            .line
            .iter()
            .map(|(at, value)| (*at, value.clamp(low, high)));
        let drawn = chart.draw_series(LineSeries::new(clipped, style))?;
        drawn
            .label(&curve.label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 14, y)], style));
    }
    let mut labels = chart.configure_series_labels();
    labels
        .position(SeriesLabelPosition::UpperRight)
        .label_font(("sans-serif", 11));
    labels
        .background_style(WHITE.mix(0.75))
        .border_style(RGBColor(225, 225, 225));
    labels.draw()?;
    Ok(())
}

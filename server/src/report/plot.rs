//! Plots as SVG: bars of whole numbers, drawn here as they are few and plain. Series differ in
//! lightness too, so that a page in black and white can be read.

use std::fmt::Write as _;

use wardkey_core::name::Language;

use super::escape::escaped;
use crate::texts::{Phrase, Text};
use crate::width::{columns_of, fitting};

/// How it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Upright, for what follows in time.
    Columns,
    /// Lying, each with its name.
    Bars,
}

/// A plot: a stack of bars for each point.
#[derive(Debug)]
pub struct Plot {
    /// What it shows.
    pub title: Text,
    /// How it is drawn.
    pub shape: Shape,
    /// What is stacked.
    pub series: Vec<Text>,
    /// Names and values, one for each series.
    pub points: Vec<(Phrase, Vec<u64>)>,
}

/// The most bars with a name; the others are one at the end.
const MOST_BARS: usize = 20;
/// Width of the drawing.
const WIDTH: f64 = 720.0;
/// Left of the bars: numbers of columns, names of bars.
const BESIDE: (f64, f64) = (56.0, 320.0);
/// Columns of letters that fit beside a bar.
const NAME_COLUMNS: usize = 44;
/// Width of a column of letters.
const COLUMN: f64 = 6.8;
/// Height of the columns, and of a bar with its gap.
const HEIGHT: (f64, f64) = (180.0, 22.0);
/// Above the bars: what the series are.
const LEGEND: f64 = 26.0;

impl Plot {
    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.points.iter().all(|(_, values)| values.iter().all(|value| *value == 0))
    }

    /// The drawing.
    pub fn svg(&self, language: Language) -> String {
        let (body, height) = match self.shape {
            Shape::Columns => self.columns(language),
            Shape::Bars => self.bars(language),
        };
        let title = escaped(&self.title.say(language));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             role=\"img\"><title>{title}</title>{}{body}</svg>",
            self.legend(language)
        )
    }

    /// Where the bars begin: one series needs no name.
    const fn top(&self) -> f64 {
        if self.series.len() < 2 { 4.0 } else { LEGEND }
    }

    fn legend(&self, language: Language) -> String {
        let mut out = String::new();
        if self.series.len() < 2 {
            return out;
        }
        for (number, name) in self.series.iter().enumerate() {
            let x = BESIDE.0 + number as f64 * 200.0;
            out += &bar((x, 4.0, 12.0, 12.0), number, None);
            text(&mut out, (x + 18.0, 14.0), "start", &name.say(language));
        }
        out
    }

    fn columns(&self, language: Language) -> (String, f64) {
        let mut out = String::new();
        let most =
            self.points.iter().map(|(_, values)| values.iter().sum::<u64>()).max().unwrap_or(0);
        let (top, left) = (self.top() + 8.0, BESIDE.0);
        let bottom = top + HEIGHT.0;
        let scale = Scale::up_to(most);
        for mark in scale.marks() {
            let y = bottom - scale.of(mark) * HEIGHT.0;
            line(&mut out, (left, y), (WIDTH, y));
            text(&mut out, (left - 6.0, y + 4.0), "end", &mark.to_string());
        }

        let step = (WIDTH - left) / (self.points.len().max(1) as f64);
        // As many names as stand beside each other.
        let names: Vec<String> = self.points.iter().map(|(name, _)| name.say(language)).collect();
        let widest = names.iter().map(|name| columns_of(name)).max().unwrap_or(0);
        let name_width = widest as f64 * COLUMN + 12.0;
        let each = (name_width / step).ceil().max(1.0) as usize;
        for (number, (name, (_, values))) in names.iter().zip(&self.points).enumerate() {
            let x = left + number as f64 * step;
            let mut y = bottom;
            for (series, value) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
                let height = scale.of(*value) * HEIGHT.0;
                y -= height;
                let said = self.said(name, series, *value, language);
                let (gap, width) = (step * 0.1, step * 0.8);
                out += &bar((x + gap, y, width, height), series, Some(said.as_str()));
            }
            if number % each == 0 && x + name_width <= WIDTH + 12.0 {
                text(&mut out, (x + 2.0, bottom + 16.0), "start", name);
            }
        }
        line(&mut out, (left, top), (left, bottom));
        (out, bottom + 24.0)
    }

    fn bars(&self, language: Language) -> (String, f64) {
        let mut out = String::new();
        let points = self.most_of();
        let most = points.iter().map(|(_, values)| values.iter().sum::<u64>()).max().unwrap_or(0);
        let scale = Scale::up_to(most);
        let names = points.iter().map(|(name, _)| fitting(&name.say(language), NAME_COLUMNS));
        let widest = names.map(|name| columns_of(&name)).max().unwrap_or(0);
        let (top, left) = (self.top(), (widest as f64 * COLUMN + 20.0).min(BESIDE.1));
        // Room for the number behind the longest.
        let width = WIDTH - left - 60.0;
        for (number, (name, values)) in points.iter().enumerate() {
            let y = top + number as f64 * HEIGHT.1;
            let name = name.say(language);
            text(&mut out, (left - 8.0, y + 14.0), "end", &fitting(&name, NAME_COLUMNS));
            let mut x = left;
            for (series, value) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
                let long = scale.of(*value) * width;
                let said = self.said(&name, series, *value, language);
                out += &bar((x, y + 2.0, long, HEIGHT.1 - 6.0), series, Some(said.as_str()));
                x += long;
            }
            let all: u64 = values.iter().sum();
            text(&mut out, (x + 6.0, y + 14.0), "start", &all.to_string());
        }
        let bottom = top + points.len() as f64 * HEIGHT.1;
        line(&mut out, (left, top), (left, bottom));
        (out, bottom + 8.0)
    }

    /// The points that have a bar of their own, and one for the others.
    fn most_of(&self) -> Vec<(Phrase, Vec<u64>)> {
        let mut points = self.points.clone();
        if points.len() <= MOST_BARS {
            return points;
        }
        points.sort_by_key(|(_, values)| std::cmp::Reverse(values.iter().sum::<u64>()));
        let others = points.split_off(MOST_BARS - 1);
        let mut sums = vec![0; self.series.len()];
        for (_, values) in &others {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        let count = ("count", (others.len() as u64).into());
        points.push((Text::ReportOthers.with([count]), sums));
        points
    }

    /// What a bar says when it is pointed at, and to a screen reader.
    fn said(&self, name: &str, series: usize, value: u64, language: Language) -> String {
        match self.series.get(series).filter(|_| self.series.len() > 1) {
            Some(series) => format!("{name}: {} {value}", series.say(language)),
            None => format!("{name}: {value}"),
        }
    }
}

/// From 0 to a round number.
struct Scale {
    step: u64,
    end: u64,
}

impl Scale {
    fn up_to(most: u64) -> Self {
        let mut step: u64 = 1;
        // 1, 2, 5, 10, 20, 50, ...: at most five marks.
        for (at, factor) in [2u64, 5, 10].into_iter().cycle().enumerate() {
            if step.saturating_mul(5) >= most {
                break;
            }
            let decade = 10u64.saturating_pow(u32::try_from(at / 3).unwrap_or(u32::MAX));
            step = decade.saturating_mul(factor);
        }
        Self { step, end: step.saturating_mul(most.div_ceil(step).max(1)) }
    }

    fn marks(&self) -> impl Iterator<Item = u64> {
        let step = self.step;
        (0..=self.end / step).map(move |number| number * step)
    }

    fn of(&self, value: u64) -> f64 {
        value as f64 / self.end as f64
    }
}

fn bar((x, y, width, height): (f64, f64, f64, f64), series: usize, title: Option<&str>) -> String {
    let title = title.map_or_else(String::new, |said| format!("<title>{}</title>", escaped(said)));
    format!(
        "<rect class=\"s{series}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
         height=\"{height:.1}\">{title}</rect>"
    )
}

fn line(out: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    // Writing to a text does not fail.
    let _ = write!(out, "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\"/>");
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, said: &str) {
    let said = escaped(said);
    let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{said}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_at_a_round_number_that_is_not_below_the_highest() {
        for (most, step, end) in [
            (0, 1, 1),
            (1, 1, 1),
            (5, 1, 5),
            (6, 2, 6),
            (11, 5, 15),
            (101, 50, 150),
            (999, 200, 1000),
        ] {
            let scale = Scale::up_to(most);
            assert_eq!((scale.step, scale.end), (step, end), "{most}");
            assert!(scale.marks().count() <= 6);
        }
        assert!(Scale::up_to(u64::MAX / 16).end >= u64::MAX / 16);
    }

    #[test]
    fn bars_are_as_long_as_their_values_and_the_smallest_are_one() {
        let point = |number: u64| (Phrase::from(format!("p{number}")), vec![number]);
        let plot = Plot {
            title: Text::HeadKeys,
            shape: Shape::Bars,
            series: vec![Text::HeadKeys],
            points: (1..=25).map(point).collect(),
        };
        let points = plot.most_of();
        assert_eq!(points.len(), MOST_BARS);
        // 1 to 6 together.
        assert_eq!(points.last().unwrap().1, [21]);
        assert_eq!(points.iter().map(|(_, values)| values[0]).sum::<u64>(), 25 * 26 / 2);

        let plot = Plot { shape: Shape::Columns, points: vec![point(1), point(4)], ..plot };
        let svg = plot.svg(Language::En);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let heights: Vec<f64> = document
            .descendants()
            .filter(|node| node.has_tag_name("rect"))
            .map(|node| node.attribute("height").unwrap().parse().unwrap())
            .collect();
        assert_eq!(heights, [45.0, 180.0]);
        assert!(!plot.is_empty());
        assert!(Plot { points: vec![point(0)], ..plot }.is_empty());
    }
}

//! What the pictures show, pixel by pixel.

use super::plot::{densities, top};
use super::*;
use crate::show::canvas::{AXIS, PAPER};
use detach_recipes::theory::normal as density;
use std::ops::Range;

// Where the default picture has its plot.
const LEFT: f64 = 44.0;
const RIGHT: f64 = 704.0;
const FLOOR: f64 = 406.0;
const UPPER: f64 = 64.0;

/// The left upper corner of a figure's panel.
fn corner(index: u32) -> [u32; 2] {
    [44 + 296 * (index % 5), 72 + 278 * (index / 5)]
}

/// N(0, 1) without luck: the quantiles of a fine, even grid.
fn gaussian(count: usize) -> Vec<f32> {
    let (mut x, mut mass) = (-6.0, 0.0);
    (0..count)
        .map(|index| {
            let target = (index as f64 + 0.5) / count as f64;
            while mass < target {
                mass += density(x) * 1e-4;
                x += 1e-4;
            }
            x as f32
        })
        .collect()
}

fn render(samples: &[f32]) -> Image {
    Histogram::default().render("", samples)
}

fn panel(title: &str, samples: &[f32]) -> Panel {
    Panel {
        title: title.to_string(),
        samples: samples.to_vec(),
    }
}

/// The pixel column of a value in the default picture.
fn column(value: f64) -> u32 {
    (LEFT + (value + 3.0) / 6.0 * (RIGHT - LEFT)) as u32
}

fn is(image: &Image, x: u32, y: u32, color: Color) -> bool {
    let pixel = image.pixel(x, y);
    pixel.iter().zip(color).all(|(&a, b)| a.abs_diff(b) < 24)
}

/// The highest pixel of about `color` in a column.
fn highest(image: &Image, x: u32, rows: Range<u32>, color: Color) -> Option<u32> {
    rows.into_iter().find(|&y| is(image, x, y, color))
}

/// First and last column with anything but paper in a box.
fn inked(image: &Image, columns: Range<u32>, rows: Range<u32>) -> Option<[u32; 2]> {
    let ink = |&x: &u32| rows.clone().any(|y| image.pixel(x, y) != PAPER);
    let first = columns.clone().find(ink)?;
    Some([first, columns.rev().find(ink)?])
}

#[test]
fn bars_are_densities() {
    let bars = densities(&gaussian(20_000), 4.0, 40);
    let area: f64 = bars.iter().sum::<f64>() * 0.2;
    assert!((area - 1.0).abs() < 2e-4, "{area}");
    for (bin, bar) in bars.iter().enumerate() {
        let center = -3.9 + 0.2 * bin as f64;
        assert!((bar - density(center)).abs() < 4e-3, "{center}: {bar}");
    }
}

#[test]
fn what_is_beyond_the_range_counts_in_the_total() {
    let samples = [-0.5, 0.0, 0.5, 1.0, 9.0, -9.0, f32::NAN, f32::INFINITY];
    assert_eq!(densities(&samples, 1.0, 2), [0.125, 0.375]);
    assert_eq!(densities(&[], 1.0, 2), [0.0, 0.0]);
}

#[test]
fn an_axis_ends_at_the_next_round_number() {
    let ends = [0.0, 0.5, 0.51, 1.04, 4.2, 103.0].map(top);
    assert_eq!(ends, [0.5, 0.5, 1.0, 2.0, 5.0, 200.0]);
    let labels = |top| plot::labels(top).join(" ");
    assert_eq!(labels(0.5), "0 0.1 0.2 0.3 0.4 0.5");
    assert_eq!(labels(2.0), "0 0.4 0.8 1.2 1.6 2.0");
    assert_eq!(labels(5.0), "0 1 2 3 4 5");
}

#[test]
fn the_curve_is_where_the_density_is() {
    let image = render(&[]);
    for value in [-2.0, -1.0, 0.0, 0.5, 2.9] {
        let x = LEFT + (value + 3.0) / 6.0 * (RIGHT - LEFT);
        let y = FLOOR - density(value) / 0.5 * (FLOOR - UPPER);
        let found = highest(&image, x as u32, 64..440, CURVE);
        let found = f64::from(found.expect("the curve crosses every column"));
        // The stroke's upper edge lies above its middle, more so on a slope.
        assert!((y - 5.0..=y).contains(&found), "{value}: {found} {y}");
    }
}

#[test]
fn bars_reach_the_curve_when_the_samples_are_right() {
    let image = render(&gaussian(20_000));
    // The middle of the bin from 0.6 to 0.8, below the curve's stroke.
    let curve = highest(&image, column(0.7), 64..440, CURVE).unwrap();
    let bar = highest(&image, column(0.7), 64..440, BAR).unwrap();
    assert!((1..=8).contains(&(bar - curve)), "{bar} {curve}");
}

#[test]
fn a_collapse_raises_the_axis() {
    let image = render(&[0.1; 100]);
    // All in a bin of width 0.2: a density of 5 on an axis that ends at 10.
    let bar = |value| highest(&image, column(value), 64..400, BAR);
    assert_eq!(bar(0.1), Some(235));
    assert_eq!([bar(-0.1), bar(0.3)], [None; 2]);
    // Half of them: 2.5 of 5.
    let half: Vec<f32> = (0..100).map(|index| 0.1 + (index % 2) as f32).collect();
    let image = render(&half);
    assert_eq!(highest(&image, column(1.1), 64..400, BAR), Some(235));
}

#[test]
fn arrows_tell_of_samples_beyond_the_range() {
    let arrow = |sample: f32| {
        let image = render(&[sample]);
        [40, 708].map(|x| highest(&image, x, 350..400, BAR).is_some())
    };
    assert_eq!(arrow(-9.0), [true, false]);
    assert_eq!(arrow(9.0), [false, true]);
    assert_eq!(arrow(f32::NEG_INFINITY), [true, false]);
    assert_eq!(arrow(f32::NAN), [false; 2]);
    assert_eq!(arrow(0.0), [false; 2]);
}

#[test]
fn numbers_stand_at_the_ticks() {
    let image = render(&[]);
    for value in -3..=3 {
        let x = column(f64::from(value)).min(703);
        assert_eq!(image.pixel(x, 409), AXIS, "a tick at {value}");
        let [first, last] = inked(&image, x - 12..x + 13, 414..430).expect("a number");
        let middle = f64::from(first + last) / 2.0;
        assert!((middle - f64::from(x)).abs() <= 1.5, "{value}: {middle}");
        let between = inked(&image, x + 20..(x + 80).min(716), 409..430);
        assert_eq!(between, None, "nothing right of {value}");
    }
    for step in 0..=5 {
        let y = (FLOOR - f64::from(step) * (FLOOR - UPPER) / 5.0).round() as u32;
        let number = inked(&image, 0..40, y - 5..y + 6).expect("a number");
        // `0` is one letter wide, the others three.
        let width = number[1] - number[0];
        assert_eq!((width > 12, width < 8), (step > 0, step == 0), "{step}");
    }
}

#[test]
fn a_title_stands_in_the_middle() {
    let image = Histogram::default().render("iteration 500", &[]);
    let [first, last] = inked(&image, 0..720, 8..30).unwrap();
    assert!((first + last).abs_diff(2 * 374) <= 3, "{first} {last}");
    assert_eq!(inked(&render(&[]), 0..720, 8..30), None);
    let long = Histogram::default().render(&"long ".repeat(99), &[]);
    let [first, last] = inked(&long, 0..720, 8..30).unwrap();
    assert!(first >= 44 && last < 704, "{first} {last}");
}

#[test]
fn a_legend_names_both_colors() {
    let pictures = [(render(&[]), 704, 44), (figure(&[]), 1498, 22)];
    for (image, right, y) in pictures {
        // From the right: `N(0, 1)`, its line, `samples`, its bar.
        for (columns, color) in [
            (right - 77..right - 57, CURVE),
            (right - 170..right - 158, BAR),
        ] {
            for x in columns.clone() {
                assert_eq!(image.pixel(x, y), color, "{x} of {columns:?}");
            }
            let ends = [columns.start - 1, columns.end].map(|x| is(&image, x, y, PAPER));
            assert_eq!(ends, [true; 2], "{columns:?}");
        }
        for words in [right - 49..right, right - 150..right - 101] {
            assert!(inked(&image, words, y - 8..y + 8).is_some());
        }
    }
}

#[test]
fn panels_stand_row_by_row() {
    // Panel i has its samples in bin 2i, a tenth of them: a density of 0.5.
    let panels: Vec<Panel> = (0..10)
        .map(|index| {
            let mut samples = vec![f32::NAN; 900];
            samples.extend([-2.9 + 0.4 * index as f32; 100]);
            panel(&format!("iteration {}", 500 * index), &samples)
        })
        .collect();
    let image = figure(&panels);
    assert_eq!((image.width(), image.height()), (1514, 600));
    for index in 0..10 {
        let [left, upper] = corner(index);
        for bin in 0..30 {
            let bar = highest(&image, left + 9 * bin + 4, upper..upper + 200, BAR);
            let expected = (bin == 2 * index).then_some(upper);
            assert_eq!(bar, expected, "panel {index}, bin {bin}");
        }
        // Longer titles begin farther left, and all are in the middle.
        let title = inked(&image, left + 40..left + 270, upper - 25..upper - 6);
        let [first, last] = title.expect("a title");
        assert!((first + last).abs_diff(2 * (left + 135)) <= 3, "{index}");
        for value in 0..=6 {
            let x = left + 45 * value;
            let number = inked(&image, x - 8..x + 9, upper + 224..upper + 240);
            assert!(number.is_some(), "panel {index}, number {value}");
        }
        let number = inked(&image, left - 22..left - 10, upper + 80..upper + 95);
        assert_eq!(number.is_some(), index % 5 == 0, "panel {index}");
    }
}

#[test]
fn a_figure_keeps_its_size_until_it_is_full() {
    let panels = vec![panel("x", &[0.0, 1.0]); 11];
    let size = |count| {
        let image = figure(&panels[..count]);
        (image.width(), image.height())
    };
    assert_eq!([0, 1, 7, 10].map(size), [(1514, 600); 4]);
    assert_eq!(size(11), (1514, 878));
    let image = figure(&panels[..7]);
    for index in 0..10 {
        let [left, upper] = corner(index);
        let anything = inked(&image, left - 4..left + 270, upper - 24..upper + 240);
        assert_eq!(anything.is_some(), index < 7, "{index}");
    }
}

#[test]
fn panels_share_an_axis_that_one_collapse_does_not_raise() {
    let good = gaussian(20_000);
    let image = figure(&[panel("a", &[0.1; 100]), panel("b", &good)]);
    // The collapsed one is cut at the axis' end, broken there, and says its height.
    let bar = |x: u32| (72..288).map(|y| is(&image, x, y, BAR)).collect::<Vec<_>>();
    let collapsed = bar(44 + 9 * 15 + 1);
    assert!(collapsed[..6].iter().all(|&bar| bar));
    assert_eq!(collapsed[6..8], [false; 2]);
    assert!(collapsed[8] && is(&image, 44 + 9 * 15 + 4, 71, PAPER));
    assert!(inked(&image, 44 + 9 * 16 + 4..314, 78..92).is_some());
    // The other stands as alone.
    let alone = figure(&[panel("", &[]), panel("b", &good)]);
    for y in 40..310 {
        for x in 332..620 {
            assert_eq!(image.pixel(x, y), alone.pixel(x, y), "({x}, {y})");
        }
    }
    // When none fits, the axis is raised: 5 fits under 5.
    let image = figure(&[panel("a", &[0.1; 100]), panel("b", &[0.1; 100])]);
    assert_eq!(highest(&image, 44 + 9 * 15 + 4, 72..280, BAR), Some(72));
    assert_eq!(inked(&image, 44 + 9 * 16 + 4..314, 78..92), None);
}

#[test]
fn the_height_of_a_cut_bar_stands_beside_it_at_either_edge() {
    let image = figure(&[
        panel("a", &[-2.9; 10]),
        panel("b", &[2.9; 10]),
        panel("c", &gaussian(99)),
    ]);
    let side = |panel, columns: Range<u32>| {
        let [left, upper] = corner(panel);
        let columns = left + columns.start..left + columns.end;
        inked(&image, columns, upper + 4..upper + 20).is_some()
    };
    assert_eq!([side(0, 20..100), side(0, 180..270)], [true, false]);
    assert_eq!([side(1, 0..90), side(1, 170..250)], [false, true]);
}

#[test]
fn what_is_not_finite_does_no_harm() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX];
    let image = figure(&[panel("NaN", &[f32::NAN; 9]), panel("odd", &odd)]);
    let empty = figure(&[panel("NaN", &[]), panel("odd", &[])]);
    // No bar anywhere, the curve and the axes as without samples.
    for index in 0..2 {
        let [left, upper] = corner(index);
        for y in upper..upper + 240 {
            for x in left..left + 270 {
                assert_eq!(image.pixel(x, y), empty.pixel(x, y), "({x}, {y})");
            }
        }
    }
    assert_eq!(render(&[f32::NAN]), render(&[]));
}

#[test]
#[should_panic(expected = "a histogram needs 300x200 pixels, got 300x199")]
fn too_small_a_picture_is_refused() {
    let layout = Histogram {
        width: 300,
        height: 199,
        ..Histogram::default()
    };
    let _ = layout.render("", &[]);
}

//! A list's days as a picture: signups and confirmations upwards, leavers downwards. It is for eyes alone; the table
//! below it says the same. No style attribute: the pages' policy allows none.

use std::fmt::Write as _;

use crate::app::stats::{Acts, Day};
use crate::consent::figures::{Figure, grouped};

/// In units of the picture, which the page scales.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
/// Room for numbers at the left, and for dates below.
const LEFT: f64 = 56.0;
const BELOW: f64 = 28.0;
const ABOVE: f64 = 16.0;

/// The picture, as SVG; none where nobody did anything.
pub fn svg(days: &[Day]) -> Option<String> {
    let most = |of: fn(&Acts) -> Figure| days.iter().map(|day| height(of(&day.acts))).fold(0.0, f64::max);
    let (up, down) = (most(|acts| acts.signed_up).max(most(|acts| acts.confirmed)), most(|acts| acts.left));
    let (first, last) = (days.first()?.day, days.last()?.day);
    if up + down == 0.0 {
        return None;
    }
    let (up, down) = (even(up), even(down));
    let unit = (HEIGHT - ABOVE - BELOW) / (up + down);
    let ground = ABOVE + up * unit;
    let step = (WIDTH - LEFT) / days.len() as f64;

    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
         <title>Signups, confirmations and leavers by day, {first} to {last}; the table below has the numbers.</title>\n"
    );
    for (value, y) in [(up, ABOVE), (0.0, ground), (down, HEIGHT - BELOW)] {
        if value > 0.0 || y == ground {
            line(&mut svg, y);
            text(&mut svg, LEFT - 8.0, y + 5.0, "end", &grouped(value as u64));
        }
    }
    for (n, day) in days.iter().enumerate() {
        let (x, acts) = (LEFT + n as f64 * step, &day.acts);
        bar(&mut svg, "signed-up", (x + step * 0.1, step * 0.8), (ground, -height(acts.signed_up) * unit));
        bar(&mut svg, "confirmed", (x + step * 0.25, step * 0.5), (ground, -height(acts.confirmed) * unit));
        bar(&mut svg, "left", (x + step * 0.25, step * 0.5), (ground, height(acts.left) * unit));
    }
    text(&mut svg, LEFT, HEIGHT - 6.0, "start", &first.to_string());
    text(&mut svg, WIDTH, HEIGHT - 6.0, "end", &last.to_string());
    svg.push_str("</svg>");
    Some(svg)
}

/// Few people are drawn as between one and four.
fn height(figure: Figure) -> f64 {
    (figure.at_least as f64 + figure.at_most as f64) / 2.0
}

/// The next number up that reads well on an axis: 1, 2 or 5, and zeros.
fn even(most: f64) -> f64 {
    if most == 0.0 {
        return 0.0;
    }
    let ten = 10f64.powf(most.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * ten).find(|even| *even >= most).unwrap_or(most)
}

fn bar(svg: &mut String, class: &str, (x, width): (f64, f64), (ground, height): (f64, f64)) {
    if height == 0.0 {
        return;
    }
    let y = ground.min(ground + height);
    _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
        height.abs()
    );
}

fn line(svg: &mut String, y: f64) {
    _ = writeln!(svg, "<line x1=\"{LEFT:.1}\" y1=\"{y:.1}\" x2=\"{WIDTH:.1}\" y2=\"{y:.1}\"/>");
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;
    use regex::Regex;

    fn days(counts: &[(u64, u64, u64)]) -> Vec<Day> {
        let day = |(n, (signed_up, confirmed, left)): (usize, &(u64, u64, u64))| {
            let acts = Acts {
                signed_up: Figure::of(*signed_up),
                confirmed: Figure::of(*confirmed),
                left: Figure::of(*left),
                ..Acts::default()
            };
            Day { day: date(2026, 1, 1).checked_add(jiff::Span::new().days(n as i64)).unwrap(), acts }
        };
        counts.iter().enumerate().map(day).collect()
    }

    /// Every element closed, in its order, and nothing but what a picture needs.
    fn is_well_formed(svg: &str) {
        let tag = Regex::new(r#"<(/?)([a-z]+)((?: [a-zA-Z0-9-]+="[^"<>&]*")*)(/?)>"#).unwrap();
        let mut open = Vec::new();
        for tag in tag.captures_iter(svg) {
            match (&tag[1], &tag[4]) {
                ("/", _) => assert_eq!(open.pop(), Some(tag[2].to_owned())),
                (_, "/") => assert!(["rect", "line"].contains(&&tag[2])),
                _ => open.push(tag[2].to_owned()),
            }
            assert!(!tag[3].contains("style=") && !tag[3].contains(" on"), "{}", &tag[0]);
        }
        assert_eq!(open, Vec::<String>::new());
        let rest = tag.replace_all(svg, "");
        assert!(!rest.contains(['<', '>', '&']), "{rest}");
        assert!(svg.starts_with("<svg class=\"plot\"") && svg.contains("role=\"img\""), "{svg}");
        assert!(svg.contains("<title>"), "{svg}");
    }

    fn heights(svg: &str, class: &str) -> Vec<f64> {
        let bar = Regex::new(&format!(r#"<rect class="{class}"[^>]* height="([^"]+)"/>"#)).unwrap();
        bar.captures_iter(svg).map(|bar| bar[1].parse().unwrap()).collect()
    }

    #[test]
    fn twice_as_many_people_are_twice_as_high_and_few_are_all_alike() {
        let svg = svg(&days(&[(10, 10, 5), (20, 3, 0), (0, 1, 0)])).unwrap();
        is_well_formed(&svg);
        let (signed_up, confirmed) = (heights(&svg, "signed-up"), heights(&svg, "confirmed"));
        assert!((signed_up[1] / signed_up[0] - 2.0).abs() < 0.01);
        assert_eq!(confirmed[1], confirmed[2], "one and three people");
        assert!((confirmed[0] - signed_up[0]).abs() < 0.01);
        assert!((heights(&svg, "left")[0] * 2.0 - confirmed[0]).abs() < 0.2);
    }

    #[test]
    fn of_nobody_there_is_no_picture() {
        assert_eq!(svg(&days(&[(0, 0, 0); 30])), None);
        assert_eq!(svg(&[]), None);
    }

    #[test]
    fn an_axis_ends_at_a_number_that_reads_well() {
        let ends = [0.0, 1.0, 2.5, 7.0, 10.0, 11.0, 400.0, 1234.0].map(even);
        assert_eq!(ends, [0.0, 1.0, 5.0, 10.0, 10.0, 20.0, 500.0, 2000.0]);
    }

    proptest! {
        #[test]
        fn any_days_make_a_picture_that_lies_within_its_frame(
            counts in prop::collection::vec((0u64..100_000, 0u64..100_000, 0u64..9), 1..366)
        ) {
            let Some(svg) = svg(&days(&counts)) else { return Ok(()) };
            is_well_formed(&svg);
            let place = Regex::new(r#"x="([^"]+)" y="([^"]+)" width="([^"]+)" height="([^"]+)""#).unwrap();
            for bar in place.captures_iter(&svg) {
                let [x, y, width, height] = [1, 2, 3, 4].map(|n| bar[n].parse::<f64>().unwrap());
                prop_assert!(x >= LEFT - 0.1 && x + width <= WIDTH + 0.1, "{}", &bar[0]);
                prop_assert!(y >= ABOVE - 0.1 && y + height <= HEIGHT - BELOW + 0.2, "{}", &bar[0]);
            }
        }
    }
}

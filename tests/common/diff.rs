//! The difference of two texts, line by line.
#![allow(
    clippy::indexing_slicing,
    reason = "a table of the two lengths; a mistake fails the test that shows it"
)]

const CONTEXT: usize = 2;

enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// Lines only in `left` begin with `-`, those only in `right` with `+`; far from any difference they are left out.
pub fn lines(left: &str, right: &str) -> String {
    let left: Vec<&str> = left.lines().collect();
    let right: Vec<&str> = right.lines().collect();
    show(&compare(&left, &right))
}

/// The longest common subsequence: the texts are a few hundred lines at most.
fn compare<'a>(left: &[&'a str], right: &[&'a str]) -> Vec<Line<'a>> {
    let mut common = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            common[i][j] = if left[i] == right[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut result) = (0, 0, Vec::new());
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i] == right[j] {
            result.push(Line::Same(left[i]));
            i += 1;
            j += 1;
        } else if j == right.len() || (i < left.len() && common[i + 1][j] >= common[i][j + 1]) {
            result.push(Line::Gone(left[i]));
            i += 1;
        } else {
            result.push(Line::New(right[j]));
            j += 1;
        }
    }
    result
}

fn is_title(line: &Line<'_>) -> bool {
    matches!(line, Line::Same(text) if text.starts_with('['))
}

fn show(lines: &[Line<'_>]) -> String {
    let changed = |line: &Line<'_>| !matches!(line, Line::Same(_));
    let mut text = String::new();
    let mut skipped = false;
    for (at, line) in lines.iter().enumerate() {
        let near = &lines[at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(lines.len())];
        // The title of the part that a difference stands in is shown too, however far.
        let in_part =
            is_title(line) && lines[at + 1..].iter().take_while(|line| !is_title(line)).any(changed);
        if !in_part && !near.iter().any(changed) {
            skipped = true;
            continue;
        }
        if std::mem::take(&mut skipped) {
            text.push_str("  ...\n");
        }
        let (mark, line) = match line {
            Line::Same(line) => (' ', line),
            Line::Gone(line) => ('-', line),
            Line::New(line) => ('+', line),
        };
        text.push_str(&format!("{mark} {line}\n"));
    }
    text
}

//! Numbers and lines for people.

/// 1948545 as `1,948,545`.
pub fn grouped(n: usize) -> String {
    grouped_by(n as u64, ',')
}

/// The digits of a whole number in threes, `separator` between them.
pub fn grouped_by(n: u64, separator: char) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// Every line moved in by two spaces.
pub fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Rows of cells as a table, the first row its head: texts of the first column stand left, all others right.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        out += cells.collect::<Vec<_>>().join("  ").trim_end();
        out.push('\n');
    }
    out
}

/// A number of four digits, or a dash where there is none.
pub fn short(number: Option<f64>) -> String {
    match number {
        None => "-".to_owned(),
        Some(x) if x != 0.0 && !(1e-3..1e5).contains(&x.abs()) => format!("{x:.2e}"),
        Some(x) => {
            let before = x.abs().max(1.0).log10().floor() as usize;
            format!("{x:.*}", 3_usize.saturating_sub(before))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands() {
        assert_eq!([grouped(7), grouped(1_948_545)], ["7", "1,948,545"]);
    }

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [vec!["name", "x"], vec!["größe", "12.5"], vec!["y"]];
        let rows = rows.map(|row| row.iter().map(|cell| (*cell).to_owned()).collect());
        assert_eq!(table(&rows), "name      x\ngröße  12.5\ny\n");
    }

    #[test]
    fn four_digits() {
        let texts = [0.0, 0.12345, -1.5, 123.456, 99999.4, 1e6, 1e-7].map(|x| short(Some(x)));
        assert_eq!(
            texts,
            [
                "0.000", "0.123", "-1.500", "123.5", "99999", "1.00e6", "1.00e-7"
            ]
        );
        assert_eq!(short(None), "-");
    }
}
